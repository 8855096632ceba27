// Rounding to bytes with a scale for each 32 values, of which a thread has 8 and four neighbours of the kThreads have
// all. The includer declares kThreads.

layout(buffer_reference, scalar, buffer_reference_align = 8) writeonly buffer EightBytes { uvec2 at; };

shared uint largest[kThreads];  // bits of magnitudes, of which those of NaN are the largest

// Bits of the largest magnitude of the 32. All threads must take part.
uint largest_of_32(float x[8]) {
  uint most = 0;
  for (uint i = 0; i < 8; ++i) most = max(most, floatBitsToUint(x[i]) & 0x7fffffffu);
  barrier();  // the results of the call before were read
  largest[gl_LocalInvocationIndex] = most;
  barrier();
  const uint group = gl_LocalInvocationIndex / 4 * 4;
  for (uint i = 0; i < 4; ++i) most = max(most, largest[group + i]);
  return most;
}

// Writes those from `first` of a row's `width` on, which begins at `to`.
void write_rounded(uint64_t to, uint width, uint first, float x[8], uint most) {
  // As on the CPU, a group of zeros or nearly so has scale 0; one that holds infinity or NaN has that as its scale.
  const float magnitude = uintBitsToFloat(most);
  const bool tiny = most < floatBitsToUint(1e-30), finite = most < 0x7f800000u;
  const float scale = tiny ? 0.0 : magnitude / 127.0, inverse = tiny || !finite ? 0.0 : 127.0 / magnitude;
  uvec2 q = uvec2(0);
  for (uint i = 0; i < 8; ++i)
    q[i / 4] |= (finite ? uint(int(clamp(roundEven(x[i] * inverse), -127.0, 127.0))) & 255u : 1u) << (i % 4 * 8);
  EightBytes(to + first).at = q;
  if (first % 32 == 0) Floats(to + width).at[first / 32] = scale;
}
