// Which format each tensor gets, by rule and as llama.cpp chose it in files that it made.
#include "engine/quantize/mix.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "engine/quantize/quantize.h"
#include "formats/gguf.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

MixModel dense(uint32_t layers) {
  MixModel model{.architecture = "llama", .layers = layers, .heads_per_kv = 4};
  model.attention_layers.resize(layers);
  std::iota(model.attention_layers.begin(), model.attention_layers.end(), 0u);
  return model;
}

std::string at(uint32_t layer, const char* name) { return "blk." + std::to_string(layer) + "." + name + ".weight"; }

Format chosen(const char* mix, const MixModel& model, const std::string& tensor, bool stacked = false) {
  return choose_format(*find_mix(mix), model, {.name = tensor, .row = 4096, .stacked = stacked});
}

std::vector<uint32_t> layers_with(const char* mix, const MixModel& model, const char* tensor, Format format) {
  std::vector<uint32_t> found;
  for (uint32_t layer = 0; layer < model.layers; ++layer)
    if (chosen(mix, model, at(layer, tensor)) == format) found.push_back(layer);
  return found;
}

TEST(Mixes, AreFoundInAnyCaseAndByShortNames) {
  EXPECT_STREQ(find_mix("q4_k_m")->name, "Q4_K_M");
  EXPECT_STREQ(find_mix("Q4_K")->name, "Q4_K_M");
  EXPECT_EQ(find_mix("Q4_K_XL"), nullptr);
  EXPECT_EQ(find_mix(""), nullptr);
  std::set<uint32_t> types;
  for (const Mix& mix : mixes()) {
    EXPECT_EQ(find_mix(mix.name), &mix);
    types.insert(mix.file_type);
  }
  EXPECT_EQ(types.size(), mixes().size());
  for (const FormatInfo& info : formats()) {
    if (info.expand == nullptr) EXPECT_EQ(plain_mix(info.format).format, info.format);
  }
  EXPECT_EQ(plain_mix(Format::q4_k).file_type, 14u);
}

TEST(Mixes, MSpendsMoreOnTheFirstTheLastAndEveryThirdLayer) {
  const std::vector<uint32_t> more = {0, 1, 2, 5, 8, 11, 14, 17, 20, 23, 24, 25, 26, 27};
  for (const char* mix : {"Q4_K_M", "Q5_K_M"})
    for (const char* tensor : {"attn_v", "ffn_down"})
      EXPECT_EQ(layers_with(mix, dense(28), tensor, Format::q6_k), more) << mix << " " << tensor;
  EXPECT_EQ(chosen("Q4_K_M", dense(28), at(3, "attn_v")), Format::q4_k);
  EXPECT_EQ(chosen("Q4_K_M", dense(28), at(0, "attn_q")), Format::q4_k);
  EXPECT_EQ(chosen("Q4_K_M", dense(28), at(0, "attn_qkv")), Format::q5_k);
}

