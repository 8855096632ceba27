// Reading the planes of a matrix: each member of its blocks by itself, from a multiple of 256 bytes on.
//
// What a format is to kernels, FORMATBlocks in the files beside this: kBlockSize, the values of a block; kPlanes and
// plane_bytes(), as quant/planes.h has them; kHasLess, whether `less` may be other than 0; kScaleValues, how many
// neighbours have one scale; and piece_of().
#pragma once

#include "kernels/cuda/read.h"

namespace hearth::cuda {

// 8 values: w[i] = scale * q[i] - less, q being signed bytes, the first four in x.
struct Piece {
  Word2 q;
  float scale, less;
};

HEARTH_DEVICE float quantum(const Piece& piece, uint32_t i) {
  const uint32_t word = i < 4 ? piece.q.x : piece.q.y;
  return static_cast<float>(static_cast<int8_t>(word >> (i % 4 * 8) & 255u));
}

// A matrix, as kernels find it: where its planes begin, and the codebooks (quant/decode_tables.h).
template <class Blocks>
struct Matrix {
  Address plane[Blocks::kPlanes];
  Address tables;

  HEARTH_DEVICE Address member(uint32_t which, uint32_t block) const {
    return plane[which] + static_cast<uint64_t>(block) * Blocks::plane_bytes(which);
  }
};

template <class Blocks>
HEARTH_DEVICE Matrix<Blocks> open_matrix(Address weight, uint32_t blocks, Address tables) {
  Matrix<Blocks> matrix;
  matrix.tables = tables;
  for (uint32_t p = 0; p < Blocks::kPlanes; ++p) {
    matrix.plane[p] = weight;
    weight += (static_cast<uint64_t>(blocks) * Blocks::plane_bytes(p) + 255) & ~uint64_t{255};
  }
  return matrix;
}

HEARTH_DEVICE float half_at(Address place) { return half_to_float(read<uint16_t>(place)); }

HEARTH_DEVICE Word2 masked(Word2 words, uint32_t shift, uint32_t mask) {
  return {words.x >> shift & mask, words.y >> shift & mask};
}
HEARTH_DEVICE Word2 joined(Word2 low, Word2 high, uint32_t shift) {
  return {low.x | high.x << shift, low.y | high.y << shift};
}

// Four bytes below 128, each less a number that all bytes of `number` are: their highest bits keep them from borrowing.
HEARTH_DEVICE uint32_t bytes_less(uint32_t bytes, uint32_t number) {
  return ((bytes | 0x80808080u) - number) ^ 0x80808080u;
}
HEARTH_DEVICE Word2 bytes_less(Word2 bytes, uint32_t number) {
  return {bytes_less(bytes.x, number), bytes_less(bytes.y, number)};
}

// Four bits, the lowest first, as the lowest bits of four bytes.
HEARTH_DEVICE uint32_t spread_bits(uint32_t four) { return (four & 15u) * 0x00204081u & 0x01010101u; }

// Where each codebook lies among the tables, in bytes.
constexpr uint32_t kIq2XxsTable = 0, kIq2XsTable = 8 * 256, kIq2STable = kIq2XsTable + 8 * 512;
constexpr uint32_t kIq1Table = kIq2STable + 8 * 1024, kIq3XxsTable = kIq1Table + 8 * 2048;
constexpr uint32_t kIq3STable = kIq3XxsTable + 4 * 256, kIq4Table = kIq3STable + 4 * 512;

HEARTH_DEVICE Word2 vector_of(Address tables, uint32_t table, uint32_t number) {
  return read<Word2>(tables + table, number);
}

// Eight codes to the levels of the IQ4 formats.
HEARTH_DEVICE uint32_t iq4_levels(Address tables, uint32_t codes) {
  uint32_t levels = 0;
  for (uint32_t i = 0; i < 4; ++i) levels |= read<uint32_t>(tables + kIq4Table, codes >> (i * 8) & 15u) << (i * 8);
  return levels;
}
HEARTH_DEVICE Word2 iq4_levels(Address tables, Word2 codes) {
  return {iq4_levels(tables, codes.x), iq4_levels(tables, codes.y)};
}

}  // namespace hearth::cuda
