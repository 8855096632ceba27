// How the cache keeps keys and values: kKvType 0 as floats, 1 as binary16, 2 as Q8_0 blocks of 32; and where.
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_8bit_storage : require

#include "kernels/vulkan/half.glsl"

layout(constant_id = 0) const uint kKvType = 0;
const uint kKvF32 = 0;
const uint kKvF16 = 1;
const uint kKvBlock = 32;        // values of a Q8_0 block
const uint kKvBlockBytes = 34;   // its binary16 scale, then a byte for each value

layout(buffer_reference, scalar, buffer_reference_align = 2) buffer Halves { uint16_t at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 1) buffer Bytes { int8_t at[]; };

uint kv_row_bytes(uint width) {
  return kKvType == kKvF32 ? 4 * width : kKvType == kKvF16 ? 2 * width : width / kKvBlock * kKvBlockBytes;
}

// The place of a position of a sequence, of all positions of the cache.
uint64_t cell_of(BatchWords batch, uint sequence, uint position, uint page_size) {
  const uint first = batch.word[batch.word[kPageBegin] + sequence];
  const uint page = batch.word[batch.word[kPages] + first + position / page_size];
  return uint64_t(page) * page_size + position % page_size;
}

// To the nearest, ties to even; packHalf2x16 may round otherwise.
uint16_t float_to_half(float value) {
  const uint bits = floatBitsToUint(value), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return uint16_t(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return uint16_t(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {  // multiples of 2^-24; none of it needs floats that a device may take for zero
    const uint exponent = magnitude >> 23;
    if (exponent < 102) return uint16_t(sign);
    const uint shift = 126 - exponent, mantissa = magnitude & 0x7fffffu | 0x800000u;
    const uint whole = mantissa >> shift, rest = mantissa & ((1u << shift) - 1), tie = 1u << (shift - 1);
    return uint16_t(sign | (whole + uint(rest > tie || (rest == tie && (whole & 1u) != 0))));
  }
  const uint rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return uint16_t(sign | ((rounded - (112u << 23)) >> 13));
}

// Value `index` of the row that begins at `row`.
float load_kv(uint64_t row, uint index) {
  if (kKvType == kKvF32) return Floats(row).at[index];
  if (kKvType == kKvF16) return half_value(uint(Halves(row).at[index]));
  const uint64_t block = row + index / kKvBlock * kKvBlockBytes;
  return half_value(uint(Halves(block).at[0])) * float(Bytes(block + 2).at[index % kKvBlock]);
}
