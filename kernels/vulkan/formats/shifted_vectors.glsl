// IQ1_S and IQ1_M: vectors of -1, 0 and 1, shifted by an eighth up or down. See quant/coded_blocks.h.
const uint kBlockSize = 256;
const uint kPlanes = 3;

#ifdef FORMAT_IQ1_S
const uint kPlaneBytes[] = {2, 32, 16};
#else
const uint kPlaneBytes[] = {32, 16, 8};
#endif

uint64_t member_of(uint plane, uint block) { return planes[plane] + uint64_t(block) * kPlaneBytes[plane]; }

Piece piece_of(uint block, uint offset) {
  const uint v = offset / 8;  // the vector's place
#ifdef FORMAT_IQ1_S
  const uint rest = uint(Halves(member_of(2, block) + v / 4 * 2).at);
  const uint number = uint(Bytes(member_of(1, block) + v).at) | (rest >> (v % 4 * 3) & 7u) << 8;
  const bool negative = (rest & 0x8000u) != 0;
  const float unit = half_value(uint(Halves(member_of(0, block)).at));
  const uint s = rest >> 12 & 7u;
#else
  const uint rest = uint(Bytes(member_of(1, block) + v / 2).at) >> (v % 2 * 4) & 15u;
  const uint number = uint(Bytes(member_of(0, block) + v).at) | (rest & 7u) << 8;
  const bool negative = (rest & 8u) != 0;
  const uvec2 scales = Pairs(member_of(2, block)).at;
  const uvec2 quarters = uvec2(scales >> 12 & 15u) | uvec2(scales >> 24 & 0xf0u);
  const float unit = half_value(quarters.x | quarters.y << 8);
  const uint g = offset / 16;
  const uint s = scales[g / 8] >> (g / 4 % 2 * 16 + g % 4 * 3) & 7u;
#endif
  precise float odd = unit * float(2u * s + 1u);
  precise float scale = odd * 0.125;
  const uvec2 vector = DecodeTables(decode_tables).iq1[number];
  return Piece(bytes_less(vector, negative ? 0x09090909u : 0x07070707u), scale, 0.0);
}
