// The table of CPU kernels: what every instruction set offers, and the data that kernels share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/format.h"

namespace hearth::cpu {

// 256 activations rounded to 8 bits in groups of 32: x = scale * q. A row is a whole number of units, its tail zeros.
// `total` and `half` are the sums of q per 32 and per 16 values, `sum` is scale * total: formats whose integers have an
// offset or a minimum need them.
inline constexpr uint32_t kUnit = 256;
struct alignas(64) Q8Unit {
  float scale[8];
  float sum[8];
  int32_t total[8];
  int16_t half[16];
  int8_t q[kUnit];
};
static_assert(sizeof(Q8Unit) == 384);

inline constexpr uint32_t units(uint32_t width) { return width / kUnit + (width % kUnit != 0 ? 1 : 0); }

// out[c][row] = W[row] . in[c] for c < columns, of which there are some, and row_begin <= row < row_end. Rows of W are
// contiguous, row_bytes each, unaligned. in[c]: units(width) Q8Unit for formats of blocks, float[width] for F32, F16
// and BF16. With more than lane_columns columns those units may lie `unit_step` Q8Unit apart: what columns have at one
// place of a row, and are multiplied by together, then lies together. `format` is that of W; the coded formats share
// their kernels, which ask it to expand W.
struct Matmul {
  const FormatInfo* format;
  const std::byte* weights;
  size_t row_bytes;
  uint32_t width, row_begin, row_end, columns;
  const void* const* in;
  float* const* out;
  // The rows that the caller will read next, so that they can be asked for in time. Null where that is not known.
  const std::byte* next = nullptr;
  size_t next_row_bytes = 0;
  uint32_t unit_step = 1;
};

// A cache's rows: one per cell, its values as KvType of the backends says; a q8_0 row is Q8_0 blocks.
enum class CacheType : uint8_t { f32, f16, q8_0 };

// out[i] = softmax(score) V over the positions from[i] to seen[i] - 1, for one head of K and V. score = scale * q[i]
// K^T, then softcap * tanh(score / softcap) where there is one. sinks[i] is a score more that has no value.
struct Attention {
  const float* const* q;  // [count], each [head_size]
  float* const* out;      // [count], each [value_size]; may be q
  const uint32_t* from;   // [count], each below seen
  const uint32_t* seen;   // [count], each at least 1
  const float* sinks;     // [count], or null
  uint32_t count;         // at most kAttentionQueries
  uint32_t head_size, value_size;
  float scale, softcap;
  CacheType type;
  const std::byte *keys, *values;   // cell 0 of the layer
  size_t key_bytes, value_bytes;    // of a cell
  uint32_t key_first, value_first;  // where the head begins in a cell, in values
  const uint32_t* pages;
  uint32_t page_size;
  float* scratch;  // attention_scratch(the larger of head_size and value_size) floats, aligned to 64 bytes
};
inline constexpr uint32_t kAttentionQueries = 128, kAttentionTile = 64, kAttentionRows = 16, kAttentionTogether = 6;
inline constexpr size_t attention_scratch(uint32_t head_size) {
  const size_t padded = (head_size + 31) / 32 * 32;
  return (2 * kAttentionQueries + 2 * kAttentionTile + kAttentionRows) * padded + kAttentionTogether * kAttentionTile;
}

// The same for all heads of one row, or a part of its positions. Faster, and with other bits. Heads are whole blocks of
// 32 values, at most kAttentionQueries of them.
struct RowAttention {
  const float* q;            // [kv_heads x group x head_size]
  float* out;                // [kv_heads x group x value_size]; may be q
  float* softmax;            // null, or [heads x (largest score, sum)]: out is then not divided by sums
  const float* sinks;        // [heads], or null
  uint32_t from, seen;       // positions [from, seen), of which there are some; their pages may be read whole
  uint32_t kv_heads, group;  // queries of a head of K and V
  uint32_t head_size, value_size;
  float scale, softcap;
  CacheType type;
  const std::byte *keys, *values;  // as above
  size_t key_bytes, value_bytes;
  const uint32_t* pages;
  uint32_t page_size;
  float* scratch;  // row_attention_scratch(widths of q and out) floats, aligned to 64 bytes
};
inline constexpr size_t row_attention_scratch(size_t q_width, size_t out_width) {
  return kAttentionTogether * kAttentionTile + q_width + out_width;
}

// The gated delta rule (backends/program.h) for one head and `count` rows of a sequence, q and k being divided by their
// lengths and decay = exp(rate * softplus(...)), beta = sigmoid(...) being computed. state: [key_size x value_size].
struct DeltaRows {
  const float *q, *k, *v, *decay, *beta;  // of the first row
  float* out;
  size_t key_stride, value_stride, head_stride,
      out_stride;  // floats from row to row: of q and k; v; decay and beta; out
  uint32_t count, key_size, value_size;
  float* state;
};

using MatmulKernel = void (*)(const Matmul&) noexcept;
struct FormatKernels {
  MatmulKernel
      few;  // for few columns, which each row meets as it is streamed; the same as `many` where few_columns is 0
  MatmulKernel many;  // for any number; a column's bits do not depend on how many there are
  // Null, or faster than `many` for many columns, with other bits. The weights of a unit of a row are rounded to 8 bits
  // anew, with one scale, which adds a hundredth at most to what the format itself costs (the table in
  // bench/README.md); of some of more bits the scales, and sums of products, are rounded to 16 bits. A column's bits do
  // not depend on the others.
  MatmulKernel rescaled = nullptr;
};
inline constexpr uint32_t kFormatSlots = 41;  // past the largest Format

// All functions are noexcept, allocate nothing, use up to 256 KiB of stack, and may be called from any number of
// threads. A column's result depends only on the column, the weights, and which of few and many computed it. float
// arrays may be unaligned.
struct KernelTable {
  const char* name;
  uint32_t few_columns;                 // up to so many columns `few` is the faster one; 0: it is `many`
  uint32_t lane_columns;                // up to so many columns `many` handles `lane_rows` rows together
  uint32_t lane_rows;                   // ranges of rows should then be multiples of it
  uint32_t tile_rows;                   // the same for more columns
  FormatKernels formats[kFormatSlots];  // by Format; null where there is no such format
  // out: [units(n)], n > 0
  void (*quantise)(const float* x, uint32_t n, Q8Unit* out) noexcept;
  // out = x / sqrt(mean(x^2) + eps) * gain; in place is allowed
  void (*rms_norm)(const float* x, const float* gain, float eps, uint32_t n, float* out) noexcept;
  // out = (x - mean(x)) / sqrt(variance(x) + eps) * gain + bias, which may be null; in place is allowed
  void (*layer_norm)(const float* x, const float* gain, const float* bias, float eps, uint32_t n, float* out) noexcept;
  // gate = act(gate) * up, each act within 4e-7 relative of its formula in backends/program.h
  void (*silu_multiply)(float* gate, const float* up, uint32_t n) noexcept;
  void (*gelu_multiply)(float* gate, const float* up, uint32_t n) noexcept;
  void (*clamped_multiply)(float* gate, const float* up, uint32_t n) noexcept;  // the formula of `clamped`
  void (*sigmoid_multiply)(float* gate, const float* up, uint32_t n) noexcept;
  // x = act(x)
  void (*silu)(float* x, uint32_t n) noexcept;
  void (*gelu)(float* x, uint32_t n) noexcept;
  void (*sigmoid)(float* x, uint32_t n) noexcept;
  // x = cap * tanh(x / cap), within 3e-7 of cap
  void (*softcap)(float* x, float cap, uint32_t n) noexcept;
  // x *= factor
  void (*scale)(float* x, float factor, uint32_t n) noexcept;
  // a += b
  void (*add)(float* a, const float* b, uint32_t n) noexcept;
  // a += weight * b
  void (*add_scaled)(float* a, const float* b, float weight, uint32_t n) noexcept;
  // (x, y) = (x cos - y sin, x sin + y cos) for `pairs` pairs; y lies `pairs` after x
  void (*rope_halves)(float* head, const float* cosine, const float* sine, uint32_t pairs) noexcept;
  // the same where y lies next to x
  void (*rope_adjacent)(float* head, const float* cosine, const float* sine, uint32_t pairs) noexcept;
  // to binary16, rounded to nearest even
  void (*store_f16)(const float* x, uint16_t* out, uint32_t n) noexcept;
  void (*attend)(const Attention&) noexcept;
  void (*attend_row)(const RowAttention&) noexcept;
  // out[n] = the values of one head over the positions of all parts, whose sums and softmax (as attend_row gives them)
  // lie `stride` floats apart.
  void (*merge_parts)(const float* sums, const float* softmax, size_t stride, uint32_t parts, uint32_t n,
                      float* out) noexcept;
  // x = sum over j of kernel[j] * the row taps - 1 - j before, of which `history` holds taps - 1, and takes x as the
  // last of them. kernel: [taps x stride], history: [taps - 1 x stride], of which n values each are used.
  void (*convolve)(float* x, float* history, const float* kernel, uint32_t taps, uint32_t stride, uint32_t n) noexcept;
  void (*delta_rule)(const DeltaRows&) noexcept;
  // For measuring roofs. Reads `bytes` bytes, a multiple of 128, and gives something that depends on all of them.
  uint32_t (*read_all)(const std::byte* p, size_t bytes) noexcept;
  // Multiplies and adds bytes in registers, and gives how many products were added.
  uint64_t (*multiply_bytes)(uint64_t rounds) noexcept;
};

}  // namespace hearth::cpu
