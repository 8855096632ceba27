// Stands for the compiler's header where the x86 kernels are compiled for a processor that lacks their instructions.
#pragma once

#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

// What version 0.7.4 of SIMDe lacks or spells wrongly.
#define _MM_FROUND_NO_EXC SIMDE_MM_FROUND_NO_EXC
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

namespace hearth::emulated {

inline simde__m512 cvtepi32_ps(simde__m512i a) {
  int32_t whole[16];
  float real[16];
  simde_mm512_storeu_si512(whole, a);
  for (int i = 0; i < 16; ++i) real[i] = static_cast<float>(whole[i]);
  return simde_mm512_loadu_ps(real);
}

inline simde__m512i srai_epi32(simde__m512i a, unsigned bits) {
  int32_t whole[16];
  simde_mm512_storeu_si512(whole, a);
  for (int32_t& value : whole) value >>= bits;
  return simde_mm512_loadu_si512(whole);
}

inline simde__m256i cvtepi32_epi16(simde__m512i a) {
  int32_t whole[16];
  int16_t half[16];
  simde_mm512_storeu_si512(whole, a);
  for (int i = 0; i < 16; ++i) half[i] = static_cast<int16_t>(whole[i]);
  return simde_mm256_loadu_si256(half);
}

inline simde__m512 cvtph_ps(simde__m256i a) {
  float real[16];
  simde_mm256_storeu_ps(real, simde_mm256_cvtph_ps(simde_mm256_castsi256_si128(a)));
  simde_mm256_storeu_ps(real + 8, simde_mm256_cvtph_ps(simde_mm256_extracti128_si256(a, 1)));
  return simde_mm512_loadu_ps(real);
}

// What no word holds becomes the smallest one.
inline simde__m512i cvtps_epi32(simde__m512 a) {
  float real[16];
  int32_t whole[16];
  simde_mm512_storeu_ps(real, a);
  for (int i = 0; i < 16; ++i)
    whole[i] = real[i] >= -2147483648.0f && real[i] < 2147483648.0f ? static_cast<int32_t>(__builtin_rintf(real[i]))
                                                                    : INT32_MIN;
  return simde_mm512_loadu_si512(whole);
}

inline simde__m256i cvtps_ph(simde__m512 a, int) {
  float real[16];
  simde_mm512_storeu_ps(real, a);
  return simde_mm256_set_m128i(simde_mm256_cvtps_ph(simde_mm256_loadu_ps(real + 8), SIMDE_MM_FROUND_TO_NEAREST_INT),
                               simde_mm256_cvtps_ph(simde_mm256_loadu_ps(real), SIMDE_MM_FROUND_TO_NEAREST_INT));
}

inline simde__m512i cvtepi8_epi32(simde__m128i a) {
  int8_t bytes[16];
  int32_t whole[16];
  simde_mm_storeu_si128(bytes, a);
  for (int i = 0; i < 16; ++i) whole[i] = bytes[i];
  return simde_mm512_loadu_si512(whole);
}

}  // namespace hearth::emulated

#undef _mm512_cvtepi8_epi32
#define _mm512_cvtepi8_epi32(a) hearth::emulated::cvtepi8_epi32(a)
#define _mm256_dpbusd_avx_epi32(sum, a, b) simde_mm256_dpbusd_epi32(sum, a, b)
#define _mm256_dpwssd_avx_epi32(sum, a, b) simde_mm256_dpwssd_epi32(sum, a, b)
#define _mm512_cvtph_ps(a) hearth::emulated::cvtph_ps(a)
#define _mm512_cvtps_ph(a, rounding) hearth::emulated::cvtps_ph(a, rounding)
#define _mm512_cvtps_epi32(a) hearth::emulated::cvtps_epi32(a)
#define _mm512_srai_epi32(a, bits) hearth::emulated::srai_epi32(a, bits)
#define _mm512_cvtepi32_epi16(a) hearth::emulated::cvtepi32_epi16(a)
#define _mm512_cvtepi32_ps(a) hearth::emulated::cvtepi32_ps(a)
