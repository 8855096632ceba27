// Loading and multiplying matrices whose parts the lanes of a warp hold, as the PTX ISA lays them out.
#include "tests/simt/interpreter/matrices.h"

#include <cstring>

#include "quant/half.h"

namespace hearth::simt {
namespace {

// A lane's part in loading matrices.
struct LaneLoad {
  std::span<uint32_t> out;
  uint32_t array;
  int64_t offset;
};

template <class T>
T load_as(Block& block, const LaneLoad& row, uint32_t index, uint32_t thread) {
  // The whole row is of one array and aligned, whatever part of it is read.
  const std::byte* at = block.touch(Touch::read, row.array, row.offset + index * static_cast<int64_t>(sizeof(T)),
                                    sizeof(T), sizeof(T), thread);
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <bool transposed>
void load_for_all(Block& block, LaneValues& values) {
  const auto part = [&](uint32_t lane) -> LaneLoad& { return *reinterpret_cast<LaneLoad*>(values[lane]); };
  const uint32_t first = current->index / 32 * 32;
  for (uint32_t m = 0; m < part(0).out.size(); ++m) {
    for (uint32_t i = 8 * m; i < 8 * m + 8; ++i)
      if (part(i).offset % 16 != 0)
        block.misaligned("a row of a matrix at byte " + std::to_string(part(i).offset) + " of a shared array", 16);
    for (uint32_t lane = 0; lane < 32; ++lane) {
      const uint32_t g = lane / 4, t = lane % 4;
      if (transposed) {
        const uint32_t low = load_as<uint16_t>(block, part(8 * m + 2 * t), g, first + lane);
        part(lane).out[m] = low | uint32_t{load_as<uint16_t>(block, part(8 * m + 2 * t + 1), g, first + lane)} << 16;
      } else {
        part(lane).out[m] = load_as<uint32_t>(block, part(8 * m + g), t, first + lane);
      }
    }
  }
}

// A lane's part in a product.
struct LaneProduct {
  void* d;
  const uint32_t* a;
  const uint32_t* b;
};

// Both kinds: a word holds `each` values, and k is 8 * each. Value is what `decode` makes of them, Sum is summed in.
template <uint32_t each, class D, class Value, class Sum, class Decode>
void multiply(const LaneValues& values, Decode decode) {
  const auto part = [&](uint32_t lane) -> LaneProduct& { return *reinterpret_cast<LaneProduct*>(values[lane]); };
  constexpr uint32_t k = 8 * each;
  Value a[16][k], b[k][8];
  for (uint32_t lane = 0; lane < 32; ++lane) {
    const uint32_t g = lane / 4, t = lane % 4;
    for (uint32_t i = 0; i < each; ++i) {
      for (uint32_t word = 0; word < 4; ++word)
        a[g + 8 * (word % 2)][each * t + i + k / 2 * (word / 2)] = decode(true, part(lane).a[word], i);
      for (uint32_t word = 0; word < 2; ++word)
        b[each * t + i + k / 2 * word][g] = decode(false, part(lane).b[word], i);
    }
  }
  for (uint32_t row = 0; row < 16; ++row) {
    const auto d = [&](uint32_t column) -> D& {
      return static_cast<D*>(part(row % 8 * 4 + column / 2).d)[row / 8 * 2 + column % 2];
    };
    Sum sums[8];
    for (uint32_t column = 0; column < 8; ++column) sums[column] = d(column);
    for (uint32_t i = 0; i < k; ++i)
      for (uint32_t column = 0; column < 8; ++column) sums[column] += Sum{a[row][i]} * b[i][column];
    for (uint32_t column = 0; column < 8; ++column) d(column) = static_cast<D>(sums[column]);
  }
}

template <Together what>
void multiply_for_all(Block&, LaneValues& values) {
  constexpr bool is_half = what == Together::mma_f16, is_float = is_half || what == Together::mma_bf16;
  if constexpr (is_float)
    multiply<2, float, double, double>(values, [](bool, uint32_t word, uint32_t i) {
      const auto bits = static_cast<uint16_t>(word >> 16 * i);
      return is_half ? f16_to_f32(bits) : bf16_to_f32(bits);
    });
  else
    multiply<4, int, int16_t, int>(values, [](bool of_a, uint32_t word, uint32_t i) -> int16_t {
      const auto bits = static_cast<uint8_t>(word >> 8 * i);
      return of_a && what == Together::mma_u8s8 ? bits : static_cast<int8_t>(bits);
    });
}

}  // namespace

void load_matrices(Together what, std::span<uint32_t> out, uint32_t array, int64_t offset) {
  LaneLoad load{out, array, offset};
  const bool transposed = what == Together::ldmatrix_x2_transposed || what == Together::ldmatrix_x4_transposed;
  current->block->together(what, reinterpret_cast<uint64_t>(&load),
                           transposed ? load_for_all<true> : load_for_all<false>);
}

void multiply_matrices(Together what, std::span<float, 4> d, std::span<const uint32_t, 4> a,
                       std::span<const uint32_t, 2> b) {
  LaneProduct product{d.data(), a.data(), b.data()};
  const bool half = what == Together::mma_f16;
  current->block->together(what, reinterpret_cast<uint64_t>(&product),
                           half ? multiply_for_all<Together::mma_f16> : multiply_for_all<Together::mma_bf16>);
}
void multiply_matrices(Together what, std::span<int, 4> d, std::span<const uint32_t, 4> a,
                       std::span<const uint32_t, 2> b) {
  LaneProduct product{d.data(), a.data(), b.data()};
  const bool both_signed = what == Together::mma_s8;
  current->block->together(what, reinterpret_cast<uint64_t>(&product),
                           both_signed ? multiply_for_all<Together::mma_s8> : multiply_for_all<Together::mma_u8s8>);
}

}  // namespace hearth::simt
