// 32 weights at a time, as bytes with their scales, for products of rounded inputs: two runs of 16 neighbours each,
// which are what 16 bytes of a plane hold of most formats.
#pragma once

#include "kernels/cuda/formats/formats.h"

namespace hearth::cuda {

struct Run {
  Word4 q;          // signed bytes
  uint32_t offset;  // of the first value in its row
  float scale, less;
};
struct Runs {
  Run first, second;
};

HEARTH_DEVICE Word4 masked(Word4 words, uint32_t shift, uint32_t mask) {
  return {words.x >> shift & mask, words.y >> shift & mask, words.z >> shift & mask, words.w >> shift & mask};
}
HEARTH_DEVICE Word4 joined(Word4 low, Word4 high, uint32_t shift) {
  return {low.x | high.x << shift, low.y | high.y << shift, low.z | high.z << shift, low.w | high.w << shift};
}
HEARTH_DEVICE Word4 bytes_less(Word4 bytes, uint32_t number) {
  return {bytes_less(bytes.x, number), bytes_less(bytes.y, number), bytes_less(bytes.z, number),
          bytes_less(bytes.w, number)};
}
// A plane that no kernel writes, each byte of which is read once.
HEARTH_DEVICE Word4 stream16(Address place) { return load_stream(global<const Word4>(place)); }

// Runs number `unit` of a row whose blocks begin with `row_block`; of all formats, by pieces of 8.
template <class Blocks>
HEARTH_DEVICE Runs runs_of(const Matrix<Blocks>& m, uint32_t row_block, uint32_t unit) {
  Runs runs;
  const Piece a = piece_at(m, row_block, unit * 32), b = piece_at(m, row_block, unit * 32 + 8);
  const Piece c = piece_at(m, row_block, unit * 32 + 16), d = piece_at(m, row_block, unit * 32 + 24);
  runs.first = {{a.q.x, a.q.y, b.q.x, b.q.y}, unit * 32, a.scale, a.less};
  runs.second = {{c.q.x, c.q.y, d.q.x, d.q.y}, unit * 32 + 16, c.scale, c.less};
  return runs;
}

// Of blocks of 32 with 16 bytes of 4 bits: the low halves are the first 16 values.
HEARTH_DEVICE Runs runs_of_nibbles(Word4 q, uint32_t unit, float scale, float less) {
  Runs runs;
  runs.first = {masked(q, 0, 0x0f0f0f0fu), unit * 32, scale, less};
  runs.second = {masked(q, 4, 0x0f0f0f0fu), unit * 32 + 16, scale, less};
  return runs;
}
HEARTH_DEVICE Runs runs_of(const Matrix<Q4_0Blocks>& m, uint32_t row_block, uint32_t unit) {
  Runs runs = runs_of_nibbles(stream16(m.member(1, row_block + unit)), unit, half_at(m.member(0, row_block + unit)), 0);
  runs.first.q = bytes_less(runs.first.q, 0x08080808u);
  runs.second.q = bytes_less(runs.second.q, 0x08080808u);
  return runs;
}
HEARTH_DEVICE Runs runs_of(const Matrix<Q4_1Blocks>& m, uint32_t row_block, uint32_t unit) {
  const uint32_t units = read<uint32_t>(m.member(0, row_block + unit));
  return runs_of_nibbles(stream16(m.member(1, row_block + unit)), unit, low_half(units), -high_half(units));
}

HEARTH_DEVICE Runs runs_of(const Matrix<Q8_0Blocks>& m, uint32_t row_block, uint32_t unit) {
  const Address q = m.member(1, row_block + unit);
  const float scale = half_at(m.member(0, row_block + unit));
  Runs runs;
  runs.first = {stream16(q), unit * 32, scale, 0};
  runs.second = {stream16(q + 16), unit * 32 + 16, scale, 0};
  return runs;
}

// Of Q4_K and Q5_K: 16 bytes of a block are values of two groups, 32 apart.
template <class Blocks>
HEARTH_DEVICE Runs runs_of_groups(const Matrix<Blocks>& m, uint32_t row_block, uint32_t unit, Address q_plane) {
  const uint32_t block = row_block + unit / 8, part = unit % 8, pair = part / 2;
  const Word4 q = stream16(q_plane + part * 16);
  const uint32_t units = read<uint32_t>(m.member(0, block));
  const ScaleAndMin low = scale_and_min(m.member(1, block), 2 * pair);
  const ScaleAndMin high = scale_and_min(m.member(1, block), 2 * pair + 1);
  const uint32_t offset = unit / 8 * 256 + pair * 64 + part % 2 * 16;
  const float scale = low_half(units), min = high_half(units);
  Runs runs;
  runs.first = {masked(q, 0, 0x0f0f0f0fu), offset, scale * static_cast<float>(low.scale),
                min * static_cast<float>(low.min)};
  runs.second = {masked(q, 4, 0x0f0f0f0fu), offset + 32, scale * static_cast<float>(high.scale),
                 min * static_cast<float>(high.min)};
  return runs;
}
HEARTH_DEVICE Runs runs_of(const Matrix<Q4_KBlocks>& m, uint32_t row_block, uint32_t unit) {
  return runs_of_groups(m, row_block, unit, m.member(2, row_block + unit / 8));
}
HEARTH_DEVICE Runs runs_of(const Matrix<Q5_KBlocks>& m, uint32_t row_block, uint32_t unit) {
  Runs runs = runs_of_groups(m, row_block, unit, m.member(3, row_block + unit / 8));
  const Word4 high = read<Word4>(m.member(2, row_block + unit / 8), unit % 2);
  const uint32_t group = unit % 8 / 2 * 2;
  runs.first.q = joined(runs.first.q, masked(high, group, 0x01010101u), 4);
  runs.second.q = joined(runs.second.q, masked(high, group + 1, 0x01010101u), 4);
  return runs;
}

// 16 bytes of low bits are values that are 64 apart, in each half of a block.
HEARTH_DEVICE Runs runs_of(const Matrix<Q6_KBlocks>& m, uint32_t row_block, uint32_t unit) {
  const uint32_t block = row_block + unit / 8, half = unit % 8 / 4, part = unit % 4;
  const Word4 low = stream16(m.member(0, block) + half * 64 + part * 16);
  const Word4 high = read<Word4>(m.member(1, block) + half * 32, part % 2);
  const Address scales = m.member(2, block) + half * 8 + part;
  const int32_t first = read<int8_t>(scales), second = read<int8_t>(scales, 4);
  const float scale = half_at(m.member(3, block));
  const uint32_t offset = unit / 8 * 256 + half * 128 + part * 16, shift = part / 2 * 2;
  Runs runs;
  runs.first = {bytes_less(joined(masked(low, 0, 0x0f0f0f0fu), masked(high, shift, 0x03030303u), 4), 0x20202020u),
                offset, scale * static_cast<float>(first), 0};
  runs.second = {bytes_less(joined(masked(low, 4, 0x0f0f0f0fu), masked(high, shift + 4, 0x03030303u), 4), 0x20202020u),
                 offset + 64, scale * static_cast<float>(second), 0};
  return runs;
}

}  // namespace hearth::cuda
