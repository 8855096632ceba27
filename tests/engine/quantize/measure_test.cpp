// What is measured of a model: against its first layer by hand, the reference device, and the counts of experts.
#include "engine/quantize/measure.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/quantize/importance.h"
#include "engine/quantize/op_slots.h"
#include "engine/text/tokenizer/tokenizer.h"
#include "formats/gguf.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

const std::filesystem::path kSpark = std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/data/models/spark.gguf";
constexpr std::string_view kText =
    "def quantile(values, share):\n    place = share * (len(values) - 1)\n    return sorted(values)[int(place)]\n";

const ColumnSquares& of(const MeasuredColumns& columns, std::string_view name) {
  for (const ColumnSquares& matrix : columns.matrices)
    if (matrix.name == name) return matrix;
  throw std::runtime_error(std::string(name) + " was not measured");
}

std::vector<float> row_of(const Gguf& file, std::string_view name, uint64_t row) {
  const GgufTensor& tensor = *file.find_tensor(name);
  const FormatInfo& info = format_info(tensor.format);
  std::vector<float> values(tensor.dims[0]);
  info.decode(tensor.bytes.data() + row * (values.size() / info.block_size) * info.block_bytes, values.data(),
              values.size());
  return values;
}

TEST(Measure, TheFirstMatricesReadNormedEmbeddings) {
  const MeasuredColumns columns = measure_columns(kSpark, {}, kText, {.chunk = 8, .most_chunks = 3});
  EXPECT_EQ(columns.chunks, 3u);
  const Gguf file = Gguf::open(kSpark);
  std::vector<int32_t> tokens = Tokenizer::load(Gguf::open(kSpark), {}).encode(kText, false);
  tokens.insert(tokens.begin(), 2039);
  const auto gain = row_of(file, "blk.0.attn_norm.weight", 0);
  std::vector<double> expected(256);
  for (size_t i = 0; i < 24; ++i) {
    const auto embedding = row_of(file, "token_embd.weight", i % 8 == 0 ? 2039 : static_cast<uint64_t>(tokens[i]));
    const double squares = std::inner_product(embedding.begin(), embedding.end(), embedding.begin(), 0.0);
    for (size_t j = 0; j < 256; ++j)
      expected[j] += std::pow(double{embedding[j]} * double{gain[j]}, 2) / (squares / 256 + 1e-5);
  }
  for (const char* name : {"blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight"}) {
    const ColumnSquares& measured = of(columns, name);
    EXPECT_EQ(measured.counts, std::vector<double>{24});
    for (size_t j = 0; j < 256; ++j) EXPECT_NEAR(measured.sums[j], expected[j], 1e-3 * expected[j] + 1e-9) << j;
  }
}

void expect_the_same_on_every_device(const std::filesystem::path& path, size_t matrices, double tolerance) {
  EngineOptions reference;
  reference.device = "reference";
  const MeasureOptions options{.chunk = 12, .most_chunks = 1};
  const MeasuredColumns fast = measure_columns(path, {}, kText, options),
                        slow = measure_columns(path, reference, kText, options);
  ASSERT_EQ(fast.matrices.size(), matrices);
  ASSERT_EQ(slow.matrices.size(), matrices);
  for (const ColumnSquares& matrix : slow.matrices) {
    const ColumnSquares& other = of(fast, matrix.name);
    EXPECT_EQ(other.counts, matrix.counts) << matrix.name;
    double difference = 0, sum = 0;
    for (size_t i = 0; i < matrix.sums.size(); ++i) {
      difference += std::fabs(matrix.sums[i] - other.sums[i]);
      sum += matrix.sums[i];
    }
    EXPECT_GT(sum, 0) << matrix.name;
    EXPECT_LT(difference, tolerance * sum) << matrix.name;
  }
}

TEST(Measure, EveryMatrixIsMeasuredOnceOnEveryDevice) { expect_the_same_on_every_device(kSpark, 28, 0.02); }

TEST(Measure, ExpertsAreMeasuredTheSameOnEveryDevice) {
  const auto path = shared_data("golden/models/llama-moe.gguf");
  HEARTH_REQUIRE_SHARED(path);
  expect_the_same_on_every_device(path, 14, 0.01);  // of F32 weights
}

TEST(Measure, WhatIsWrittenIsRead) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "imatrix.gguf";
  write_columns(
      {.matrices = {{.name = "blk.0.x.weight", .width = 2, .experts = 2, .sums = {2, 4, 9, 3}, .counts = {2, 3}}},
       .chunks = 5,
       .chunk = 64},
      "text.txt", path);
  const Importance importance = Importance::load(path);
  const auto columns = importance.find("blk.0.x.weight", 2, 2);
  EXPECT_EQ(std::vector<float>(columns.begin(), columns.end()), (std::vector<float>{1, std::sqrt(2.0f), std::sqrt(3.0f), 1}));
  EXPECT_EQ(importance.chunks(), 5u);
  EXPECT_EQ(importance.data_set(), "text.txt");
}

TEST(Measure, ExpertsCountTheTokensThatTheyGet) {
  const auto path = shared_data("golden/models/llama-moe.gguf");
  HEARTH_REQUIRE_SHARED(path);
  const MeasuredColumns columns = measure_columns(path, {}, kText, {.chunk = 16, .most_chunks = 2});
  const Gguf file = Gguf::open(path);
  const auto experts = *file.find_uint("llama.expert_count"), used = *file.find_uint("llama.expert_used_count");
  for (const char* name : {"blk.0.ffn_gate_exps.weight", "blk.1.ffn_up_exps.weight", "blk.1.ffn_down_exps.weight"}) {
    const ColumnSquares& measured = of(columns, name);
    EXPECT_EQ(measured.experts, experts);
    EXPECT_EQ(measured.width, file.find_tensor(name)->dims[0]);
    EXPECT_EQ(std::accumulate(measured.counts.begin(), measured.counts.end(), 0.0), 32.0 * static_cast<double>(used));
  }
  EXPECT_EQ(of(columns, "blk.0.ffn_down_exps.weight").counts, of(columns, "blk.0.ffn_up_exps.weight").counts);
}

TEST(Measure, ATextThatIsTooShortIsRefused) { EXPECT_THROW(measure_columns(kSpark, {}, "x", {.chunk = 512}), Error); }

TEST(Pieces, ReadOneSlotOfWhatCameBefore) {
  // s0 = embed; s1 = norm s0; s2 = W s1; s0 = s0 + V s2; select
  Program program;
  program.slot_width = {4, 4, 4, 4};
  program.ops = {Embed{.out = 0, .table = 0},
                 RmsNorm{.in = 0, .out = 1, .gain = 1, .eps = 0},
                 Linear{.in = 1, .out = 2, .weight = 2},
                 Linear{.in = 2, .out = 0, .weight = 3, .add = 0},
                 Select{.in = 0, .out = 3},
                 Logits{.in = 3}};
  const std::vector<Piece> pieces = cut(program);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].begin, 0u);
  EXPECT_EQ(pieces[0].end, 1u);
  EXPECT_EQ(pieces[1].begin, 1u);
  EXPECT_EQ(pieces[1].end, 4u);
  EXPECT_EQ(pieces[1].in, 0);
}

}  // namespace
}  // namespace hearth
