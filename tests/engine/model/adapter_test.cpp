// Models with adapters against the same models with the adapters merged into their weights, and what is refused.
#include "engine/model/adapter.h"

#include <gtest/gtest.h>

#include "backends/cpu/device.h"
#include "backends/reference/device.h"
#include "engine/model/decoder.h"
#include "engine/model/loaded_model.h"
#include "formats/error.h"
#include "tests/engine/model/adapter_file.h"
#include "tests/engine/model/golden_run.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

double largest_difference(const Vectors& expected, const Vectors& found) {
  EXPECT_EQ(expected.size(), found.size());
  double largest = 0;
  for (size_t i = 0; i < std::min(expected.size(), found.size()); ++i)
    for (size_t j = 0; j < expected[i].size(); ++j) {
      const double apart = std::abs(double{expected[i][j]} - double{found[i][j]});
      if (!(apart <= largest)) largest = apart;
    }
  return largest;
}

LoadedModel load(const std::filesystem::path& path, const std::vector<std::filesystem::path>& adapters = {}) {
  return load_model(Gguf::open(path), {.context = kContext, .pre_tokenizer = {}, .adapters = adapters});
}

// The results after all of 30 tokens, fed by `chunk`, with these scales of the adapters.
Vectors results(Device& device, const Program& program, bool embeds, const std::vector<float>& scales, uint32_t chunk) {
  const auto plan = device.compile(embeds ? without_head(program) : program, golden_limits(KvType::f32));
  std::vector<int32_t> tokens;
  std::vector<uint32_t> positions;
  for (uint32_t i = 0; i < 30; ++i) {
    tokens.push_back(static_cast<int32_t>((i * 37 + 11) % program.vocabulary));
    positions.push_back(i);
  }
  return run(*plan, program, tokens, positions, chunk, scales);
}

class AdaptedModel : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { path_ = shared_data(std::string("golden/models/") + GetParam() + ".gguf"); }
  TemporaryFolder folder_;
  std::filesystem::path path_;
};

TEST_P(AdaptedModel, ComputesWhatMergedWeightsCompute) {
  HEARTH_REQUIRE_SHARED(path_);
  const Gguf file = Gguf::open(path_);
  const std::string name = GetParam();
  const bool encodes = name == "bert" || name == "nomic-bert", embeds = encodes || name == "qwen3-embedding";
  const RandomAdapter first = random_adapter(file, 4, 1);
  RandomAdapter second = random_adapter(file, 3, 2);
  second.alpha = 0;
  second.format = Format::f16;
  ASSERT_GE(first.pairs.size(), 4u);
  first.write(folder_.path() / "first.gguf");
  second.write(folder_.path() / "second.gguf");
  write_merged(folder_.path() / "merged.gguf", file, {{first, 0.5}, {second.rounded(), -0.25}});

  const LoadedModel plain = load(path_), merged = load(folder_.path() / "merged.gguf");
  const LoadedModel adapted = load(path_, {folder_.path() / "first.gguf", folder_.path() / "second.gguf"});
  const auto reference = make_reference_device();
  const Vectors expected = results(*reference, merged.program, embeds, {}, kContext);
  const Vectors base = results(*reference, plain.program, embeds, {}, kContext);
  EXPECT_GT(largest_difference(base, expected), 0.1) << "the adapters change next to nothing";
  // The merged weights are rounded to F32, a relative 6e-8 each.
  const auto scaled = [&](Device& device, uint32_t chunk) {
    return results(device, adapted.program, embeds, {0.5f, -0.25f}, chunk);
  };
  EXPECT_LE(largest_difference(expected, scaled(*reference, kContext)), 2e-5);
  const auto cpu = make_cpu_device({2, ""});
  for (const uint32_t chunk : {kContext, 7u, 1u})
    if (chunk == kContext || !encodes)  // floats as in the golden files' table
      EXPECT_LE(largest_difference(expected, scaled(*cpu, chunk)), 2e-4) << chunk;
  // Where they are not used nothing changes.
  EXPECT_EQ(results(*reference, adapted.program, embeds, {0, 0}, kContext), base);
  const Vectors cpu_base = results(*cpu, plain.program, embeds, {}, 7);
  EXPECT_EQ(results(*cpu, adapted.program, embeds, {0, 0}, 7), cpu_base);
  EXPECT_EQ(results(*cpu, adapted.program, embeds, {}, 7), cpu_base);
}

