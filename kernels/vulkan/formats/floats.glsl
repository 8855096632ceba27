// F32, F16 and BF16: values as they are, in one plane. A row may begin anywhere.
const uint kBlockSize = 1;
const uint kPlanes = 1;
const bool kHasLess = false;

#ifdef FORMAT_F32
const uint kPlaneBytes[] = {4};
float value_at(uint64_t place) { return uintBitsToFloat(Words(place).at); }
#else
const uint kPlaneBytes[] = {2};
#ifdef FORMAT_F16
float value_of(uint bits) { return half_value(bits); }
#else
float value_of(uint bits) { return uintBitsToFloat(bits << 16); }
#endif
float value_at(uint64_t place) { return value_of(uint(Halves(place).at)); }
#endif

// The 8 values from value `first` of a row on, whose values begin with `row_block`; those behind its end are 0.
// whole: the width is a multiple of 8.
void decode8(uint row_block, uint first, uint width, bool whole, out float values[8]) {
  const uint64_t place = planes[0] + uint64_t(row_block + first) * kPlaneBytes[0];
  if (whole) {
#ifdef FORMAT_F32
    const vec4 begin = uintBitsToFloat(Fours(place).at), end = uintBitsToFloat(Fours(place + 16).at);
    for (uint i = 0; i < 4; ++i) {
      values[i] = begin[i];
      values[4 + i] = end[i];
    }
#else
    const uvec4 words = Fours(place).at;
    for (uint i = 0; i < 8; ++i) values[i] = value_of(words[i / 2] >> (i % 2 * 16) & 0xffffu);
#endif
  } else {
    for (uint i = 0; i < 8; ++i)
      values[i] = first + i < width ? value_at(place + i * kPlaneBytes[0]) : 0.0;
  }
}

void split8(uint row_block, uint first, uint width, bool whole, out float w[8], out float scale, out float less) {
  decode8(row_block, first, width, whole, w);
  scale = 1.0;
  less = 0.0;
}
