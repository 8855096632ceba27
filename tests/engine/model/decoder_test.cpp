// What the decoder demands of a file's tensors.
#include "engine/model/decoder.h"

#include <iterator>
#include <random>

#include "backends/cpu/device.h"
#include "formats/error.h"
#include "tests/engine/model/tiny_families.h"

namespace hearth {
namespace {

std::string build_error(const TinyModel& model) {
  const Gguf file = model.open();
  return file_error([&] { (void)build_decoder(file, read_config(file), 128); });
}

TEST(Decoder, TinyModelBecomesAProgram) {
  const Gguf file = TinyModel::llama().open();
  const Program program = build_decoder(file, read_config(file), 128);
  EXPECT_EQ(program.vocabulary, 40u);
  EXPECT_EQ(program.layers, 1u);
  EXPECT_EQ(program.key_width, 16u);
  EXPECT_EQ(program.weights.size(), 11u);  // the tied output is the embedding
  EXPECT_TRUE(std::holds_alternative<Embed>(program.ops.front()));
  EXPECT_TRUE(std::holds_alternative<Logits>(program.ops.back()));
}

// The plain llama and all others.
std::vector<TinyFamily> families() {
  std::vector<TinyFamily> all = tiny_families();
  all.insert(all.begin(), {TinyModel::llama()});
  return all;
}

TEST(Decoder, EveryTensorIsNeeded) {
  for (const TinyFamily& family : families()) {
    SCOPED_TRACE(std::get<std::string>(family.model.keys.at("general.architecture")));
    EXPECT_EQ(build_error(family.model), "");
    for (const auto& [name, dims] : family.model.tensors) {
      TinyModel model = family.model;
      model.tensors.erase(name);
      const std::string error = build_error(model);
      if (family.optional.contains(name)) {
        EXPECT_EQ(error, "") << name;
      } else {
        EXPECT_NE(error.find("tensor \"" + name + "\" is missing"), std::string::npos) << name << ": " << error;
      }
    }
  }
}

TEST(Decoder, WrongShapesAreNamedWithBothShapes) {
  for (const TinyFamily& family : families())
    for (const auto& [name, dims] : family.model.tensors) {
      TinyModel model = family.model;
      model.tensors[name][0] += 1;
      const std::string error = build_error(model);
      EXPECT_NE(error.find("tensor \"" + name + "\" is [" + std::to_string(dims[0] + 1)), std::string::npos) << error;
      EXPECT_NE(error.find("asks for [" + std::to_string(dims[0])), std::string::npos) << error;
    }
}

// The place of the only sequence's state, if the program keeps any.
std::vector<uint32_t> states_of(const Program& program) {
  return std::vector<uint32_t>(program.state_width.empty() ? 0 : 1, 1);
}

// Every op that the reference runs on zeros gives zeros: what a program names exists and fits.
TEST(Decoder, EveryFamilyRuns) {
  for (const TinyFamily& family : families()) {
    SCOPED_TRACE(std::get<std::string>(family.model.keys.at("general.architecture")));
    const Gguf file = family.model.open();
    const Limits limits{.rows = 4, .pages = 2, .page_size = 8, .states = 2, .kv_type = KvType::f32};
    const Program program = build_decoder(file, read_config(file), 128);
    const auto plan = make_cpu_device({1, ""})->compile(program, limits);
    plan->submit({.tokens = {3, 5, 7},
                  .positions = {0, 1, 2},
                  .row_begin = {0, 3},
                  .page_begin = {0, 1},
                  .pages = {1},
                  .outputs = {2},
                  .states = states_of(program),
                  .state_copies = {}});
    const bool encoder = family.model.tensors.contains("token_embd_norm.weight");
    EXPECT_EQ(plan->wait().logits.size(), encoder ? 32u : 40u);
    for (const float value : plan->wait().logits) EXPECT_EQ(value, 0);
  }
}

// Whatever small numbers a file states, it is refused or it runs.
TEST(Decoder, AnySmallNumbersAreRefusedOrRun) {
  std::mt19937 random(1);
  constexpr uint32_t kNumbers[] = {0, 1, 2, 3, 4, 8, 12, 16, 20, 24, 32, 33, 48, 64, 128, 65535};
  const auto cpu = make_cpu_device({1, ""});
  size_t ran = 0, refused = 0;
  for (const TinyFamily& family : families())
    for (int i = 0; i < 30; ++i) {
      TinyModel model = family.model;
      for (int change = 0; change < 2; ++change) {
        auto key = model.keys.begin();
        std::advance(key, static_cast<ptrdiff_t>(random() % model.keys.size()));
        if (std::holds_alternative<uint32_t>(key->second)) key->second = kNumbers[random() % std::size(kNumbers)];
      }
      try {
        const Gguf file = model.open();
        const Program program = build_decoder(file, read_config(file), 64);
        const Limits limits{.rows = 2, .pages = 2, .page_size = 8, .states = 2, .kv_type = KvType::f16};
        const auto plan = cpu->compile(program, limits);
        plan->submit({.tokens = {3, 5},
                      .positions = {0, 1},
                      .row_begin = {0, 2},
                      .page_begin = {0, 1},
                      .pages = {1},
                      .outputs = {1},
                      .states = states_of(program),
                      .state_copies = {}});
        ++ran;
      } catch (const FileError&) {
        ++refused;
      } catch (const DeviceError&) {
        ++refused;
      }
    }
  EXPECT_GT(ran, 50u);
  EXPECT_GT(refused, 50u);
}

TEST(Decoder, ContextsAsLongAsThePositions) {
  const Gguf file = tiny_family("gpt2", {"attn_q.weight", "attn_k.weight", "attn_v.weight", "ffn_gate.weight"}, {},
                                {{"attn_qkv.weight", {32, 64}}, {"position_embd.weight", {32, 100}}})
                        .model.open();
  EXPECT_EQ(build_decoder(file, read_config(file), 128).positions, 100u);
}

TEST(Decoder, TensorsWithoutAPlaceAreRefused) {
  TinyModel model = TinyModel::llama();
  model.tensors["blk.0.attn_q_norm.weight"] = {16};
  EXPECT_NE(build_error(model).find("\"blk.0.attn_q_norm.weight\" has no place"), std::string::npos);
}

TEST(Decoder, LayersThatPredictFurtherTokensAreLeftOut) {
  TinyModel model = TinyModel::llama();
  model.keys["llama.block_count"] = 2u;
  model.tensors["blk.1.nextn.eh_proj.weight"] = {64, 32};
  EXPECT_NE(build_error(model), "");
  model.keys["llama.nextn_predict_layers"] = 1u;
  EXPECT_EQ(build_error(model), "");
  model.keys["llama.nextn_predict_layers"] = 2u;
  EXPECT_NE(build_error(model).find("llama.nextn_predict_layers is 2 of 2 layers"), std::string::npos);
}

TEST(Decoder, RopeFactorsMustBePositive) {
  TinyModel model = TinyModel::llama();
  model.tensors["rope_freqs.weight"] = {8};  // zeros
  EXPECT_NE(build_error(model).find("RoPE factor is not a positive number"), std::string::npos);
}

TEST(Decoder, LongAndShortFactorsComeTogether) {
  TinyModel model = TinyModel::llama();
  model.tensors["rope_factors_long.weight"] = {8};
  EXPECT_NE(build_error(model).find("rope_factors_short.weight is missing"), std::string::npos);
}

TEST(Decoder, MoreLayersThanTensorsIsAMissingTensor) {
  TinyModel model = TinyModel::llama();
  model.keys["llama.block_count"] = 60000u;
  EXPECT_NE(build_error(model).find("\"blk.1.attn_norm.weight\" is missing"), std::string::npos);
}

}  // namespace
}  // namespace hearth