INSTANTIATE_TEST_SUITE_P(Golden, AdaptedModel,
                         testing::Values("bert", "nomic-bert", "deepseek2", "deepseek2-mla", "falcon", "gemma2",
                                         "gemma3", "glm4", "gpt-oss", "gpt2", "granitemoe", "llama-gqa-rope-freqs",
                                         "llama-mha", "llama-moe", "llama-tied", "olmo2", "phi2", "phi3", "qwen2",
                                         "qwen2moe", "qwen3-embedding", "qwen3moe", "qwen3next", "qwen35", "qwen35moe",
                                         "starcoder2"));

class Refused : public testing::Test {
 protected:
  void SetUp() override {
    path_ = shared_data("golden/models/llama-mha.gguf");
    if (std::filesystem::exists(path_)) adapter_ = random_adapter(Gguf::open(path_), 4, 1);
  }
  // The error of loading the model with the adapter as it is now.
  std::string error() {
    const auto file = folder_.path() / "adapter.gguf";
    adapter_.write(file);
    try {
      (void)load(path_, {file});
    } catch (const FileError& error) {
      const std::string text = error.what(), front = file.string() + ": ";
      EXPECT_TRUE(text.starts_with(front)) << text;
      return text.substr(std::min(text.size(), front.size()));
    }
    return "";
  }
  RandomAdapter::Pair& query() { return adapter_.pairs.at("blk.0.attn_q.weight"); }
  RandomAdapter::Pair take(const std::string& name) {
    RandomAdapter::Pair pair = adapter_.pairs.at(name);
    adapter_.pairs.erase(name);
    return pair;
  }

  TemporaryFolder folder_;
  std::filesystem::path path_;
  RandomAdapter adapter_;
};

// Fails where a test of a refusal would succeed for another reason.
TEST_F(Refused, NotWhatFits) {
  HEARTH_REQUIRE_SHARED(path_);
  EXPECT_EQ(error(), "");
  adapter_.format = Format::q8_0;
  EXPECT_EQ(error(), "");
}

TEST_F(Refused, OtherKindsOfFiles) {
  HEARTH_REQUIRE_SHARED(path_);
  adapter_.activated = true;
  EXPECT_EQ(error(), "is an activated LoRA (adapter.alora.invocation_tokens), which is not supported");
  adapter_.activated = false;
  adapter_.texts["adapter.type"] = "hypernet";
  EXPECT_EQ(error(), "is an adapter of the type \"hypernet\", which is not supported");
  adapter_.texts.erase("adapter.type");
  EXPECT_EQ(error(), "is an adapter of the type \"\", which is not supported");
  adapter_.texts["general.type"] = "model";
  EXPECT_EQ(error(), "is no adapter: general.type is \"model\"");
  adapter_.architecture = "controlvector";
  EXPECT_EQ(error(), "is a control vector, which is not supported");
  try {
    (void)load(path_, {path_});
    FAIL() << "a model is taken for an adapter";
  } catch (const FileError& error) {
    EXPECT_NE(std::string(error.what()).find("is no adapter: general.type is"), std::string::npos) << error.what();
  }
}

TEST_F(Refused, AdaptersOfOtherModels) {
  HEARTH_REQUIRE_SHARED(path_);
  adapter_.architecture = "qwen2";
  EXPECT_EQ(error(),
            "the adapter is for models of the architecture \"qwen2\", but " + path_.string() + " is \"llama\"");
  adapter_.architecture = "llama";
  adapter_.pairs["blk.77.attn_q.weight"] = query();
  EXPECT_EQ(error(), "the adapter changes \"blk.77.attn_q.weight\", which " + path_.string() + " does not have");
}

