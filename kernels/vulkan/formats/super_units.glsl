// Units of blocks of 256: 16 bytes of most formats hold values of two groups.
#if defined(FORMAT_Q6_K)
const uint kApart = 64;
const int kShift = 32;
#elif defined(FORMAT_IQ4_XS)
const uint kApart = 16;
const int kShift = 0;
#else
const uint kApart = 32;
#ifdef FORMAT_Q3_K
const int kShift = 4;
#else
const int kShift = 0;
#endif
#endif

#if defined(FORMAT_Q6_K)
const bool kOneScale = false;
uint unit_offset(uint unit) { return unit / 4 * 128 + unit % 4 * 16; }
#elif defined(FORMAT_IQ4_XS)
const bool kOneScale = true;
uint unit_offset(uint unit) { return unit * 32; }
#else
const bool kOneScale = false;
uint unit_offset(uint unit) { return unit / 2 * 64 + unit % 2 * 16; }
#endif

struct Loaded {
  uvec4 q, high;
  uvec3 groups;  // what says their scales
  uint scale;    // of the block; of Q2_K, Q4_K and Q5_K that of minima besides
};

Loaded load_unit(uint row_block, uint unit) {
  const uint block = row_block + unit / 8, u = unit % 8;
  Loaded loaded;
#if defined(FORMAT_Q2_K)
  loaded.q = Fours(member_of(1, block) + u / 4 * 32 + u % 2 * 16).at;
  loaded.groups.x = Words(member_of(0, block) + u / 2 * 4).at;
  loaded.scale = Words(member_of(2, block)).at;
#elif defined(FORMAT_Q3_K)
  loaded.q = Fours(member_of(1, block) + u / 4 * 32 + u % 2 * 16).at;
  loaded.high = Fours(member_of(0, block) + u % 2 * 16).at;
  const uint64_t scales = member_of(2, block);
  loaded.groups.xy = uvec2(Words(scales + u / 2 % 2 * 4).at, Words(scales + 8).at);
  loaded.scale = uint(Halves(member_of(3, block)).at);
#elif defined(FORMAT_Q4_K) || defined(FORMAT_Q5_K)
  loaded.q = Fours(member_of(kPlanes - 1, block) + u * 16).at;
#ifdef FORMAT_Q5_K
  loaded.high = Fours(member_of(2, block) + u % 2 * 16).at;
#endif
  loaded.groups = load_groups(block, u / 2);
  loaded.scale = Words(member_of(0, block)).at;
#elif defined(FORMAT_Q6_K)
  loaded.q = Fours(member_of(0, block) + u * 16).at;
  loaded.high = Fours(member_of(1, block) + u / 4 * 32 + u % 2 * 16).at;
  loaded.groups.xy = Pairs(member_of(2, block) + u / 4 * 8).at;
  loaded.scale = uint(Halves(member_of(3, block)).at);
#else
  loaded.q = Fours(member_of(3, block) + u * 16).at;
  loaded.groups = load_groups(block);
#endif
  return loaded;
}

// The two of four values of 4, 2 or 1 bits that bytes hold at `shift` and `apart` behind it, as bytes of each run.
Unit runs_of(uvec4 q, uint shift, uint apart, uint mask) {
  return Unit(q >> shift & mask, q >> (shift + apart) & mask, vec2(0), vec2(0));
}

Unit unit_of(Loaded loaded, uint unit) {
  const uint u = unit % 8;
#if defined(FORMAT_Q2_K) || defined(FORMAT_Q3_K)
  Unit result = runs_of(loaded.q, u % 4 / 2 * 4, 2, 0x03030303u);
#else
  Unit result = runs_of(loaded.q, 0, 4, 0x0f0f0f0fu);
#endif
#if defined(FORMAT_Q3_K) || defined(FORMAT_Q5_K) || defined(FORMAT_Q6_K)
#ifdef FORMAT_Q6_K
  const Unit high = runs_of(loaded.high, u % 4 / 2 * 2, 4, 0x03030303u);
#else
  const Unit high = runs_of(loaded.high, u / 2 * 2, 1, 0x01010101u);
#endif
#ifdef FORMAT_Q3_K
  const uint place = 2;
#else
  const uint place = 4;
#endif
  result.first |= high.first << place;
  result.second |= high.second << place;
#endif

  precise vec2 scale, less = vec2(0);
#if defined(FORMAT_Q2_K)
  const uvec2 groups = uvec2(loaded.groups.x, loaded.groups.x >> 16) >> (u % 2 * 8);
  const vec2 units = half_values(loaded.scale);
  scale = units.x * vec2(groups & 15u);
  less = units.y * vec2(groups >> 4 & 15u);
#elif defined(FORMAT_Q3_K)
  const uint low = loaded.groups.x >> (u % 2 * 8 + u / 4 * 4), top = loaded.groups.y >> (u % 2 * 8 + u / 2 * 2);
  const uvec2 groups = uvec2(low, low >> 16) & 15u | (uvec2(top, top >> 16) & 3u) << 4;
  scale = half_value(loaded.scale) * (vec2(groups) - 32.0);
#elif defined(FORMAT_Q4_K) || defined(FORMAT_Q5_K)
  const uvec2 groups = scales_and_mins(loaded.groups, u / 2);
  const vec2 units = half_values(loaded.scale);
  scale = units.x * vec2(groups.x & 255u, groups.x >> 8);
  less = units.y * vec2(groups.y & 255u, groups.y >> 8);
#elif defined(FORMAT_Q6_K)
  scale = half_value(loaded.scale) * vec2(bitfieldExtract(ivec2(loaded.groups.xy), int(u % 4 * 8), 8));
#else
  scale = vec2(scale_of_group(loaded.groups, u));
  result.first = iq4_levels(result.first);
  result.second = iq4_levels(result.second);
#endif
  result.scale = scale;
  result.less = less;
  return result;
}
