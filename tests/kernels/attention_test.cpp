// Attention over a paged cache of every type, against a plain softmax in double.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/kernels/attention_case.h"
#include "tests/kernels/kernel_case.h"

namespace hearth::cpu {
namespace {

class AttentionKernels : public Kernels {};

struct CacheShape {
  uint32_t head_size, heads;
  uint32_t value_size;
  float softcap = 0;
  uint32_t window = 0;  // 0: all that came before
  bool sinks = false;
};

void check_attention(const KernelTable& table, const CacheShape& shape, CacheType type, uint32_t count) {
  const uint32_t size = shape.head_size, value_size = shape.value_size;
  const uint32_t width = size * shape.heads, value_width = value_size * shape.heads;
  const RandomCache keys(type, width, 1), values(type, value_width, 2);
  const std::vector<uint32_t> page_list = shuffled_pages();
  const std::vector<float> q = random_floats(size_t{count} * size, 9, 2), sinks = random_floats(count, 10, 3);
  std::vector<float> out(size_t{count} * value_size);
  std::vector<const float*> q_rows;
  std::vector<float*> out_rows;
  std::vector<uint32_t> from, seen;
  for (uint32_t i = 0; i < count; ++i) {
    q_rows.push_back(&q[size_t{i} * size]);
    out_rows.push_back(&out[size_t{i} * value_size]);
    seen.push_back(count == 1 ? kPositions : i % kPositions + 1);
    from.push_back(shape.window != 0 && seen[i] > shape.window ? seen[i] - shape.window : 0);
  }
  std::vector<float> scratch(attention_scratch(std::max(size, value_size)) + 16);
  const auto address = reinterpret_cast<uintptr_t>(scratch.data());
  const uint32_t head = shape.heads - 1;
  table.attend({.q = q_rows.data(),
                .out = out_rows.data(),
                .from = from.data(),
                .seen = seen.data(),
                .sinks = shape.sinks ? sinks.data() : nullptr,
                .count = count,
                .head_size = size,
                .value_size = value_size,
                .scale = 0.3f,
                .softcap = shape.softcap,
                .type = type,
                .keys = keys.bytes.data(),
                .values = values.bytes.data(),
                .key_bytes = keys.cell_bytes,
                .value_bytes = values.cell_bytes,
                .key_first = head * size,
                .value_first = head * value_size,
                .pages = page_list.data(),
                .page_size = kPageSize,
                .scratch = scratch.data() + (64 - address % 64) % 64 / 4});
  for (uint32_t i = 0; i < count; ++i) {
    const std::vector<double> expected = plain_attention(
        {q_rows[i], size, value_size, head, from[i], seen[i], 0.3, shape.softcap, shape.sinks ? &sinks[i] : nullptr},
        keys, values, page_list);
    for (uint32_t j = 0; j < value_size; ++j)
      ASSERT_NEAR(out_rows[i][j], expected[j], attention_bound(type)) << "query " << i;
  }
}

TEST_P(AttentionKernels, AttendOverPagedCaches) {
  for (const CacheShape& shape :
       {CacheShape{64, 2, 64}, CacheShape{8, 4, 8}, CacheShape{13, 1, 13}, CacheShape{80, 2, 80},
        CacheShape{256, 1, 256}, CacheShape{48, 2, 16}, CacheShape{16, 2, 40}, CacheShape{64, 2, 64, 4},
        CacheShape{64, 2, 64, 0, 32}, CacheShape{32, 1, 32, 0, 9}, CacheShape{32, 1, 32, 0, 1},
        CacheShape{16, 2, 16, 0, 0, true}, CacheShape{16, 2, 16, 5, 33, true}})
    for (const CacheType type : {CacheType::f32, CacheType::f16, CacheType::q8_0}) {
      if (type == CacheType::q8_0 &&
          (shape.head_size * shape.heads % 32 != 0 || shape.value_size * shape.heads % 32 != 0))
        continue;
      SCOPED_TRACE(std::to_string(shape.head_size) + " to " + std::to_string(shape.value_size) + ", window " +
                   std::to_string(shape.window) + ", type " + std::to_string(static_cast<int>(type)));
      for (const uint32_t count : {1u, 5u, kAttentionQueries}) check_attention(table(), shape, type, count);
    }
}

// Alone or among others, and whatever later positions hold.
TEST_P(AttentionKernels, GiveAQueryTheSameBitsAmongOthers) {
  constexpr uint32_t kSize = 40, kCells = 100, kCount = 11;
  const std::vector<float> keys = random_floats(size_t{kCells} * kSize, 3),
                           q = random_floats(size_t{kCount} * kSize, 4);
  std::vector<float> values = random_floats(keys.size(), 5);
  const std::vector<uint32_t> pages = {0}, from(kCount, 0);
  std::vector<float> scratch(attention_scratch(kSize) + 16);
  const auto address = reinterpret_cast<uintptr_t>(scratch.data());
  const auto attend = [&](uint32_t first, uint32_t count) {
    std::vector<float> out(size_t{count} * kSize);
    std::vector<const float*> q_rows;
    std::vector<float*> out_rows;
    std::vector<uint32_t> seen;
    for (uint32_t i = 0; i < count; ++i) {
      q_rows.push_back(&q[size_t{first + i} * kSize]);
      out_rows.push_back(&out[size_t{i} * kSize]);
      seen.push_back(60 + first + i);
    }
    table().attend({.q = q_rows.data(),
                    .out = out_rows.data(),
                    .from = from.data(),
                    .seen = seen.data(),
                    .sinks = nullptr,
                    .count = count,
                    .head_size = kSize,
                    .value_size = kSize,
                    .scale = 0.3f,
                    .softcap = 0,
                    .type = CacheType::f32,
                    .keys = reinterpret_cast<const std::byte*>(keys.data()),
                    .values = reinterpret_cast<const std::byte*>(values.data()),
                    .key_bytes = kSize * sizeof(float),
                    .value_bytes = kSize * sizeof(float),
                    .key_first = 0,
                    .value_first = 0,
                    .pages = pages.data(),
                    .page_size = kCells,
                    .scratch = scratch.data() + (64 - address % 64) % 64 / sizeof(float)});
    return out;
  };
  const std::vector<float> together = attend(0, kCount);
  for (uint32_t i = 0; i < kCount; ++i) {
    const std::vector<float> alone = attend(i, 1);
    ASSERT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + ptrdiff_t{i} * kSize)) << i;
  }
  constexpr uint32_t kBad = 65;  // the query that sees 66 positions is the first to see it
  for (uint32_t i = 0; i < kSize; ++i) values[size_t{kBad} * kSize + i] = std::numeric_limits<float>::infinity();
  const std::vector<float> now = attend(0, kCount);
  for (uint32_t i = 0; i < kCount; ++i)
    for (uint32_t j = 0; j < kSize; ++j) {
      const size_t at = size_t{i} * kSize + j;
      if (60 + i <= kBad) {
        ASSERT_EQ(now[at], together[at]) << i;
      } else {
        ASSERT_FALSE(std::isfinite(now[at])) << i;
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Tables, AttentionKernels, testing::ValuesIn(tables()), table_name);

}  // namespace
}  // namespace hearth::cpu