TEST_F(Refused, HalfPairsAndOtherTensors) {
  HEARTH_REQUIRE_SHARED(path_);
  const RandomAdapter::Pair whole = query();
  query().a = {};
  EXPECT_EQ(error(), "tensor \"blk.0.attn_q.weight.lora_b\" has no lora_a beside it");
  query() = whole;
  query().b = {};
  EXPECT_EQ(error(), "tensor \"blk.0.attn_q.weight.lora_a\" has no lora_b beside it");
  adapter_.pairs.clear();
  EXPECT_EQ(error(), "is an adapter without tensors");
}

TEST_F(Refused, MatricesThatDoNotFit) {
  HEARTH_REQUIRE_SHARED(path_);
  const RandomAdapter::Pair whole = query();
  const std::string size = std::to_string(whole.a.width);
  std::mt19937 random(5);
  const std::string begin = "the adapter changes \"blk.0.attn_q.weight\", [" + size + " x " + size + "] in the model, ";
  query().a = random_matrix(whole.a.width + 1, 4, 1, 1, random);
  EXPECT_TRUE(error().starts_with(begin)) << error();
  query().a = random_matrix(whole.a.width, 5, 1, 1, random);  // another rank than that of B
  EXPECT_TRUE(error().starts_with(begin)) << error();
  query().a = random_matrix(whole.a.width, 4, 2, 1, random);
  EXPECT_TRUE(error().starts_with(begin)) << error();
  query().a = whole.a;
  query().b = random_matrix(4, whole.b.rows - 1, 1, 1, random);
  EXPECT_TRUE(error().starts_with(begin)) << error();
  query() = {random_matrix(whole.a.width, 1000, 1, 1, random), random_matrix(1000, whole.b.rows, 1, 1, random)};
  EXPECT_EQ(error(), "the adapter changes \"blk.0.attn_q.weight\", with a rank of 1000, which is more than its size");
  query() = whole;
  RandomMatrix& rows = adapter_.pairs["token_embd.weight"].a;
  rows = random_matrix(rows.width, rows.rows - 1, 1, 1, random);
  EXPECT_TRUE(error().starts_with("the adapter changes \"token_embd.weight\", [")) << error();
}

TEST_F(Refused, WhatIsNoMatrixOfTheProgram) {
  HEARTH_REQUIRE_SHARED(path_);
  std::mt19937 random(5);
  const uint64_t width = query().a.width;
  adapter_.pairs["blk.0.attn_norm.weight"] = {random_matrix(width, 1, 1, 1, random), random_matrix(1, 1, 1, 1, random)};
  EXPECT_EQ(error(), "the adapter changes \"blk.0.attn_norm.weight\", which is not supported");
}

TEST_F(Refused, TheEmbeddingWhereItIsTheOutputToo) {
  path_ = shared_data("golden/models/llama-tied.gguf");
  HEARTH_REQUIRE_SHARED(path_);
  const Gguf file = Gguf::open(path_);
  adapter_ = random_adapter(file, 4, 1);
  const uint64_t* table = file.find_tensor("token_embd.weight")->dims;
  std::mt19937 random(5);
  adapter_.pairs["token_embd.weight"] = {random_matrix(4, table[1], 1, 1, random),
                                         random_matrix(4, table[0], 1, 1, random)};
  EXPECT_EQ(error(), "the adapter changes \"token_embd.weight\", which is both ends of " + path_.string() +
                         "; that is not supported");
}

TEST_F(Refused, AnAdapterAsAModel) {
  HEARTH_REQUIRE_SHARED(path_);
  const auto file = folder_.path() / "adapter.gguf";
  adapter_.write(file);
  try {
    (void)load(file);
    FAIL() << "an adapter is taken for a model";
  } catch (const FileError& error) {
    EXPECT_EQ(error.what(),
              file.string() + ": is an adapter, no model; it is given beside the model that it changes (--lora)");
  }
}

}  // namespace
}  // namespace hearth
