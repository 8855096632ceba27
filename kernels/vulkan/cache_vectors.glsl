// Neighbours of the cache, read at once where they lie so: see is_whole_cache() in kernels/gpu/row_parameters.h.
layout(constant_id = 3) const bool kWholeCache = false;

layout(buffer_reference, scalar, buffer_reference_align = 16) readonly buffer FourWords { uvec4 at; };
layout(buffer_reference, scalar, buffer_reference_align = 8) readonly buffer TwoWords { uvec2 at; };
layout(buffer_reference, scalar, buffer_reference_align = 2) readonly buffer FourBytes { uint16_t at[2]; };

vec4 four_halves(uint low, uint high) { return vec4(half_values(low), half_values(high)); }
// Of one Q8_0 block.
vec4 four_of_block(uint64_t row, uint first) {
  const uint64_t block = row + first / kKvBlock * kKvBlockBytes;
  FourBytes bytes = FourBytes(block + 2 + first % kKvBlock);
  const int low = int(bytes.at[0]), high = int(bytes.at[1]);
  const vec4 whole = vec4(low << 24 >> 24, low << 16 >> 24, high << 24 >> 24, high << 16 >> 24);
  return half_value(uint(Halves(block).at[0])) * whole;
}

// The 4 values from `first` on, of which `valid` are there; the others are 0.
vec4 load_four(uint64_t row, uint first, uint valid) {
  if (kWholeCache) {
    if (kKvType == kKvF32) return uintBitsToFloat(FourWords(row + 4 * first).at);
    if (kKvType == kKvF16) {
      const uvec2 pairs = TwoWords(row + 2 * first).at;
      return four_halves(pairs.x, pairs.y);
    }
    return four_of_block(row, first);
  }
  vec4 x;
  for (uint i = 0; i < 4; ++i) x[i] = i < valid ? load_kv(row, first + i) : 0;
  return x;
}
// The same of 8.
void load_eight(uint64_t row, uint first, uint valid, out vec4 x[2]) {
  if (kWholeCache && kKvType == kKvF16) {
    const uvec4 pairs = FourWords(row + 2 * first).at;
    x[0] = four_halves(pairs.x, pairs.y);
    x[1] = four_halves(pairs.z, pairs.w);
  } else {
    x[0] = load_four(row, first, valid);
    x[1] = load_four(row, first + 4, valid > 4 ? valid - 4 : 0);
  }
}
