// cap * tanh(value / cap). tanh of a device may be made of exp, of which two infinities become NaN, or clamp NaN away.
float softcapped(float value, float cap) {
  if ((floatBitsToUint(value) & 0x7fffffffu) > 0x7f800000u) return value;
  const float x = value / cap;
  return cap * (abs(x) > 10.0 ? sign(x) : tanh(x));
}
