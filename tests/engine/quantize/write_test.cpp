// Files before and after quantising.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "engine/include/hearth/hearth.h"
#include "engine/quantize/quantize.h"
#include "formats/gguf_writer.h"
#include "quant/quantize.h"
#include "tests/formats/gguf_bytes.h"

namespace hearth {
namespace {

class QuantizedFile : public testing::Test {
 protected:
  struct Matrix {
    std::string name;
    std::vector<uint64_t> dims;
  };

  // A model in F32 with a norm, matrices of whole and of odd rows, and experts.
  std::filesystem::path write_model(float odd_value = 0) const {
    const std::vector<Matrix> matrices = {
        {"token_embd.weight", {512, 40}},        {"output.weight", {512, 40}},
        {"output_norm.weight", {512}},           {"blk.0.attn_v.weight", {512, 8}},
        {"blk.0.attn_norm.weight", {512}},       {"blk.0.attn_output.weight", {96, 16}},
        {"blk.0.ffn_gate_inp.weight", {512, 2}}, {"blk.0.ffn_up_exps.weight", {512, 6, 2}}};
    const auto path = folder_.path() / "model.gguf";
    GgufWriter writer(path, 64);
    writer.add("general.architecture", std::string_view("llama"));
    writer.add("general.file_type", uint32_t{0});
    writer.add("llama.block_count", uint32_t{1});
    writer.add("llama.attention.head_count", uint32_t{8});
    const int32_t kv_heads[] = {2};
    writer.add_array("llama.attention.head_count_kv", std::span<const int32_t>(kv_heads));
    for (const Matrix& matrix : matrices) writer.add_tensor(matrix.name, Format::f32, matrix.dims);
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 0.02f);
    for (const Matrix& matrix : matrices) {
      uint64_t count = 1;
      for (const uint64_t dim : matrix.dims) count *= dim;
      std::vector<float> values(count);
      for (float& value : values) value = normal(random);
      if (matrix.name == "blk.0.attn_output.weight" && odd_value != 0) values[1000] = odd_value;
      writer.write(std::as_bytes(std::span(values)));
    }
    writer.finish();
    return path;
  }

  std::filesystem::path out() const { return folder_.path() / "out.gguf"; }
  bool out_exists() const {
    return std::filesystem::exists(out()) || std::filesystem::exists(out().native() + ".partial");
  }