TEST(Mixes, SAndLAndThreeBitsDiffer) {
  const MixModel model = dense(32);
  EXPECT_EQ(layers_with("Q4_K_S", model, "attn_v", Format::q5_k), (std::vector<uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(layers_with("Q4_K_S", model, "ffn_down", Format::q5_k), (std::vector<uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(layers_with("Q3_K_M", model, "ffn_down", Format::q5_k), (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(layers_with("Q3_K_M", model, "attn_v", Format::q5_k), (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(layers_with("Q3_K_M", model, "attn_v", Format::q4_k).size(), 30u);
  EXPECT_EQ(chosen("Q3_K_M", model, at(9, "attn_output")), Format::q4_k);
  EXPECT_EQ(chosen("Q3_K_L", model, at(9, "attn_output")), Format::q5_k);
  EXPECT_EQ(chosen("Q3_K_S", model, at(9, "attn_v")), Format::q3_k);
  EXPECT_EQ(chosen("Q2_K", model, at(9, "attn_v")), Format::q4_k);
  EXPECT_EQ(chosen("Q2_K", model, at(9, "ffn_down")), Format::q3_k);
  EXPECT_EQ(layers_with("Q2_K_S", model, "ffn_down", Format::q4_k).size(), 4u);
  EXPECT_EQ(layers_with("Q6_K", model, "ffn_down", Format::q6_k).size(), 32u);
}

TEST(Mixes, TheOutputMatrixGetsMore) {
  MixModel model = dense(28);
  EXPECT_EQ(chosen("Q4_K_M", model, "output.weight"), Format::q6_k);
  EXPECT_EQ(chosen("Q2_K", model, "output.weight"), Format::q6_k);
  EXPECT_EQ(chosen("Q8_0", model, "output.weight"), Format::q8_0);
  EXPECT_EQ(chosen("F16", model, "output.weight"), Format::f16);
  EXPECT_EQ(chosen("Q4_K_M", model, "token_embd.weight"), Format::q4_k);
  model.tied = true;
  EXPECT_EQ(chosen("Q4_K_M", model, "token_embd.weight"), Format::q6_k);
  EXPECT_EQ(choose_format(*find_mix("Q4_K_M"), model, {.name = "token_embd.weight", .row = 896}), Format::q8_0);
  model.architecture = "falcon";
  EXPECT_EQ(chosen("Q4_K_M", model, "token_embd.weight"), Format::q8_0);
}

TEST(Mixes, ImportanceAndExpertsCount) {
  MixModel model = dense(32);
  EXPECT_EQ(chosen("IQ4_XS", model, at(1, "ffn_down")), Format::q5_k);
  EXPECT_EQ(chosen("IQ4_XS", model, at(9, "attn_v")), Format::q5_k);
  EXPECT_EQ(chosen("Q4_0", model, at(1, "ffn_down")), Format::q4_0);
  model.has_importance = true;
  EXPECT_EQ(chosen("IQ4_XS", model, at(1, "ffn_down")), Format::iq4_xs);
  EXPECT_EQ(chosen("Q4_0", model, at(1, "ffn_down")), Format::q4_1);
  model.experts = 8;
  EXPECT_EQ(chosen("Q4_K_M", model, at(9, "attn_v")), Format::q8_0);
  EXPECT_EQ(chosen("Q4_K_M", model, at(9, "attn_k")), Format::q8_0);
  EXPECT_EQ(chosen("Q4_K_M", model, at(9, "attn_output")), Format::q5_k);
  EXPECT_EQ(chosen("Q4_K_M", model, at(0, "ffn_down_exps"), true), Format::q6_k);
  EXPECT_EQ(chosen("MXFP4_MOE", model, at(9, "ffn_up_exps"), true), Format::mxfp4);
  EXPECT_EQ(chosen("MXFP4_MOE", model, at(9, "attn_q")), Format::q8_0);
}

TEST(Mixes, WhatIsSmallOrFragileStays) {
  EXPECT_TRUE(is_quantized("blk.0.ffn_up_exps.weight", 3));
  EXPECT_TRUE(is_quantized("token_embd.weight", 2));
  EXPECT_FALSE(is_quantized("blk.0.attn_norm.weight", 1));
  EXPECT_FALSE(is_quantized("blk.0.attn_q_norm.weight", 2));
  EXPECT_FALSE(is_quantized("blk.0.ffn_gate_inp.weight", 2));
  EXPECT_FALSE(is_quantized("blk.0.attn_q.bias", 1));
  EXPECT_FALSE(is_quantized("blk.0.ssm_conv1d.weight", 2));
  EXPECT_FALSE(is_quantized("position_embd.weight", 2));
}

TEST(Mixes, RowsThatDoNotFitTakeTheFallback) {
  EXPECT_EQ(fitting_format(Format::q4_k, 512), Format::q4_k);
  EXPECT_EQ(fitting_format(Format::q4_k, 896), Format::q5_0);
  EXPECT_EQ(fitting_format(Format::q5_k, 896), Format::q5_1);
  EXPECT_EQ(fitting_format(Format::q6_k, 896), Format::q8_0);
  EXPECT_EQ(fitting_format(Format::q2_k, 896), Format::iq4_nl);
  EXPECT_EQ(fitting_format(Format::q4_k, 172), Format::f16);
  EXPECT_EQ(fitting_format(Format::q8_0, 8), Format::f16);
}

TEST(Mixes, PatternsMatchAsShellsDo) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("blk.*.ffn_down.weight", "blk.12.ffn_down.weight"));
  EXPECT_TRUE(matches("blk.?.attn_*", "blk.3.attn_q.weight"));
  EXPECT_TRUE(matches("*attn*weight", "blk.3.attn_q.attn.weight"));
  EXPECT_FALSE(matches("blk.?.attn_*", "blk.13.attn_q.weight"));
  EXPECT_FALSE(matches("attn", "blk.3.attn_q.weight"));
  EXPECT_FALSE(matches("", "x"));
  EXPECT_FALSE(matches(std::string(40, '*') + "b", std::string(4000, 'a')));
}

// Files that llama.cpp quantised: every matrix must get the format that it has there.
TEST(Mixes, ChooseAsLlamaCppDid) {
  const auto folder = shared_data("golden/quantized");
  HEARTH_REQUIRE_SHARED(folder);
  for (const auto& [file_name, mix] :
       {std::pair("llama-q4_k_m.gguf", "Q4_K_M"), std::pair("llama-q3_k_m.gguf", "Q3_K_M")}) {
    const Gguf file = Gguf::open(folder / file_name);
    EXPECT_EQ(file.find_uint("general.file_type"), find_mix(mix)->file_type);
    const QuantizePlan plan = plan_quantization(file, {.mix = find_mix(mix), .requantize = true});
    for (const TensorChange& change : plan.tensors)
      EXPECT_EQ(format_info(change.format).name, format_info(change.tensor->format).name)
          << mix << " " << change.tensor->name;
  }
}

}  // namespace
}  // namespace hearth
