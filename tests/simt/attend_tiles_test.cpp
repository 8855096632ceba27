// Attention in tiles on the interpreter, against attention of each row by itself.
#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/gpu/row_parameters.h"
#include "quant/half.h"
#include "tests/simt/device.h"

namespace hearth::simt {
namespace {

using cuda::Constants;
using gpu::HeaderWord;

struct Sequence {
  uint32_t first, rows;  // the position of its first row
};
struct Shape {
  uint32_t heads, kv_heads, size, page_size;
  std::vector<Sequence> sequences;
  uint32_t window = 0;
  float softcap = 0;
  bool sinks = false, causal = true;
};

// Cells that no sequence has are NaN, as all outputs are before.
class Attention {
 public:
  Attention(const Shape& shape, bool is_q8_0) : shape_(shape), is_q8_0_(is_q8_0) {
    std::vector<uint32_t> words(gpu::kHeaderWords), positions, sequence_of_row, row_begin{0}, page_begin{0};
    for (uint32_t s = 0; s < shape.sequences.size(); ++s) {
      const Sequence& one = shape.sequences[s];
      for (uint32_t row = 0; row < one.rows; ++row) {
        positions.push_back(one.first + row);
        sequence_of_row.push_back(s);
      }
      row_begin.push_back(static_cast<uint32_t>(positions.size()));
      page_begin.push_back(page_begin.back() + (one.first + one.rows + shape.page_size - 1) / shape.page_size);
    }
    rows_ = row_begin.back();
    std::vector<uint32_t> pages(page_begin.back());
    for (uint32_t i = 0; i < pages.size(); ++i) pages[i] = i + 1;
    std::shuffle(pages.begin(), pages.end(), random_);
    words[HeaderWord::rows] = rows_;
    words[HeaderWord::sequences] = static_cast<uint32_t>(shape.sequences.size());
    const auto add = [&](HeaderWord::Word word, const std::vector<uint32_t>& values) {
      words[word] = static_cast<uint32_t>(words.size());
      words.insert(words.end(), values.begin(), values.end());
    };
    add(HeaderWord::positions, positions);
    add(HeaderWord::sequence_of_row, sequence_of_row);
    add(HeaderWord::row_begin, row_begin);
    add(HeaderWord::page_begin, page_begin);
    add(HeaderWord::pages, pages);

    const uint32_t width = shape.kv_heads * shape.size, cells = (page_begin.back() + 1) * shape.page_size;
    std::vector<std::vector<uint16_t>> caches(
        2, std::vector<uint16_t>(cells * (is_q8_0 ? width / 32 * 17 : width), uint16_t{0x7e00}));
    for (uint32_t s = 0; s < shape.sequences.size(); ++s)
      for (uint32_t position = 0; position < shape.sequences[s].first + shape.sequences[s].rows; ++position) {
        const uint32_t page = pages[page_begin[s] + position / shape.page_size];
        const uint32_t cell = page * shape.page_size + position % shape.page_size;
        for (std::vector<uint16_t>& cache : caches) fill(cache, cell, width);
      }
    std::vector<float> queries(rows_ * shape.heads * shape.size), sinks(shape.heads);
    for (float& one : queries) one = normal(2);
    for (float& one : sinks) one = normal(2);
    parameters_ = {.q = device_.put(queries),
                   .keys = device_.put(caches[0]),
                   .values = device_.put(caches[1]),
                   .sinks = shape.sinks ? device_.put(sinks) : 0,
                   .batch = device_.put(words),
                   .heads = shape.heads,
                   .kv_heads = shape.kv_heads,
                   .head_size = shape.size,
                   .value_size = shape.size,
                   .key_width = width,
                   .value_width = width,
                   .page_size = shape.page_size,
                   .window = shape.window,
                   .causal = shape.causal ? 1u : 0u,
                   .scale = 1 / std::sqrt(static_cast<float>(shape.size)),
                   .softcap = shape.softcap};
  }

