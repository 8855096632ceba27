// Attention for all heads of a row, whole and in parts, against a plain softmax in double.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/kernels/attention_case.h"
#include "tests/kernels/kernel_case.h"

namespace hearth::cpu {
namespace {

class AttentionRows : public Kernels {};

constexpr float kScale = 0.3f;

struct RowShape {
  uint32_t head_size, value_size, heads, group;
  float softcap = 0;
  uint32_t from = 0;
  bool sinks = false;
  uint32_t page_size = kPageSize;
};

// What differs between the parts of a row.
struct RowPart {
  float* out;
  float* softmax = nullptr;
  const float* sinks = nullptr;
  uint32_t from = 0, seen;
};

void attend_row(const KernelTable& table, const RowShape& shape, const RandomCache& keys, const RandomCache& values,
                const std::vector<uint32_t>& pages, const std::vector<float>& q, CacheType type, const RowPart& part) {
  const size_t out_width = size_t{shape.heads} * shape.group * shape.value_size;
  std::vector<float> scratch(row_attention_scratch(q.size(), out_width) + 16);
  const auto address = reinterpret_cast<uintptr_t>(scratch.data());
  table.attend_row({.q = q.data(),
                    .out = part.out,
                    .softmax = part.softmax,
                    .sinks = part.sinks,
                    .from = part.from,
                    .seen = part.seen,
                    .kv_heads = shape.heads,
                    .group = shape.group,
                    .head_size = shape.head_size,
                    .value_size = shape.value_size,
                    .scale = kScale,
                    .softcap = shape.softcap,
                    .type = type,
                    .keys = keys.bytes.data(),
                    .values = values.bytes.data(),
                    .key_bytes = keys.cell_bytes,
                    .value_bytes = values.cell_bytes,
                    .pages = pages.data(),
                    .page_size = shape.page_size,
                    .scratch = scratch.data() + (64 - address % 64) % 64 / 4});
}

void check_row(const KernelTable& table, const RowShape& shape, CacheType type, const std::vector<uint32_t>& ends) {
  const uint32_t size = shape.head_size, value_size = shape.value_size, queries = shape.heads * shape.group;
  RandomCache keys(type, size * shape.heads, 1), values(type, value_size * shape.heads, 2);
  const std::vector<uint32_t> pages = shuffled_pages(shape.page_size);
  // What is not seen may be anything, as NaN.
  std::vector<bool> seen(kCells);
  for (uint32_t p = shape.from; p < ends.back(); ++p)
    seen[pages[p / shape.page_size] * shape.page_size + p % shape.page_size] = true;
  for (uint32_t cell = 0; cell < kCells; ++cell)
    for (RandomCache* cache : {&keys, &values})
      if (!seen[cell]) std::fill_n(cache->bytes.begin() + cell * cache->cell_bytes, cache->cell_bytes, std::byte{0xff});
  const std::vector<float> q = random_floats(size_t{queries} * size, 9, 2), sinks = random_floats(queries, 10, 3);
  const size_t out_width = size_t{queries} * value_size, stride = out_width + 2 * size_t{queries};
  std::vector<float> parts(stride * ends.size());
  for (size_t part = 0; part < ends.size(); ++part) {
    float* sums = &parts[stride * part];
    attend_row(table, shape, keys, values, pages, q, type,
               {.out = sums,
                .softmax = ends.size() == 1 ? nullptr : sums + out_width,
                .sinks = shape.sinks && part == 0 ? sinks.data() : nullptr,
                .from = part == 0 ? shape.from : ends[part - 1],
                .seen = ends[part]});
  }
  for (uint32_t i = 0; i < queries; ++i) {
    std::vector<float> out(&parts[size_t{i} * value_size], &parts[size_t{i} * value_size] + value_size);
    if (ends.size() > 1)
      table.merge_parts(&parts[size_t{i} * value_size], &parts[out_width + 2 * size_t{i}], stride,
                        static_cast<uint32_t>(ends.size()), value_size, out.data());
    const std::vector<double> expected =
        plain_attention({&q[size_t{i} * size], size, value_size, i / shape.group, shape.from, ends.back(), kScale,
                         shape.softcap, shape.sinks ? &sinks[i] : nullptr, shape.page_size},
                        keys, values, pages);
    for (uint32_t j = 0; j < value_size; ++j) ASSERT_NEAR(out[j], expected[j], attention_row_bound(type)) << i;
  }
}

TEST_P(AttentionRows, WholeAndInParts) {
  for (const RowShape& shape :
       {RowShape{64, 64, 2, 1}, RowShape{32, 96, 1, 3}, RowShape{128, 128, 2, 6}, RowShape{96, 96, 3, 4},
        RowShape{64, 32, 5, 7}, RowShape{32, 32, 2, 16}, RowShape{64, 64, 2, 2, 4}, RowShape{64, 64, 3, 5, 0, 70},
        RowShape{32, 32, 2, 3, 5, 9, true}, RowShape{256, 256, 1, 2}, RowShape{128, 128, 2, 6, 0, 0, false, 32},
        RowShape{128, 64, 3, 7, 3, 33, true, 16}, RowShape{64, 192, 1, 4, 0, 5, false, 8},
        RowShape{512, 320, 1, 2, 0, 0, false, 16}})
    for (const CacheType type : {CacheType::f32, CacheType::f16, CacheType::q8_0}) {
      SCOPED_TRACE(std::to_string(shape.head_size) + " to " + std::to_string(shape.value_size) + ", group " +
                   std::to_string(shape.group) + ", type " + std::to_string(static_cast<int>(type)));
      for (const uint32_t seen : {shape.from + 1, shape.from + 64, kPositions}) check_row(table(), shape, type, {seen});
      check_row(table(), shape, type, {128, kPositions});
      check_row(table(), shape, type, {shape.from + 1, 128, 129, kPositions});
    }
}

TEST_P(AttentionRows, SpreadNaNInAHeadAlone) {
  constexpr uint32_t kSize = 64, kHeads = 2, kGroup = 3, kSeen = 70;
  for (const CacheType type : {CacheType::f32, CacheType::f16, CacheType::q8_0})
    for (const char* where : {"query", "key", "value"})
      for (const uint32_t page_size : {5u, 16u}) {
        SCOPED_TRACE(std::string(where) + ", type " + std::to_string(static_cast<int>(type)));
        RandomCache keys(type, kSize * kHeads, 1), values(type, kSize * kHeads, 2);
        const std::vector<uint32_t> pages = shuffled_pages(page_size);
        std::vector<float> q = random_floats(size_t{kHeads} * kGroup * kSize, 9, 2), out(q.size());
        constexpr uint32_t kBad = 41, kBadQuery = kGroup + 1;  // of the second head
        const size_t cell = size_t{pages[kBad / page_size]} * page_size + kBad % page_size;
        if (where == std::string("query")) q[kBadQuery * kSize + 7] = std::numeric_limits<float>::quiet_NaN();
        RandomCache& cache = where == std::string("value") ? values : keys;
        const size_t half = cache.cell_bytes / 2;
        if (where != std::string("query"))
          std::fill_n(cache.bytes.begin() + static_cast<ptrdiff_t>(cell * cache.cell_bytes + half), half,
                      std::byte{0xff});
        attend_row(table(),
                   {.head_size = kSize, .value_size = kSize, .heads = kHeads, .group = kGroup, .page_size = page_size},
                   keys, values, pages, q, type, {.out = out.data(), .seen = kSeen});
        for (uint32_t i = 0; i < kHeads * kGroup; ++i) {
          const bool bad = where == std::string("query") ? i == kBadQuery : i >= kGroup;
          for (uint32_t j = 0; j < kSize; ++j) ASSERT_EQ(std::isfinite(out[i * kSize + j]), !bad) << "query " << i;
        }
      }
}

INSTANTIATE_TEST_SUITE_P(Tables, AttentionRows, testing::ValuesIn(attention_tables()), table_name);

}  // namespace
}  // namespace hearth::cpu
