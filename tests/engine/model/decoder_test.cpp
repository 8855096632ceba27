// What the decoder demands of a file's tensors.
#include "engine/model/decoder.h"

#include "tests/engine/model/tiny_model.h"

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
  EXPECT_EQ(program.kv_width, 16u);
  EXPECT_EQ(program.weights.size(), 11u);  // the tied output is the embedding
  EXPECT_TRUE(std::holds_alternative<Embed>(program.ops.front()));
  EXPECT_TRUE(std::holds_alternative<Logits>(program.ops.back()));
}

TEST(Decoder, EveryTensorIsNeeded) {
  const TinyModel whole = TinyModel::llama();
  for (const auto& [name, dims] : whole.tensors) {
    TinyModel model = whole;
    model.tensors.erase(name);
    EXPECT_NE(build_error(model).find("tensor \"" + name + "\" is missing"), std::string::npos) << build_error(model);
  }
}

TEST(Decoder, WrongShapesAreNamedWithBothShapes) {
  const TinyModel whole = TinyModel::llama();
  for (const auto& [name, dims] : whole.tensors) {
    TinyModel model = whole;
    model.tensors[name][0] += 1;
    const std::string error = build_error(model);
    EXPECT_NE(error.find("tensor \"" + name + "\" is [" + std::to_string(dims[0] + 1)), std::string::npos) << error;
    EXPECT_NE(error.find("asks for [" + std::to_string(dims[0])), std::string::npos) << error;
  }
}

TEST(Decoder, TensorsWithoutAPlaceAreRefused) {
  TinyModel model = TinyModel::llama();
  model.tensors["blk.0.attn_q_norm.weight"] = {16};
  EXPECT_NE(build_error(model).find("\"blk.0.attn_q_norm.weight\" has no place"), std::string::npos);
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
