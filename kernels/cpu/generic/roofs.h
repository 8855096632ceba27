// Loops that do nothing but what is to be measured: read memory, and multiply bytes in registers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth::cpu {
namespace {

// Reads `bytes` bytes, a multiple of 128; the result keeps the reads from being left out.
template <class I>
uint32_t read_all(const std::byte* p, size_t bytes) noexcept {
  typename I::B32 seen[4] = {I::splat8(0), I::splat8(0), I::splat8(0), I::splat8(0)};
  for (size_t i = 0; i < bytes; i += 128)
    for (uint32_t k = 0; k < 4; ++k) seen[k] = I::bit_or(seen[k], I::load32(p + i + 32 * k));
  uint32_t words[8], result = 0;
  I::store32(words, I::bit_or(I::bit_or(seen[0], seen[1]), I::bit_or(seen[2], seen[3])));
  for (const uint32_t word : words) result |= word;
  return result;
}

// The fastest way to add up products of 4-bit weights and 8-bit activations, without loads. Returns how many products
// were added.
template <class I>
uint64_t multiply_bytes(uint64_t rounds) noexcept {
  constexpr uint32_t kSums = 8, kChain = I::chain(TileKind::u4);
  const int8_t values[4] = {1, 2, 3, 4};
  typename I::Tile w = I::tile_splat(values), x = I::tile_splat(values), sums[kSums];
  for (auto& sum : sums) sum = I::tile_splat(values);
  for (uint64_t i = 0; i < rounds; ++i) {
    if constexpr (kChain == 0) {
      for (uint32_t step = 0; step < 8; ++step)
        for (auto& sum : sums) {
          I::opaque(x);
          sum = I::template tile_dot<TileKind::u4>(sum, w, x);
        }
    } else {
      for (auto& sum : sums) {
        auto narrow = I::template tile_products<TileKind::u4>(w, x);
        for (uint32_t step = 1; step < kChain; ++step) {
          I::opaque(x);
          narrow = I::tile_add_products(narrow, I::template tile_products<TileKind::u4>(w, x));
        }
        sum = I::tile_add_wide(sum, I::tile_widen(narrow));
      }
    }
  }
  for (auto& sum : sums) I::opaque(sum);
  return rounds * kSums * (kChain == 0 ? 8 : kChain) * I::kTileLanes * 4;
}

}  // namespace
}  // namespace hearth::cpu
