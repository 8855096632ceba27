// The shapes of public models that random weights are made for.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hearth {

// What a model's public configuration says of its shape.
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
  uint32_t head_size = 0;    // 0: width / heads
  uint32_t delta_heads = 0;  // of linear attention in all layers but each fourth, as in Qwen 3.5; 0: none
  uint32_t delta_size = 0;   // of such a head

  uint32_t head() const { return head_size != 0 ? head_size : width / heads; }
  bool is_linear(uint32_t layer) const { return delta_heads != 0 && (layer + 1) % 4 != 0; }
};

std::span<const Preset> presets();
const Preset* find_preset(std::string_view name);  // null where unknown

}  // namespace hearth
