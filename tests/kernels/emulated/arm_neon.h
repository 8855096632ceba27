// Stands for the compiler's header where the NEON kernels are compiled for another processor.
#pragma once

#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/arm/neon.h>

namespace hearth::emulated {

// Version 0.7.4 of SIMDe has no division.
inline simde_float32x4_t divide(simde_float32x4_t a, simde_float32x4_t b) {
  float x[4], y[4];
  simde_vst1q_f32(x, a);
  simde_vst1q_f32(y, b);
  for (int i = 0; i < 4; ++i) x[i] /= y[i];
  return simde_vld1q_f32(x);
}

// Nor this one: c - a * b.
inline simde_float32x4_t subtract_product(simde_float32x4_t c, simde_float32x4_t a, simde_float32x4_t b) {
  return simde_vfmaq_f32(c, simde_vnegq_f32(a), b);
}

}  // namespace hearth::emulated

#define vdivq_f32(a, b) hearth::emulated::divide(a, b)
#define vfmsq_f32(c, a, b) hearth::emulated::subtract_product(c, a, b)
