// The table of weight formats: what a tensor's bytes mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hearth {

// The number is the tensor type that a GGUF file carries.
enum class Format : uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq2_xxs = 16,
  iq2_xs = 17,
  iq3_xxs = 18,
  iq1_s = 19,
  iq4_nl = 20,
  iq3_s = 21,
  iq2_s = 22,
  iq4_xs = 23,
  iq1_m = 29,
  bf16 = 30,
  tq1_0 = 34,
  tq2_0 = 35,
  mxfp4 = 39,
  nvfp4 = 40,
};

// 256 weights of a coded format: w[i] = scale[i / 16] * q[i].
struct alignas(64) Expanded {
  int8_t q[256];
  float scale[16];
};

struct FormatInfo {
  Format format;
  const char* name;      // as the field writes it: "Q4_0"
  uint32_t block_size;   // values per block; a row is a whole number of blocks
  uint32_t block_bytes;  // bytes per block
  // blocks: count / block_size blocks, unaligned; values: [count]. The reference decode, exact to the last bit.
  void (*decode)(const std::byte* blocks, float* values, size_t count) noexcept;
  // values: [count]; blocks: count / block_size blocks. Null where there is no encoder.
  void (*encode)(const float* values, std::byte* blocks, size_t count) noexcept;
  // Of the coded formats (coded_blocks.h), null for others. blocks: count / block_size blocks, unaligned; count: at
  // most 256, and what is missing to that becomes zeros.
  void (*expand)(const std::byte* blocks, uint32_t count, Expanded& out) noexcept;
};

std::span<const FormatInfo> formats() noexcept;                // all formats, the coded ones last
const FormatInfo* find_format(uint32_t tensor_type) noexcept;  // null for a type that Hearth does not know
const FormatInfo& format_info(Format format) noexcept;

}  // namespace hearth
