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

// Queries of one head over positions that lie one after the other, each of which sees one more than the one before.
class QueryRun {
 public:
  static constexpr uint32_t kCells = 100, kCount = 11, kFirstSeen = 60;

  QueryRun(const KernelTable& table, CacheType type, uint32_t size)
      : table_(table),
        type_(type),
        size_(size),
        scratch_(attention_scratch(size) + 16),
        q_(random_floats(size_t{kCount} * size, 4)),
        keys_(random_floats(size_t{kCells} * size, 3)),
        values_(random_floats(size_t{kCells} * size, 5)) {}

  void set_value(uint32_t cell, float value) { std::fill_n(values_.begin() + ptrdiff_t{cell} * size_, size_, value); }
  std::vector<float> attend(uint32_t first, uint32_t count) {
    const Format format = type_ == CacheType::f32 ? Format::f32 : type_ == CacheType::f16 ? Format::f16 : Format::q8_0;
    const FormatInfo& info = format_info(format);
    const size_t cell = size_ / info.block_size * info.block_bytes;
    std::vector<std::byte> keys(cell * kCells), values(keys.size());
    info.encode(keys_.data(), keys.data(), keys_.size());
    info.encode(values_.data(), values.data(), values_.size());
    std::vector<float> out(size_t{count} * size_);
    std::vector<const float*> q_rows;
    std::vector<float*> out_rows;
    std::vector<uint32_t> seen;
    for (uint32_t i = 0; i < count; ++i) {
      q_rows.push_back(&q_[size_t{first + i} * size_]);
      out_rows.push_back(&out[size_t{i} * size_]);
      seen.push_back(kFirstSeen + first + i);
    }
    const std::vector<uint32_t> pages = {0}, from(kCount, 0);
    const auto address = reinterpret_cast<uintptr_t>(scratch_.data());
    table_.attend({.q = q_rows.data(),
                   .out = out_rows.data(),
                   .from = from.data(),
                   .seen = seen.data(),
                   .sinks = nullptr,
                   .count = count,
                   .head_size = size_,
                   .value_size = size_,
                   .scale = 0.3f,
                   .softcap = 0,
                   .type = type_,
                   .keys = keys.data(),
                   .values = values.data(),
                   .key_bytes = cell,
                   .value_bytes = cell,
                   .key_first = 0,
                   .value_first = 0,
                   .pages = pages.data(),
                   .page_size = kCells,
                   .scratch = scratch_.data() + (64 - address % 64) % 64 / sizeof(float)});
    return out;
  }

 private:
  const KernelTable& table_;
  CacheType type_;
  uint32_t size_;
  std::vector<float> scratch_, q_, keys_, values_;
};

// Alone or among others, and whatever later positions hold.
TEST_P(AttentionKernels, GiveAQueryTheSameBitsAmongOthers) {
  for (const auto& [type, size] :
       {std::pair{CacheType::f32, 40u}, {CacheType::f16, 40u}, {CacheType::f16, 64u}, {CacheType::q8_0, 32u}}) {
    SCOPED_TRACE(std::to_string(size) + ", type " + std::to_string(static_cast<int>(type)));
    QueryRun run(table(), type, size);
    const std::vector<float> together = run.attend(0, QueryRun::kCount);
    for (uint32_t i = 0; i < QueryRun::kCount; ++i) {
      const std::vector<float> alone = run.attend(i, 1);
      ASSERT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + ptrdiff_t{i} * size)) << i;
    }
    if (type == CacheType::q8_0) continue;  // of a block the scale alone can be infinite
    constexpr uint32_t kBad = 65;           // the query that sees 66 positions is the first to see it
    run.set_value(kBad, std::numeric_limits<float>::infinity());
    const std::vector<float> now = run.attend(0, QueryRun::kCount);
    for (uint32_t i = 0; i < QueryRun::kCount; ++i)
      for (uint32_t j = 0; j < size; ++j) {
        const size_t at = size_t{i} * size + j;
        if (QueryRun::kFirstSeen + i <= kBad) {
          ASSERT_EQ(now[at], together[at]) << i;
        } else {
          ASSERT_FALSE(std::isfinite(now[at])) << i;
        }
      }
  }
}

// The largest sums of words that there can be: all of a sign, none smaller than another. Were one to overflow, the key
// of zeros at the end would win.
TEST_P(AttentionKernels, FlatQueriesAndKeysDoNotOverflow) {
  for (const uint32_t size : {128u, 576u}) {
    std::vector<float> q(size, 3), out(size), scratch(attention_scratch(size) + 16);
    std::vector<uint16_t> cells(size_t{64} * size, 0x4200);  // 3 as binary16
    std::fill_n(cells.end() - size, size, uint16_t{0});
    const float* q_row = q.data();
    float* out_row = out.data();
    const uint32_t from = 0, seen = 64, page = 0;
    const auto address = reinterpret_cast<uintptr_t>(scratch.data());
    table().attend({.q = &q_row,
                    .out = &out_row,
                    .from = &from,
                    .seen = &seen,
                    .sinks = nullptr,
                    .count = 1,
                    .head_size = size,
                    .value_size = size,
                    .scale = 0.01f,
                    .softcap = 0,
                    .type = CacheType::f16,
                    .keys = reinterpret_cast<const std::byte*>(cells.data()),
                    .values = reinterpret_cast<const std::byte*>(cells.data()),
                    .key_bytes = size_t{2} * size,
                    .value_bytes = size_t{2} * size,
                    .key_first = 0,
                    .value_first = 0,
                    .pages = &page,
                    .page_size = 64,
                    .scratch = scratch.data() + (64 - address % 64) % 64 / sizeof(float)});
    for (const float value : out) ASSERT_NEAR(value, 3, 1e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, AttentionKernels, testing::ValuesIn(attention_tables()), table_name);

}  // namespace
}  // namespace hearth::cpu
