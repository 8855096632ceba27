// The shapes of public models that random weights are made for.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hearth {

// What a model's public configuration says of its shape. Heads are width / heads values wide.
struct Preset {
  const char* name;
  const char* architecture;  // general.architecture
  uint32_t width, layers, heads, kv_heads, ffn, vocabulary, context;
  float rope_base, norm_epsilon;
  bool tied;               // the token embedding is the output matrix
  bool qkv_bias;           // as in Qwen 2
  float rope_factor;       // of llama3 RoPE scaling; 0: none
  uint32_t rope_original;  // context before that scaling
  const char* pre;         // tokenizer.ggml.pre
  const char* bos;         // text of the special tokens
  const char* eos;
  uint32_t bos_id, eos_id;
  bool add_bos;
};

std::span<const Preset> presets();
const Preset* find_preset(std::string_view name);  // null where unknown

}  // namespace hearth
