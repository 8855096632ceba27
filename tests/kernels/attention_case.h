// A paged cache of random keys and values, and attention over it in double.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/cpu/table.h"
#include "quant/format.h"
#include "tests/kernels/kernel_case.h"

namespace hearth::cpu {

inline constexpr uint32_t kPageSize = 5, kPositions = 177, kCells = 200;

inline std::vector<uint32_t> shuffled_pages(uint32_t page_size = kPageSize) {
  std::vector<uint32_t> pages(kCells / page_size);
  for (uint32_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<uint32_t>((i * 7 + 3) % pages.size());
  return pages;
}

// Keys or values of random numbers, as a cache of a type has them.
struct RandomCache {
  uint32_t width;
  size_t cell_bytes;
  std::vector<std::byte> bytes;
  std::vector<float> decoded;

  RandomCache(CacheType type, uint32_t of_width, uint32_t seed) : width(of_width) {
    const Format format = type == CacheType::f32 ? Format::f32 : type == CacheType::f16 ? Format::f16 : Format::q8_0;
    const FormatInfo& info = format_info(format);
    cell_bytes = width / info.block_size * info.block_bytes;
    decoded = random_floats(size_t{kCells} * width, seed);
    bytes.resize(cell_bytes * kCells);
    info.encode(decoded.data(), bytes.data(), decoded.size());
    info.decode(bytes.data(), decoded.data(), decoded.size());
  }
};

struct PlainQuery {
  const float* q;
  uint32_t size, value_size, head;  // of K and V
  uint32_t from, seen;
  double scale;
  float softcap;
  const float* sink;  // null: none
  uint32_t page_size = kPageSize;
};

inline std::vector<double> plain_attention(const PlainQuery& query, const RandomCache& keys, const RandomCache& values,
                                           const std::vector<uint32_t>& pages) {
  const auto cell = [&](uint32_t p) {
    return size_t{pages[p / query.page_size]} * query.page_size + p % query.page_size;
  };
  std::vector<double> weights, out(query.value_size);
  double sum = query.sink != nullptr ? std::exp(double{*query.sink}) : 0;
  for (uint32_t p = query.from; p < query.seen; ++p) {
    double score = 0;
    for (uint32_t j = 0; j < query.size; ++j)
      score += double{query.q[j]} * double{keys.decoded[cell(p) * keys.width + query.head * query.size + j]};
    score *= query.scale;
    if (query.softcap != 0) score = double{query.softcap} * std::tanh(score / double{query.softcap});
    sum += weights.emplace_back(std::exp(score));
  }
  for (uint32_t p = query.from; p < query.seen; ++p)
    for (uint32_t j = 0; j < query.value_size; ++j)
      out[j] += weights[p - query.from] / sum *
                double{values.decoded[cell(p) * values.width + query.head * query.value_size + j]};
  return out;
}

// Scores reach some 40, of which a float's last bit is 4e-6; values reach 4. What is not kept as floats may be rounded
// to 8191 steps of its largest, queries to 2^18 / n of their mean: for queries of 2, keys of 1 and heads of 256 a score
// of 10 is then off by 2.5e-3, the worst of some thousands by five times that.
inline double attention_bound(CacheType type) { return type == CacheType::f32 ? 4e-5 : 2e-2; }

// The same for a row alone: of a cache of bytes queries, and weights times scales, may be rounded to 32767 steps of
// their largest in a head or a tile. Random numbers come within 4e-4; 64 small weights that vanish beside one may make
// 2e-3.
inline double attention_row_bound(CacheType type) { return type == CacheType::q8_0 ? 1e-3 : 4e-5; }

}  // namespace hearth::cpu