  std::vector<float> row_by_row() {
    parameters_.packed = 1;
    const uint32_t type = is_q8_0_ ? 2 : 1;
    return run(std::string("attend_") + type_name() + "_1", {shape_.heads, rows_}, {{type, 1, shape_.size, 1}},
               shape_.size * 4);
  }
  std::vector<float> in_tiles() {
    parameters_.packed = gpu::attend_tiles_packed(shape_.heads / shape_.kv_heads);
    const uint32_t packs = (shape_.heads / shape_.kv_heads + parameters_.packed - 1) / parameters_.packed;
    const uint32_t tiles = rows_ / (gpu::kAttendTilesQueries / parameters_.packed) + 2;  // too few for many sequences
    return run(std::string("attend_tiles_") + type_name() + "_" + std::to_string(shape_.size),
               {shape_.kv_heads * packs, tiles}, {}, gpu::attend_tiles_shared(is_q8_0_, shape_.size));
  }

 private:
  const char* type_name() const { return is_q8_0_ ? "q8_0" : "f16"; }
  float normal(float deviation) { return std::normal_distribution<float>(0, deviation)(random_); }
  void fill(std::vector<uint16_t>& cache, uint32_t cell, uint32_t width) {
    if (is_q8_0_) {
      uint16_t* at = &cache[cell * (width / 32 * 17)];
      for (uint32_t i = 0; i < width / 32 * 17; ++i)
        at[i] = static_cast<uint16_t>(i % 17 == 0 ? 0x2000 + random_() % 0x200 : random_());
    } else {
      for (uint32_t i = 0; i < width; ++i) cache[cell * width + i] = f32_to_f16(normal(1));
    }
  }
  std::vector<float> run(const std::string& kernel, Index3 grid, Constants constants, uint32_t shared) {
    const std::vector<float> nothing(rows_ * shape_.heads * shape_.size, NAN);
    parameters_.out = device_.put(nothing);
    expect_none(device_.launch(kernel.c_str(), grid, parameters_, constants, shared));
    return device_.get<float>(parameters_.out, nothing.size());
  }

  const Shape shape_;
  const bool is_q8_0_;
  std::mt19937 random_{7};
  Device device_;
  gpu::AttendParameters parameters_{};
  uint32_t rows_ = 0;
};

void expect_same(const Shape& shape) {
  for (const bool is_q8_0 : {false, true}) {
    SCOPED_TRACE(is_q8_0 ? "q8_0" : "f16");
    Attention attention(shape, is_q8_0);
    const std::vector<float> expected = attention.row_by_row(), found = attention.in_tiles();
    double wrong = 0, all = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      wrong += std::pow(double{found[i]} - double{expected[i]}, 2);
      all += std::pow(double{expected[i]}, 2);
    }
    EXPECT_LT(wrong, 1e-6 * all) << wrong / all;
  }
}

TEST(CudaAttendTiles, AreWhatRowsMake) {
  expect_same({4, 1, 128, 32, {{0, 70}}});
  expect_same({8, 2, 64, 16, {{70, 40}}});
  expect_same({7, 1, 64, 32, {{0, 5}, {100, 21}, {3, 1}, {200, 1}}});
  expect_same({2, 1, 128, 8, {{37, 40}, {0, 1}}});
}
TEST(CudaAttendTiles, OfMoreHeadsThanATileHasQueries) { expect_same({141, 1, 64, 32, {{10, 3}}}); }
TEST(CudaAttendTiles, OfManySequences) {
  std::vector<Sequence> sequences;
  for (uint32_t s = 0; s < 70; ++s) sequences.push_back({s * 7 % 40, s % 5 == 3 ? 0 : 1 + s % 3});
  expect_same({4, 1, 64, 8, sequences});
}
TEST(CudaAttendTiles, OfAWindow) {
  expect_same({4, 2, 64, 32, {{190, 70}}, 100});
  expect_same({4, 2, 64, 32, {{0, 70}}, 9, 0, true});
}
TEST(CudaAttendTiles, WithSinksAndSoftcap) {
  expect_same({4, 2, 64, 32, {{20, 70}}, 0, 3.0f});
  expect_same({4, 2, 64, 32, {{20, 70}}, 0, 0, true});
}
TEST(CudaAttendTiles, BothWays) { expect_same({4, 2, 64, 32, {{0, 70}, {0, 40}}, 0, 0, false, false}); }

}  // namespace
}  // namespace hearth::simt
