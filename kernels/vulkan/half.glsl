// binary16 to float, exactly: unpackHalf2x16 may take numbers below 2^-14 for zero.
float half_value(uint bits) {
  const float small = float(bits & 0x3ffu) * 5.9604644775390625e-8;  // 2^-24
  if ((bits & 0x7c00u) != 0) return unpackHalf2x16(bits & 0xffffu).x;
  return (bits & 0x8000u) != 0 ? -small : small;
}
vec2 half_values(uint bits) { return vec2(half_value(bits), half_value(bits >> 16)); }
