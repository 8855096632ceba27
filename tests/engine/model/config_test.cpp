// Metadata that cannot be is refused with one line that names the key.
#include "engine/model/config.h"

#include <cmath>
#include <limits>

#include "tests/engine/model/tiny_model.h"

namespace hearth {
namespace {

TEST(ModelConfig, ReadsTheNumbers) {
  const ModelConfig config = read_config(TinyModel::llama().open());
  EXPECT_STREQ(config.architecture->name, "llama");
  EXPECT_EQ(config.context_length, 128u);
  EXPECT_EQ(config.width, 32u);
  EXPECT_EQ(config.heads, 2u);
  EXPECT_EQ(config.kv_heads, 1u);
  EXPECT_EQ(config.head_size, 16u);
  EXPECT_EQ(config.feed_forward, 64u);
  EXPECT_EQ(config.rope.base, 10000);
  EXPECT_EQ(config.experts.count, 0u);
}

TEST(ModelConfig, MissingKeyValueHeadsMeanAsManyAsHeads) {
  TinyModel model = TinyModel::llama();
  model.keys.erase("llama.attention.head_count_kv");
  EXPECT_EQ(read_config(model.open()).kv_heads, 2u);
}

TEST(ModelConfig, NoExpertsIsNoMixture) {
  TinyModel model = TinyModel::llama();
  model.keys["llama.expert_count"] = 0u;
  EXPECT_EQ(read_config(model.open()).experts.count, 0u);
}

// A change of one key and what the error must say.
struct BadKey {
  const char* key;
  TinyModel::Value value;
  const char* error;
};

TEST(ModelConfig, BadValuesAreNamed) {
  const BadKey bad[] = {
      {"general.architecture", std::string("mamba"), "architecture \"mamba\" is not supported; Hearth runs llama"},
      {"general.architecture", std::string("lla\nma"), "architecture \"lla\\x0ama\" is not supported"},
      {"general.architecture", 3u, "key \"general.architecture\" is"},
      {"llama.context_length", 0u, "llama.context_length is 0"},
      {"llama.context_length", 0xffffffffu, "llama.context_length is 4294967295"},
      {"llama.context_length", -5, "key \"llama.context_length\""},
      {"llama.context_length", 1.5f, "key \"llama.context_length\""},
      {"llama.embedding_length", 33u, "llama.embedding_length is 33, not a multiple of head_count, 2"},
      {"llama.attention.head_count", 0u, "llama.attention.head_count is 0"},
      {"llama.attention.head_count_kv", 3u, "llama.attention.head_count is 2, not a multiple of head_count_kv, 3"},
      {"llama.attention.value_length", 0u, "llama.attention.value_length is 0"},
      {"llama.block_count", 65536u, "llama.block_count is larger"},
      {"llama.rope.dimension_count", 15u, "llama.rope.dimension_count is 15, not an even number"},
      {"llama.rope.dimension_count", 18u, "up to the head size, 16"},
      {"llama.rope.freq_base", 0.0f, "llama.rope.freq_base is not a positive number"},
      {"llama.rope.freq_base", std::numeric_limits<float>::quiet_NaN(),
       "llama.rope.freq_base is not a positive number"},
      {"llama.rope.freq_base", std::numeric_limits<float>::infinity(), "llama.rope.freq_base is not a positive number"},
      {"llama.rope.scaling.type", std::string("spiral"), "llama.rope.scaling.type is \"spiral\""},
      {"llama.rope.scaling.factor", -1.0f, "llama.rope.scaling.factor is not a positive number"},
      {"llama.expert_count", 8u, "llama.expert_used_count is missing"},
      {"llama.expert_count", 70000u, "llama.expert_used_count"},
      {"llama.attention.sliding_window", -1, "llama.attention.sliding_window"},
      {"llama.attention.scale", -1.0f, "llama.attention.scale is not a positive number"},
      {"llama.embedding_scale", -2.0f, "llama.embedding_scale is not a positive number"},
      {"llama.residual_scale", std::numeric_limits<float>::infinity(), "llama.residual_scale is not"},
      {"llama.logit_scale", -1.0f, "llama.logit_scale is not a positive number"},
      {"llama.final_logit_softcapping", -1.0f, "llama.final_logit_softcapping is not a positive number"},
      {"llama.rope.freq_base_swa", 0.0f, "llama.rope.freq_base_swa is not a positive number"},
      {"llama.rope.scaling.yarn_beta_fast", 0.0f, "llama.rope.scaling.yarn_beta_fast is not a positive number"},
      {"llama.attention.causal", 1u, "key \"llama.attention.causal\" is u32 instead of bool"},
  };
  for (const BadKey& one : bad) {
    TinyModel model = TinyModel::llama();
    model.keys[one.key] = one.value;
    const Gguf file = model.open();
    const std::string error = file_error([&] { (void)read_config(file); });
    EXPECT_NE(error.find(one.error), std::string::npos) << one.key << ": " << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

struct ArchitectureKey {
  const char* architecture;
  BadKey bad;
};

// A tiny model's keys under another architecture's name.
TinyModel of_architecture(const std::string& name) {
  TinyModel model = TinyModel::llama();
  TinyModel other = model;
  other.keys.clear();
  for (const auto& [key, value] : model.keys) other.keys[key.starts_with("llama") ? name + key.substr(5) : key] = value;
  other.keys["general.architecture"] = name;
  return other;
}

TEST(ModelConfig, BadValuesOfOtherArchitecturesAreNamed) {
  const ArchitectureKey bad[] = {
      {"deepseek2", {"", 0u, "deepseek2.attention.kv_lora_rank is missing"}},
      {"deepseek2", {"attention.kv_lora_rank", 16u, "kv_lora_rank is 16, not larger than rope.dimension_count, 16"}},
      {"deepseek2",
       {"attention.kv_lora_rank", 32u, "rope.dimension_count is 16, which leaves nothing of a head of 16"}},
      {"gemma2", {"attention.sliding_window_pattern", std::string("x"), "attention.sliding_window_pattern\""}},
      {"gemma2", {"attn_logit_softcapping", -3.0f, "gemma2.attn_logit_softcapping is not a positive number"}},
      {"gpt2", {"attention.layer_norm_epsilon", 0.0f, "gpt2.attention.layer_norm_epsilon is not a positive number"}},
      {"gptneox", {"use_parallel_residual", 1u, "key \"gptneox.use_parallel_residual\" is u32 instead of bool"}},
  };
  for (const ArchitectureKey& one : bad) {
    TinyModel model = of_architecture(one.architecture);
    if (*one.bad.key != 0) model.keys[std::string(one.architecture) + "." + one.bad.key] = one.bad.value;
    const Gguf file = model.open();
    const std::string error = file_error([&] { (void)read_config(file); });
    EXPECT_NE(error.find(one.bad.error), std::string::npos) << one.architecture << ": " << error;
  }
}

TEST(ModelConfig, BadMixturesAreNamed) {
  const BadKey bad[] = {
      {"expert_gating_func", 9u, "qwen3moe.expert_gating_func is 9"},
      {"expert_weights_scale", -1.0f, "qwen3moe.expert_weights_scale is not a positive number"},
      {"expert_weights_norm", 1u, "qwen3moe.expert_weights_norm\" is u32 instead of bool"},
      {"expert_group_count", 3u, "qwen3moe.expert_group_count is 3 with 1 used, which cannot be with 2 of 8 experts"},
      {"expert_group_count", 8u, "qwen3moe.expert_group_count is 8 with 1 used"},
      {"expert_group_used_count", 2u, "qwen3moe.expert_group_count is 1 with 2 used"},
      {"expert_feed_forward_length", 0u, "qwen3moe.expert_feed_forward_length is 0"},
  };
  for (const BadKey& one : bad) {
    TinyModel model = of_architecture("qwen3moe");
    model.keys["qwen3moe.expert_count"] = 8u;
    model.keys["qwen3moe.expert_used_count"] = 2u;
    EXPECT_EQ(read_config(model.open()).experts.feed_forward, 32u);  // shared out
    model.keys[std::string("qwen3moe.") + one.key] = one.value;
    const Gguf file = model.open();
    const std::string error = file_error([&] { (void)read_config(file); });
    EXPECT_NE(error.find(one.error), std::string::npos) << one.key << ": " << error;
  }
}

TEST(ModelConfig, WindowsComeByPeriod) {
  const auto windows = [](const std::string& architecture, const std::map<std::string, TinyModel::Value>& more) {
    TinyModel model = of_architecture(architecture);
    model.keys[architecture + ".block_count"] = 6u;
    for (const auto& [key, value] : more) model.keys[architecture + "." + key] = value;
    std::string text;
    const ModelConfig config = read_config(model.open());
    for (const bool windowed : config.windowed) text += windowed ? 'w' : '.';
    return text + " " + std::to_string(config.window);
  };
  EXPECT_EQ(windows("llama", {}), "...... 0");
  EXPECT_EQ(windows("llama", {{"attention.sliding_window", 9u}}), "wwwwww 9");
  EXPECT_EQ(windows("phi3", {{"attention.sliding_window", 9u}}), "wwwwww 9");
  EXPECT_EQ(windows("phi3", {{"attention.sliding_window", 0u}}), "...... 0");
  EXPECT_EQ(windows("qwen2", {{"attention.sliding_window", 9u}}), "...... 0");
  EXPECT_EQ(windows("gemma2", {}), "w.w.w. 4096");
  EXPECT_EQ(windows("gemma3", {{"attention.sliding_window", 8u}}), "wwwww. 8");
  EXPECT_EQ(windows("cohere2", {{"attention.sliding_window", 8u}}), "www.ww 8");
  EXPECT_EQ(windows("olmo2", {}), "...... 0");
  EXPECT_EQ(windows("gpt-oss", {{"attention.sliding_window", 8u}, {"attention.sliding_window_pattern", 3u}}),
            "ww.ww. 8");
  EXPECT_EQ(windows("gpt-oss", {{"attention.sliding_window", 8u}, {"attention.sliding_window_pattern", 0u}}),
            "wwwwww 8");
}

TEST(ModelConfig, ScalesHaveTheirDefaults) {
  const auto config = [](const std::string& architecture, const std::map<std::string, TinyModel::Value>& more) {
    TinyModel model = of_architecture(architecture);
    for (const auto& [key, value] : more) model.keys[architecture + "." + key] = value;
    return read_config(model.open());
  };
  EXPECT_FLOAT_EQ(config("llama", {}).attention_scale, 0.25f);
  EXPECT_FLOAT_EQ(config("llama", {{"attention.scale", 0.5f}}).attention_scale, 0.5f);
  EXPECT_FLOAT_EQ(config("granite", {{"logit_scale", 4.0f}}).logit_scale, 0.25f);
  EXPECT_FLOAT_EQ(config("command-r", {{"logit_scale", 4.0f}}).logit_scale, 4);
  EXPECT_FLOAT_EQ(config("gemma", {}).embedding_scale, std::sqrt(32.0f));
  EXPECT_EQ(config("gemma", {}).attention_softcap, 0);
  EXPECT_EQ(config("gemma2", {}).attention_softcap, 50);
  EXPECT_EQ(config("gemma2", {}).final_softcap, 30);
  EXPECT_EQ(config("gemma3", {}).final_softcap, 0);
  EXPECT_FLOAT_EQ(config("gemma2", {{"block_count", 46u}, {"attention.key_length", 64u}}).attention_scale, 0.25f);
  EXPECT_EQ(config("gemma3", {{"rope.freq_base", 1e6f}}).window_rope.base, 10000);
  EXPECT_EQ(config("gpt-oss", {{"rope.freq_base", 1e6f}}).window_rope.base, 1e6);
  EXPECT_EQ(config("mistral3", {{"rope.scaling.original_context_length", 64u}}).temperature_span, 64u);
  EXPECT_EQ(config("granite", {{"rope.scaling.finetuned", false}}).rope.dimensions, 0u);
}

TEST(ModelConfig, MissingKeysAreNamed) {
  for (const char* key : {"general.architecture", "llama.context_length", "llama.embedding_length", "llama.block_count",
                          "llama.feed_forward_length", "llama.attention.head_count"}) {
    TinyModel model = TinyModel::llama();
    model.keys.erase(key);
    const Gguf file = model.open();
    EXPECT_NE(file_error([&] { (void)read_config(file); }).find(std::string(key) + " is missing"), std::string::npos)
        << key;
  }
}

}  // namespace
}  // namespace hearth
