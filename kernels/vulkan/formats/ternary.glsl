// TQ1_0 and TQ2_0: -1, 0 and 1 with one scale for 256. See quant/coded_blocks.h.
const uint kBlockSize = 256;

#ifdef FORMAT_TQ1_0
const uint kPlanes = 3;
const uint kPlaneBytes[] = {48, 4, 2};
#else
const uint kPlanes = 2;
const uint kPlaneBytes[] = {64, 2};
#endif

uint64_t member_of(uint plane, uint block) { return planes[plane] + uint64_t(block) * kPlaneBytes[plane]; }

#ifdef FORMAT_TQ1_0
// Digit n of four fractions in base 3: two bytes at a time, since three of them fill 16 bits.
uint digits(uint bytes, uint n) {
  const uint power = n == 0 ? 1u : n == 1 ? 3u : n == 2 ? 9u : n == 3 ? 27u : 81u;
  const uint even = (bytes & 0x00ff00ffu) * power & 0x00ff00ffu, odd = (bytes >> 8 & 0x00ff00ffu) * power & 0x00ff00ffu;
  return even * 3u >> 8 & 0x00030003u | odd * 3u & 0x03000300u;
}

Piece piece_of(uint block, uint offset) {
  uvec2 q;
  if (offset < 240) {
    const bool second = offset >= 160;
    const uint in_run = second ? offset - 160 : offset, run = second ? 16 : 32;
    const uvec2 bytes = Pairs(member_of(0, block) + (second ? 32 : 0) + in_run % run).at;
    q = uvec2(digits(bytes.x, in_run / run), digits(bytes.y, in_run / run));
  } else {
    const uint bytes = Words(member_of(1, block)).at, n = (offset - 240) / 4;
    q = uvec2(digits(bytes, n), digits(bytes, n + 1));
  }
  return Piece(bytes_less(q, 0x01010101u), half_value(uint(Halves(member_of(2, block)).at)), 0.0);
}
#else
Piece piece_of(uint block, uint offset) {
  const uint64_t q = member_of(0, block);
  const uvec2 two = Pairs(q + offset / 128 * 32 + offset % 32).at >> (offset % 128 / 32 * 2) & 0x03030303u;
  return Piece(bytes_less(two, 0x01010101u), half_value(uint(Halves(member_of(1, block)).at)), 0.0);
}
#endif
