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
  for (const FormatInfo& info : formats()) EXPECT_EQ(plain_mix(info.format).format, info.format);
  EXPECT_EQ(plain_mix(Format::q4_k).file_type, 14u);
  EXPECT_STREQ(plain_mix(Format::iq3_s).name, "IQ3_S");
  EXPECT_STREQ(plain_mix(Format::iq2_s).name, "IQ2_M");
}

TEST(Mixes, MSpendsMoreOnTheFirstTheLastAndEveryThirdLayer) {
  const std::vector<uint32_t> more = {0, 1, 2, 5, 8, 11, 14, 17, 20, 23, 24, 25, 26, 27};
  for (const char* mix : {"Q4_K_M", "Q5_K_M"})
    for (const char* tensor : {"attn_v", "ffn_down"})
      EXPECT_EQ(layers_with(mix, dense(28), tensor, Format::q6_k), more) << mix << " " << tensor;
  EXPECT_EQ(chosen("Q4_K_M", dense(28), at(3, "attn_v")), Format::q4_k);
  EXPECT_EQ(chosen("Q4_K_M", dense(28), at(0, "attn_q")), Format::q4_k);
  EXPECT_EQ(layers_with("Q4_K_M", dense(28), "attn_qkv", Format::q6_k), more);
  EXPECT_EQ(layers_with("Q4_K_M", dense(28), "attn_kv_b", Format::q6_k), more);
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

// Each as llama.cpp v0.5.0 chose for a model of 32 layers whose heads have keys of their own, with importance.
TEST(Mixes, OfFewBitsSpendMoreOnSomeMatrices) {
  MixModel model = dense(32);
  model.heads_per_kv = 1;
  model.has_importance = true;
  struct Row {
    const char *mix, *output, *embedding, *value, *key, *attention_output, *first_down, *later_down, *middle_up;
  };
  for (const Row& row : {Row{"IQ1_S", "Q5_K", "Q2_K", "Q2_K", "IQ1_S", "IQ2_XXS", "Q2_K", "IQ1_S", "IQ1_S"},
                         Row{"IQ1_M", "Q5_K", "Q2_K", "Q2_K", "IQ1_M", "IQ2_XXS", "Q2_K", "IQ1_M", "IQ1_M"},
                         Row{"IQ2_XXS", "Q5_K", "Q2_K", "Q2_K", "IQ2_XXS", "IQ2_XXS", "Q2_K", "IQ2_XXS", "IQ2_XXS"},
                         Row{"IQ2_XS", "Q5_K", "Q2_K", "Q2_K", "IQ2_XS", "IQ2_XS", "Q2_K", "IQ2_XS", "IQ2_XS"},
                         Row{"IQ2_S", "Q5_K", "IQ3_S", "IQ3_S", "IQ2_XS", "IQ3_S", "IQ3_S", "IQ2_XS", "IQ2_XS"},
                         Row{"IQ2_M", "Q5_K", "IQ3_S", "IQ3_S", "IQ2_S", "IQ3_S", "IQ3_S", "IQ2_S", "IQ2_S"},
                         Row{"IQ3_XXS", "Q5_K", "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ3_S", "IQ3_XXS", "IQ3_XXS", "IQ3_XXS"},
                         Row{"IQ3_XS", "Q6_K", "IQ3_S", "IQ3_S", "IQ3_XXS", "IQ3_S", "IQ3_S", "IQ3_S", "IQ3_XXS"},
                         Row{"IQ3_S", "Q6_K", "IQ3_S", "IQ3_S", "IQ3_S", "IQ3_S", "IQ3_S", "IQ3_S", "IQ3_S"},
                         Row{"IQ3_M", "Q6_K", "IQ3_S", "Q4_K", "IQ3_S", "Q4_K", "Q4_K", "IQ3_S", "IQ3_S"},
                         Row{"TQ1_0", "Q6_K", "Q4_K", "TQ1_0", "TQ1_0", "TQ1_0", "TQ1_0", "TQ1_0", "TQ1_0"},
                         Row{"TQ2_0", "Q6_K", "Q4_K", "TQ2_0", "TQ2_0", "TQ2_0", "TQ2_0", "TQ2_0", "TQ2_0"},
                         Row{"NVFP4", "Q6_K", "Q4_K", "NVFP4", "NVFP4", "NVFP4", "NVFP4", "NVFP4", "NVFP4"}}) {
    const auto name = [&](const std::string& tensor) {
      return std::string(format_info(chosen(row.mix, model, tensor)).name);
    };
    EXPECT_EQ(name("output.weight"), row.output) << row.mix;
    EXPECT_EQ(name("token_embd.weight"), row.embedding) << row.mix;
    EXPECT_EQ(name(at(9, "attn_v")), row.value) << row.mix;
    EXPECT_EQ(name(at(9, "attn_k")), row.key) << row.mix;
    EXPECT_EQ(name(at(9, "attn_output")), row.attention_output) << row.mix;
    EXPECT_EQ(name(at(3, "ffn_down")), row.first_down) << row.mix;
    EXPECT_EQ(name(at(4, "ffn_down")), row.later_down) << row.mix;
    EXPECT_EQ(name(at(4, "ffn_gate")), row.middle_up) << row.mix;
    EXPECT_EQ(name(at(27, "ffn_up")), row.middle_up) << row.mix;
  }
  EXPECT_EQ(chosen("IQ3_XS", model, at(3, "ffn_up")), Format::iq3_s);
  EXPECT_EQ(chosen("IQ3_XS", model, at(28, "ffn_gate")), Format::iq3_s);
}

TEST(Mixes, OfFewBitsHeedImportanceExpertsAndSharedKeys) {
  MixModel model = dense(32);
  EXPECT_EQ(chosen("IQ3_XXS", model, at(1, "ffn_down")), Format::q4_k);
  EXPECT_EQ(chosen("IQ3_XXS", model, at(9, "ffn_down")), Format::q3_k);
  for (const char* mix : {"IQ1_S", "IQ2_M", "IQ3_XXS", "IQ3_XS", "IQ3_S"})
    EXPECT_EQ(chosen(mix, model, at(9, "attn_v")), Format::q4_k) << mix;
  model.heads_per_kv = 1;
  EXPECT_EQ(chosen("IQ3_XXS", model, at(9, "attn_v")), Format::iq3_s);
  model.experts = 4;
  EXPECT_EQ(chosen("IQ1_S", model, at(9, "attn_v")), Format::q4_k);
  model.experts = 8;
  EXPECT_EQ(chosen("IQ1_S", model, at(9, "attn_k")), Format::q4_k);
  EXPECT_EQ(chosen("IQ2_XXS", model, at(9, "attn_output")), Format::q5_k);
  EXPECT_EQ(chosen("IQ3_XS", model, at(9, "attn_output")), Format::q5_k);
  EXPECT_EQ(chosen("IQ3_XS", model, at(9, "attn_k")), Format::q8_0);
  EXPECT_EQ(chosen("IQ3_M", model, at(6, "ffn_down_exps"), true), Format::q4_k);
  EXPECT_EQ(chosen("IQ3_M", model, at(7, "ffn_down_exps"), true), Format::iq3_s);
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
  for (const Format format :
       {Format::iq1_s, Format::iq1_m, Format::iq2_xxs, Format::iq2_xs, Format::iq2_s, Format::iq3_xxs, Format::iq3_s})
    EXPECT_EQ(fitting_format(format, 896), Format::iq4_nl);
  EXPECT_EQ(fitting_format(Format::tq1_0, 896), Format::q4_0);
  EXPECT_EQ(fitting_format(Format::tq2_0, 896), Format::q4_0);
  EXPECT_EQ(fitting_format(Format::nvfp4, 896), Format::nvfp4);
  EXPECT_EQ(fitting_format(Format::nvfp4, 96), Format::q4_0);
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
