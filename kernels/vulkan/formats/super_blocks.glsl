// Blocks of 256 with scales of their groups: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS. See quant/blocks.h.
const uint kBlockSize = 256;

#if defined(FORMAT_Q2_K)
const uint kPlanes = 3;
const uint kPlaneBytes[] = {16, 64, 4};
#elif defined(FORMAT_Q3_K)
const uint kPlanes = 4;
const uint kPlaneBytes[] = {32, 64, 12, 2};
#elif defined(FORMAT_Q4_K)
const uint kPlanes = 3;
const uint kPlaneBytes[] = {4, 12, 128};
#elif defined(FORMAT_Q5_K)
const uint kPlanes = 4;
const uint kPlaneBytes[] = {4, 12, 32, 128};
#elif defined(FORMAT_Q6_K)
const uint kPlanes = 4;
const uint kPlaneBytes[] = {128, 64, 16, 2};
#else
const uint kPlanes = 4;
const uint kPlaneBytes[] = {2, 2, 4, 128};
#endif

uint64_t member_of(uint plane, uint block) { return planes[plane] + uint64_t(block) * kPlaneBytes[plane]; }

// 8 of the 2-bit values of Q2_K and Q3_K: each half of the block has 32 bytes, for values j, j + 32, j + 64, j + 96.
uvec2 two_bits(uint64_t q, uint offset) {
  return Pairs(q + offset / 128 * 32 + offset % 32).at >> (offset % 128 / 32 * 2) & 0x03030303u;
}
// 8 bits as the lowest ones of bytes: bit offset / 32 of each byte of `high`.
uvec2 one_bit(uint64_t high, uint offset) { return Pairs(high + offset % 32).at >> (offset / 32) & 0x01010101u; }
// 8 of the 4-bit values of Q4_K and Q5_K: each 64 share 32 bytes, low halves first.
uvec2 four_bits(uint64_t q, uint offset) {
  return Pairs(q + offset / 64 * 32 + offset % 32).at >> (offset % 64 / 32 * 4) & 0x0f0f0f0fu;
}

#if defined(FORMAT_Q2_K)
Piece piece_of(uint block, uint offset) {
  const vec2 units = half_values(Words(member_of(2, block)).at);
  const uint group = uint(Bytes(member_of(0, block) + offset / 16).at);
  precise float scale = units.x * float(group & 15u), less = units.y * float(group >> 4);
  return Piece(two_bits(member_of(1, block), offset), scale, less);
}

#elif defined(FORMAT_Q3_K)
Piece piece_of(uint block, uint offset) {
  const uint g = offset / 16;
  const uint64_t scales = member_of(2, block);
  const uint low = uint(Bytes(scales + g % 8).at) >> (g / 8 * 4) & 15u;
  const uint top = uint(Bytes(scales + 8 + g % 4).at) >> (g / 4 * 2) & 3u;
  precise float scale = half_value(uint(Halves(member_of(3, block)).at)) * (float(low | top << 4) - 32.0);
  const uvec2 q = two_bits(member_of(1, block), offset) | one_bit(member_of(0, block), offset) << 2;
  return Piece(bytes_less(q, 0x04040404u), scale, 0.0);
}

#elif defined(FORMAT_Q4_K) || defined(FORMAT_Q5_K)
// Of each four groups one member of 12 bytes lies behind the other: of groups 2 * pair and the next two bytes of each.
uvec3 load_groups(uint block, uint pair) {
  const uint64_t place = member_of(1, block) + pair % 2 * 2;
  return uvec3(Halves(place).at, Halves(place + 4).at, Halves(place + 8).at);
}
// Scales and minima of the two groups, a byte each.
uvec2 scales_and_mins(uvec3 groups, uint pair) {
  const uvec2 low = groups.xy & 0x3f3fu, high = groups.xy >> 6 & 0x0303u;
  return pair < 2 ? low : uvec2(groups.z, groups.z >> 4) & 0x0f0fu | high << 4;
}

Piece piece_of(uint block, uint offset) {
  const vec2 units = half_values(Words(member_of(0, block)).at);
  const uint pair = offset / 64;
  const uvec2 group = scales_and_mins(load_groups(block, pair), pair) >> (offset % 64 / 32 * 8) & 255u;
  precise float scale = units.x * float(group.x), less = units.y * float(group.y);
#ifdef FORMAT_Q4_K
  return Piece(four_bits(member_of(2, block), offset), scale, less);
#else
  const uvec2 q = four_bits(member_of(3, block), offset) | one_bit(member_of(2, block), offset) << 4;
  return Piece(q, scale, less);
#endif
}

#elif defined(FORMAT_Q6_K)
Piece piece_of(uint block, uint offset) {
  const uint group = offset / 128, j = offset % 128;
  const uvec2 low = Pairs(member_of(0, block) + group * 64 + j % 64).at >> (j / 64 * 4) & 0x0f0f0f0fu;
  const uvec2 high = Pairs(member_of(1, block) + group * 32 + j % 32).at >> (j / 32 * 2) & 0x03030303u;
  const int group_scale = bitfieldExtract(int(uint(Bytes(member_of(2, block) + offset / 16).at)), 0, 8);
  precise float scale = half_value(uint(Halves(member_of(3, block)).at)) * float(group_scale);
  return Piece(bytes_less(low | high << 4, 0x20202020u), scale, 0.0);
}

#else
// The block's scale, and low and high bits of those of its groups.
uvec3 load_groups(uint block) {
  return uvec3(Halves(member_of(0, block)).at, Words(member_of(2, block)).at, Halves(member_of(1, block)).at);
}
float scale_of_group(uvec3 groups, uint g) {
  const uint low = groups.y >> (4 * g) & 15u, top = groups.z >> (2 * g) & 3u;
  precise float scale = half_value(groups.x) * (float(low | top << 4) - 32.0);
  return scale;
}

Piece piece_of(uint block, uint offset) {
  const uint g = offset / 32;
  const float scale = scale_of_group(load_groups(block), g);
  const uvec2 codes = Pairs(member_of(3, block) + g * 16 + offset % 16).at >> (offset % 32 / 16 * 4) & 0x0f0f0f0fu;
  return Piece(iq4_levels(codes), scale, 0.0);
}
#endif
