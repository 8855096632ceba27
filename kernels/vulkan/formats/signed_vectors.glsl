// IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS and IQ3_S: vectors of magnitudes, and signs. See quant/coded_blocks.h.
const uint kBlockSize = 256;

#if defined(FORMAT_IQ2_XXS)
const uint kPlanes = 2;
const uint kPlaneBytes[] = {2, 64};
#elif defined(FORMAT_IQ2_XS)
const uint kPlanes = 3;
const uint kPlaneBytes[] = {2, 64, 8};
#elif defined(FORMAT_IQ2_S)
const uint kPlanes = 5;
const uint kPlaneBytes[] = {2, 32, 32, 8, 8};
#elif defined(FORMAT_IQ3_XXS)
const uint kPlanes = 3;
const uint kPlaneBytes[] = {2, 64, 32};
#else
const uint kPlanes = 5;
const uint kPlaneBytes[] = {2, 64, 8, 32, 4};
#endif

uint64_t member_of(uint plane, uint block) { return planes[plane] + uint64_t(block) * kPlaneBytes[plane]; }

// Signs of 7 values with an eighth that makes their number even.
uint even_signs(uint seven) { return seven | (bitCount(seven) & 1u) << 7; }

// Magnitudes above 0, negated where their bit of `signs` is set: no byte carries into the next.
uvec2 with_signs(uvec2 magnitudes, uint signs) {
  const uvec2 ones = uvec2(spread_bits(signs), spread_bits(signs >> 4));
  return (magnitudes ^ ones * 255u) + ones;
}

Piece piece_of(uint block, uint offset) {
  const uint v = offset / 8, g = offset / 32;  // the places of 8 values and of their group
  DecodeTables tables = DecodeTables(decode_tables);
  const float unit = half_value(uint(Halves(member_of(0, block)).at));
#if defined(FORMAT_IQ2_XXS)
  const uvec2 group = Pairs(member_of(1, block) + g * 8).at;
  precise float half_up = unit * (0.5 + float(group.y >> 28));
  precise float scale = half_up * 0.25;
  const uvec2 vector = tables.iq2_xxs[group.x >> (v % 4 * 8) & 255u];
  const uint signs = even_signs(group.y >> (v % 4 * 7) & 127u);
#elif defined(FORMAT_IQ2_XS) || defined(FORMAT_IQ2_S)
  const uint s = uint(Bytes(member_of(kPlanes - 1, block) + g).at) >> (offset / 16 % 2 * 4) & 15u;
  precise float half_up = unit * (0.5 + float(s));
  precise float scale = half_up * 0.25;
#ifdef FORMAT_IQ2_XS
  const uint q = uint(Halves(member_of(1, block) + v * 2).at);
  const uvec2 vector = tables.iq2_xs[q & 511u];
  const uint signs = even_signs(q >> 9);
#else
  const uint high = uint(Bytes(member_of(3, block) + g).at) >> (v % 4 * 2) & 3u;
  const uvec2 vector = tables.iq2_s[uint(Bytes(member_of(1, block) + v).at) | high << 8];
  const uint signs = uint(Bytes(member_of(2, block) + v).at);
#endif
#elif defined(FORMAT_IQ3_XXS)
  const uint rest = Words(member_of(2, block) + g * 4).at, two = uint(Halves(member_of(1, block) + v * 2).at);
  precise float half_up = unit * (0.5 + float(rest >> 28));
  precise float scale = half_up * 0.5;
  const uvec2 vector = uvec2(tables.iq3_xxs[two & 255u], tables.iq3_xxs[two >> 8]);
  const uint signs = even_signs(rest >> (v % 4 * 7) & 127u);
#else
  const uint s = uint(Bytes(member_of(4, block) + g / 2).at) >> (g % 2 * 4) & 15u;
  precise float scale = unit * float(1u + 2u * s);
  const uint two = uint(Halves(member_of(1, block) + v * 2).at);
  const uint high = uint(Bytes(member_of(2, block) + g).at) >> (v % 4 * 2);
  const uvec2 vector =
      uvec2(tables.iq3_s[two & 255u | (high & 1u) << 8], tables.iq3_s[two >> 8 | (high & 2u) << 7]);
  const uint signs = uint(Bytes(member_of(3, block) + v).at);
#endif
  return Piece(with_signs(vector, signs), scale, 0.0);
}
