// Units of blocks of 32, and halves of NVFP4's of 64.
const uint kApart = 16;
#if defined(FORMAT_Q4_0)
const int kShift = 8;
#elif defined(FORMAT_Q5_0)
const int kShift = 16;
#else
const int kShift = 0;
#endif
#ifdef FORMAT_NVFP4
const bool kOneScale = false;
#else
const bool kOneScale = true;
#endif

uint unit_offset(uint unit) { return unit * 32; }

struct Loaded {
  uvec4 q, more;  // more: of Q8_0
  uint scale;
  uint high;  // of Q5_0 and Q5_1
};

Loaded load_unit(uint row_block, uint unit) {
  const uint block = row_block + unit / (kBlockSize / 32);
  Loaded loaded;
  loaded.q = Fours(member_of(kPlanes - 1, block) + unit % (kBlockSize / 32) * 16).at;
#ifdef FORMAT_Q8_0
  loaded.more = Fours(member_of(1, block) + 16).at;
#elif defined(FORMAT_Q5_0) || defined(FORMAT_Q5_1)
  loaded.high = Words(member_of(1, block)).at;
#endif
  loaded.scale = load_scale(block);
  return loaded;
}

#if defined(FORMAT_Q5_0) || defined(FORMAT_Q5_1)
// The lowest 16 as the fifth bits of bytes.
uvec4 fifth_bits(uint high) { return (uvec4(high) >> uvec4(0, 4, 8, 12) & 15u) * 0x00204081u << 4 & 0x10101010u; }
#endif

Unit unit_of(Loaded loaded, uint unit) {
  const uint group = unit % (kBlockSize / 32) * 2;
  const vec2 scale = scale_and_less(loaded.scale, group);
  uvec4 first = loaded.q & 0x0f0f0f0fu, second = loaded.q >> 4 & 0x0f0f0f0fu;
#if defined(FORMAT_Q8_0)
  return Unit(loaded.q, loaded.more, scale.xx, scale.yy);
#elif defined(FORMAT_NVFP4)
  // Each 16 values have 8 bytes, of which the low halves come first.
  return Unit(fp4_levels(uvec4(first.xy, second.xy)), fp4_levels(uvec4(first.zw, second.zw)),
              vec2(scale.x, scale_and_less(loaded.scale, group + 1).x), vec2(0));
#elif defined(FORMAT_MXFP4)
  return Unit(fp4_levels(first), fp4_levels(second), scale.xx, scale.yy);
#elif defined(FORMAT_IQ4_NL)
  return Unit(iq4_levels(first), iq4_levels(second), scale.xx, scale.yy);
#else
#if defined(FORMAT_Q5_0) || defined(FORMAT_Q5_1)
  first |= fifth_bits(loaded.high);
  second |= fifth_bits(loaded.high >> 16);
#endif
  return Unit(first, second, scale.xx, scale.yy);
#endif
}