  static std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryFolder folder_;
};

std::vector<float> values_of(const Gguf& file, std::string_view name) {
  const GgufTensor& tensor = *file.find_tensor(name);
  std::vector<float> values(tensor.dims[0] * tensor.dims[1] * tensor.dims[2]);
  format_info(tensor.format).decode(tensor.bytes.data(), values.data(), values.size());
  return values;
}

TEST_F(QuantizedFile, HasTheFormatsOfTheMixAndTheRestUnchanged) {
  const Gguf before = Gguf::open(write_model());
  const QuantizePlan plan = plan_quantization(before, {.mix = find_mix("Q4_K_M")});
  double last = 0;
  write_quantized(before, plan, out(), 2, [&](const TensorChange&, double share) {
    EXPECT_GE(share, last);
    last = share;
  });
  EXPECT_EQ(last, 1.0);
  const Gguf after = Gguf::open(out());
  ASSERT_EQ(after.tensors().size(), before.tensors().size());
  const auto format = [&](const char* name) { return format_info(after.find_tensor(name)->format).name; };
  EXPECT_STREQ(format("token_embd.weight"), "Q4_K");
  EXPECT_STREQ(format("output.weight"), "Q6_K");
  EXPECT_STREQ(format("blk.0.attn_v.weight"), "Q6_K");
  EXPECT_STREQ(format("blk.0.attn_output.weight"), "Q5_0");
  EXPECT_STREQ(format("blk.0.ffn_up_exps.weight"), "Q4_K");
  for (const char* name : {"output_norm.weight", "blk.0.attn_norm.weight", "blk.0.ffn_gate_inp.weight"}) {
    const auto old = before.find_tensor(name)->bytes, now = after.find_tensor(name)->bytes;
    EXPECT_TRUE(std::equal(old.begin(), old.end(), now.begin(), now.end())) << name;
  }
  EXPECT_EQ(after.find_uint("general.file_type"), 15u);
  EXPECT_EQ(after.find_uint("general.quantization_version"), 2u);
  EXPECT_EQ(after.find_entry("general.alignment"), nullptr);
  uint64_t bytes = 0;
  for (const GgufTensor& tensor : after.tensors()) bytes += tensor.bytes.size();
  EXPECT_EQ(bytes, plan.bytes_after);
}

TEST_F(QuantizedFile, HoldsWhatTheEncoderGivesOnAnyNumberOfThreads) {
  const Gguf before = Gguf::open(write_model());
  const QuantizePlan plan = plan_quantization(before, {.mix = find_mix("Q4_0"), .pure = true});
  write_quantized(before, plan, out(), 1);
  const std::string one = bytes_of(out());
  write_quantized(before, plan, out(), 3);
  EXPECT_TRUE(bytes_of(out()) == one);
  const Gguf after = Gguf::open(out());
  const auto values = values_of(before, "blk.0.ffn_up_exps.weight");
  std::vector<std::byte> blocks(values.size() / 32 * 18);
  quantize(Format::q4_0, values.data(), nullptr, 512, 12, blocks.data());
  const auto written = after.find_tensor("blk.0.ffn_up_exps.weight")->bytes;
  EXPECT_TRUE(std::equal(blocks.begin(), blocks.end(), written.begin(), written.end()));
}

TEST_F(QuantizedFile, HoldsCodedFormatsAlikeOnAnyNumberOfThreads) {
  const Gguf before = Gguf::open(write_model());
  for (const char* mix : {"IQ1_S", "IQ2_M", "IQ3_XXS", "TQ2_0", "NVFP4"}) {
    const QuantizePlan plan = plan_quantization(before, {.mix = find_mix(mix)});
    write_quantized(before, plan, out(), 1);
    const std::string one = bytes_of(out());
    write_quantized(before, plan, out(), 3);
    EXPECT_TRUE(bytes_of(out()) == one) << mix;
    const Gguf after = Gguf::open(out());
    EXPECT_EQ(after.find_tensor("blk.0.ffn_up_exps.weight")->format, find_mix(mix)->format) << mix;
    const auto was = values_of(before, "blk.0.ffn_up_exps.weight");
    auto is = values_of(after, "blk.0.ffn_up_exps.weight");
    if (const GgufTensor* scale = after.find_tensor("blk.0.ffn_up_exps.scale")) {
      const auto scales = values_of(after, scale->name);
      ASSERT_EQ(scales.size(), 2u) << mix;
      for (size_t i = 0; i < is.size(); ++i) is[i] *= scales[i / (is.size() / 2)];
    }
    double error = 0, all = 0;
    for (size_t i = 0; i < was.size(); ++i) {
      error += std::pow(double{was[i]} - double{is[i]}, 2);
      all += std::pow(double{was[i]}, 2);
    }
    EXPECT_LT(error, 0.24 * all) << mix;
  }
}

// Weights near 0.02 lie where scales of NVFP4's groups are a few steps from nothing: hence a scale of each matrix.
TEST_F(QuantizedFile, ScalesMatricesIntoTheRangeOfNvfp4) {
  const Gguf before = Gguf::open(write_model());
  const QuantizePlan plan = plan_quantization(before, {.mix = find_mix("NVFP4"), .pure = true});
  write_quantized(before, plan, out(), 2);
  const Gguf after = Gguf::open(out());
  uint64_t bytes = 0;
  for (const GgufTensor& tensor : after.tensors()) bytes += tensor.bytes.size();
  EXPECT_EQ(bytes, plan.bytes_after);
  EXPECT_EQ(after.find_tensor("token_embd.scale"), nullptr);
  for (const std::string name : {"blk.0.ffn_up_exps", "blk.0.attn_v", "output"}) {
    const auto was = values_of(before, name + ".weight"), scales = values_of(after, name + ".scale");
    const auto is = values_of(after, name + ".weight");
    const size_t matrix = was.size() / scales.size();
    double error = 0, all = 0;
    for (size_t m = 0; m < scales.size(); ++m) {
      float largest = 0;
      for (size_t i = m * matrix; i < (m + 1) * matrix; ++i) {
        largest = std::max(largest, std::fabs(was[i]));
        error += std::pow(double{was[i]} - double{is[i]} * double{scales[m]}, 2);
        all += std::pow(double{was[i]}, 2);
      }
      EXPECT_FLOAT_EQ(scales[m], largest / 2688) << name;
    }
    EXPECT_LT(error, 0.0075 * all) << name;  // of unit weights it is 0.0067
  }
  const Gguf again = Gguf::open(out());
  const auto twice = plan_quantization(again, {.mix = find_mix("Q8_0"), .requantize = true});
  write_quantized(again, twice, folder_.path() / "twice.gguf", 1);
  EXPECT_EQ(values_of(Gguf::open(folder_.path() / "twice.gguf"), "output.scale"), values_of(after, "output.scale"));
}

TEST_F(QuantizedFile, EachExpertHasItsOwnImportance) {
  const auto path = folder_.path() / "imatrix.gguf";
  std::vector<float> sums(1024);
  for (size_t i = 0; i < sums.size(); ++i) sums[i] = i < 512 ? (i % 2 == 0 ? 9.0f : 0.1f) : (i % 2 == 0 ? 0.1f : 9.0f);
  {
    GgufWriter writer(path);
    const uint64_t dims[] = {512, 2}, count_dims[] = {1, 2};
    const float counts[] = {1, 1};
    writer.add_tensor("blk.0.ffn_up_exps.weight.in_sum2", Format::f32, dims);
    writer.add_tensor("blk.0.ffn_up_exps.weight.counts", Format::f32, count_dims);
    writer.write(std::as_bytes(std::span(sums)));
    writer.write(std::as_bytes(std::span(counts)));
    writer.finish();
  }
  const Importance importance = Importance::load(path);
  const Gguf before = Gguf::open(write_model());
  write_quantized(before, plan_quantization(before, {.mix = find_mix("Q2_K"), .pure = true, .importance = &importance}),
                  out(), 2);
  const Gguf after = Gguf::open(out());
  EXPECT_EQ(after.find_uint("quantize.imatrix.entries_count"), 1u);
  const auto was = values_of(before, "blk.0.ffn_up_exps.weight"), is = values_of(after, "blk.0.ffn_up_exps.weight");
  double errors[2][2] = {};  // [expert][column is odd]
  for (size_t i = 0; i < was.size(); ++i) errors[i / 3072][i % 2] += std::pow(double{was[i]} - double{is[i]}, 2);
  EXPECT_LT(errors[0][0], 0.7 * errors[0][1]);
  EXPECT_LT(errors[1][1], 0.7 * errors[1][0]);
}

TEST_F(QuantizedFile, OverridesCount) {
  const Gguf file = Gguf::open(write_model());
  const QuantizePlan plan = plan_quantization(file, {.mix = find_mix("Q4_0"),
                                                     .overrides = {{"blk.*.attn_v.weight", Format::q8_0},
                                                                   {"blk.*", Format::q6_k},
                                                                   {"blk.0.ffn_gate_inp.weight", Format::f16}}});
  const auto format = [&](std::string_view name) -> std::string {
    for (const TensorChange& change : plan.tensors)
      if (change.tensor->name == name) return format_info(change.format).name;
    return "";
  };
  EXPECT_EQ(format("blk.0.attn_v.weight"), "Q8_0");
  EXPECT_EQ(format("blk.0.ffn_up_exps.weight"), "Q6_K");
  EXPECT_EQ(format("blk.0.ffn_gate_inp.weight"), "F16");
  EXPECT_EQ(format("blk.0.attn_norm.weight"), "F32");
  EXPECT_EQ(format("token_embd.weight"), "Q4_0");
}

TEST_F(QuantizedFile, OptionsThatDoNotFitAreNamed) {
  const Gguf file = Gguf::open(write_model());
  const auto refusal = [&](std::vector<FormatOverride> overrides) -> std::string {
    try {
      plan_quantization(file, {.mix = find_mix("Q4_0"), .overrides = std::move(overrides)});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(refusal({{"blk.*.ffn_dwon.weight", Format::q8_0}}).find("ffn_dwon"), std::string::npos);
  EXPECT_NE(refusal({{"*norm*", Format::q8_0}}).find("norm"), std::string::npos);
  EXPECT_NE(refusal({{"blk.0.attn_output.weight", Format::q6_k}}).find("96"), std::string::npos);
}

TEST_F(QuantizedFile, IsNotQuantizedTwiceUnlessAllowed) {
  const Gguf first = Gguf::open(write_model());
  write_quantized(first, plan_quantization(first, {.mix = find_mix("Q8_0")}), out(), 1);
  const Gguf second = Gguf::open(out());
  EXPECT_NE(file_error([&] { plan_quantization(second, {.mix = find_mix("Q4_0")}); }).find("Q8_0 already"),
            std::string::npos);
  EXPECT_EQ(plan_quantization(second, {.mix = find_mix("Q4_0"), .requantize = true}).tensors[0].format, Format::q4_0);
  EXPECT_EQ(plan_quantization(second, {.mix = find_mix("F32")}).tensors[0].format, Format::f32);
  EXPECT_EQ(plan_quantization(second, {.mix = find_mix("Q8_0")}).tensors[0].format, Format::q8_0);
}

TEST_F(QuantizedFile, IsNeverLeftHalf) {
  const Gguf file = Gguf::open(write_model(INFINITY));
  const QuantizePlan plan = plan_quantization(file, {.mix = find_mix("Q4_0")});
  EXPECT_NE(file_error([&] { write_quantized(file, plan, out(), 2); }).find("blk.0.attn_output.weight"),
            std::string::npos);
  EXPECT_FALSE(out_exists());
}

TEST_F(QuantizedFile, DoesNotTakeThePlaceOfItsInputOrOfADevice) {
  const auto path = write_model();
  const std::string bytes = bytes_of(path);
  const Gguf file = Gguf::open(path);
  const QuantizePlan plan = plan_quantization(file, {.mix = find_mix("Q4_0")});
  EXPECT_NE(file_error([&] { write_quantized(file, plan, path, 1); }).find("input itself"), std::string::npos);
  const auto link = folder_.path() / "link.gguf";
  std::filesystem::create_symlink(path, link);
  EXPECT_NE(file_error([&] { write_quantized(file, plan, link, 1); }).find("input itself"), std::string::npos);
  std::filesystem::rename(path, folder_.path() / "next.gguf.partial");
  const Gguf partial = Gguf::open(folder_.path() / "next.gguf.partial");
  EXPECT_NE(file_error([&] { write_quantized(partial, plan, folder_.path() / "next.gguf", 1); }).find("input itself"),
            std::string::npos);
  EXPECT_EQ(bytes_of(folder_.path() / "next.gguf.partial"), bytes);
  EXPECT_NE(file_error([&] { write_quantized(file, plan, folder_.path(), 1); }).find("not a regular file"),
            std::string::npos);
  EXPECT_NE(file_error([&] { write_quantized(file, plan, "/dev/null", 1); }).find("not a regular file"),
            std::string::npos);
  EXPECT_NE(
      file_error([&] { write_quantized(file, plan, folder_.path() / "no" / "out.gguf", 1); }).find("cannot be created"),
      std::string::npos);
}

TEST_F(QuantizedFile, OfNoModelIsRefused) {
  const auto path = folder_.path() / "empty.gguf";
  GgufWriter(path).finish();
  const Gguf file = Gguf::open(path);
  EXPECT_NE(file_error([&] { plan_quantization(file, {.mix = find_mix("Q4_0")}); }).find("no matrix"),
            std::string::npos);
}

}  // namespace
}  // namespace hearth
