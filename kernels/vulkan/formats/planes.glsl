// Reading the planes of a matrix: each member of its blocks by itself, from a multiple of 256 bytes on.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types : require

#include "kernels/vulkan/half.glsl"

layout(buffer_reference, scalar, buffer_reference_align = 1) readonly buffer Bytes { uint8_t at; };
layout(buffer_reference, scalar, buffer_reference_align = 2) readonly buffer Halves { uint16_t at; };
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Words { uint at; };
layout(buffer_reference, scalar, buffer_reference_align = 8) readonly buffer Pairs { uvec2 at; };
layout(buffer_reference, scalar, buffer_reference_align = 16) readonly buffer Fours { uvec4 at; };
// As quant/decode_tables.h has it.
layout(buffer_reference, scalar, buffer_reference_align = 16) readonly buffer DecodeTables {
  uvec2 iq2_xxs[256], iq2_xs[512], iq2_s[1024], iq1[2048];
  uint iq3_xxs[256], iq3_s[512];
  uint iq4[16];  // a byte each
};

uint64_t planes[5];
uint64_t decode_tables;

// 8 values: w[i] = scale * q[i] - less, q being signed bytes.
struct Piece {
  uvec2 q;
  float scale, less;
};

// 32 values, in two runs of 16 neighbours, which are what 16 bytes of a plane hold of most formats: of each run w[i] =
// scale * (q[i] - kShift) - less.
struct Unit {
  uvec4 first, second;
  vec2 scale, less;
};

float quantum(Piece piece, uint i) { return float(bitfieldExtract(int(piece.q[i / 4]), int(i % 4) * 8, 8)); }

// Four bytes below 128, each less a number that all bytes of `number` are: their highest bits keep them from borrowing.
uint bytes_less(uint bytes, uint number) { return ((bytes | 0x80808080u) - number) ^ 0x80808080u; }
uvec2 bytes_less(uvec2 bytes, uint number) { return ((bytes | 0x80808080u) - number) ^ 0x80808080u; }

// Four bits, the lowest first, as the lowest bits of four bytes.
uint spread_bits(uint four) { return (four & 15u) * 0x00204081u & 0x01010101u; }

// Eight codes to the levels of the IQ4 formats.
uvec2 iq4_levels(uvec2 codes) {
  uvec2 levels = uvec2(0);
  for (uint i = 0; i < 8; ++i)
    levels[i / 4] |= DecodeTables(decode_tables).iq4[codes[i / 4] >> (i % 4 * 8) & 15u] << (i % 4 * 8);
  return levels;
}
uvec4 iq4_levels(uvec4 codes) { return uvec4(iq4_levels(codes.xy), iq4_levels(codes.zw)); }
