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
  EXPECT_EQ(config.rope_base, 10000);
  EXPECT_EQ(config.experts, 0u);
}

TEST(ModelConfig, MissingKeyValueHeadsMeanAsManyAsHeads) {
  TinyModel model = TinyModel::llama();
  model.keys.erase("llama.attention.head_count_kv");
  EXPECT_EQ(read_config(model.open()).kv_heads, 2u);
}

TEST(ModelConfig, NoExpertsIsNoMixture) {
  TinyModel model = TinyModel::llama();
  model.keys["llama.expert_count"] = 0u;
  EXPECT_EQ(read_config(model.open()).experts, 0u);
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
      {"llama.attention.value_length", 8u, "llama.attention.value_length differs"},
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
