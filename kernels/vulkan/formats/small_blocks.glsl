// Blocks of 32 with one scale, and NVFP4's of 64 with four: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4, NVFP4.

#ifdef FORMAT_NVFP4
const uint kBlockSize = 64;
#else
const uint kBlockSize = 32;
#endif

#if defined(FORMAT_Q5_0)
const uint kPlanes = 3;
const uint kPlaneBytes[] = {2, 4, 16};
#elif defined(FORMAT_Q5_1)
const uint kPlanes = 3;
const uint kPlaneBytes[] = {4, 4, 16};
#else
const uint kPlanes = 2;
#if defined(FORMAT_Q4_1)
const uint kPlaneBytes[] = {4, 16};
#elif defined(FORMAT_Q8_0)
const uint kPlaneBytes[] = {2, 32};
#elif defined(FORMAT_MXFP4)
const uint kPlaneBytes[] = {1, 16};
#elif defined(FORMAT_NVFP4)
const uint kPlaneBytes[] = {4, 32};
#else
const uint kPlaneBytes[] = {2, 16};
#endif
#endif

uint64_t member_of(uint plane, uint block) { return planes[plane] + uint64_t(block) * kPlaneBytes[plane]; }

// 8 of 32 values of 4 bits, as bytes: byte j holds values j and j + 16.
uvec2 nibbles(uint64_t q, uint offset) {
  return Pairs(q + offset % 16).at >> (offset / 16 * 4) & 0x0f0f0f0fu;
}

// Four FP4 codes to their doubled levels: 0 1 2 3 4 6 8 12, the fourth bit being the sign.
uint fp4_levels(uint codes) {
  const uint large = (codes >> 2 & 0x01010101u) * 255u, twice = (codes >> 1 & 0x01010101u) * 255u;
  const uint four_or_six = (codes & 0x01010101u) << 1 | 0x04040404u;
  const uint sizes = codes & 0x03030303u & ~large | four_or_six + (four_or_six & twice) & large;
  const uint negative = (codes >> 3 & 0x01010101u) * 255u;
  return bytes_less(sizes & ~negative, sizes & negative);
}

uvec4 fp4_levels(uvec4 codes) {
  return uvec4(fp4_levels(codes.x), fp4_levels(codes.y), fp4_levels(codes.z), fp4_levels(codes.w));
}

#if defined(FORMAT_MXFP4)
// 2^(e - 128), of which the two least are subnormal.
float scale_of(uint e) { return uintBitsToFloat(e >= 2 ? e - 1 << 23 : 0x00200000u << e); }
#elif defined(FORMAT_NVFP4)
// Half of an unsigned E4M3 number.
float scale_of(uint code) {
  const uint exponent = code >> 3 & 15u, fraction = code & 7u;
  const uint eighths = exponent == 0 ? fraction : 8u + fraction << exponent - 1u;
  return code == 0x7fu ? 0.0 : float(eighths) * (1.0 / 1024.0);
}
#endif

// What a block has beside its values: its scale, which scale_and_less takes apart; of NVFP4 that of each 16 values.
#if defined(FORMAT_MXFP4)
uint load_scale(uint block) { return uint(Bytes(member_of(0, block)).at); }
vec2 scale_and_less(uint loaded, uint group) { return vec2(scale_of(loaded), 0); }
#elif defined(FORMAT_NVFP4)
uint load_scale(uint block) { return Words(member_of(0, block)).at; }
vec2 scale_and_less(uint loaded, uint group) { return vec2(scale_of(loaded >> (group * 8) & 255u), 0); }
#elif defined(FORMAT_Q4_1) || defined(FORMAT_Q5_1)
uint load_scale(uint block) { return Words(member_of(0, block)).at; }
vec2 scale_and_less(uint loaded, uint group) { return half_values(loaded) * vec2(1, -1); }
#else
uint load_scale(uint block) { return uint(Halves(member_of(0, block)).at); }
vec2 scale_and_less(uint loaded, uint group) { return vec2(half_value(loaded), 0); }
#endif

Piece piece_of(uint block, uint offset) {
  Piece piece;
  const vec2 scale = scale_and_less(load_scale(block), offset / 16);
  piece.scale = scale.x;
  piece.less = scale.y;

#if defined(FORMAT_Q8_0)
  piece.q = Pairs(member_of(1, block) + offset).at;
#elif defined(FORMAT_NVFP4)
  // Each 16 values have 8 bytes, of which the low halves come first.
  const uvec2 codes = Pairs(member_of(1, block) + offset / 16 * 8).at >> (offset % 16 / 8 * 4) & 0x0f0f0f0fu;
  piece.q = uvec2(fp4_levels(codes.x), fp4_levels(codes.y));
#else
  piece.q = nibbles(member_of(kPlanes - 1, block), offset);
#endif

#if defined(FORMAT_Q5_0) || defined(FORMAT_Q5_1)
  const uint high = Words(member_of(1, block)).at >> offset;
  piece.q |= uvec2(spread_bits(high), spread_bits(high >> 4)) << 4;
#endif
#if defined(FORMAT_Q4_0)
  piece.q = bytes_less(piece.q, 0x08080808u);
#elif defined(FORMAT_Q5_0)
  piece.q = bytes_less(piece.q, 0x10101010u);
#elif defined(FORMAT_MXFP4)
  piece.q = uvec2(fp4_levels(piece.q.x), fp4_levels(piece.q.y));
#elif defined(FORMAT_IQ4_NL)
  piece.q = iq4_levels(piece.q);
#endif
  return piece;
}
