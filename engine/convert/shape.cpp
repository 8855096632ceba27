// Sizes and RoPE settings, which config.json has under several names.
#include <algorithm>
#include <string_view>

#include "engine/convert/model_keys.h"

namespace hearth {

RopeSettings rope_settings(const Settings& config) {
  const Settings all = config.object({"rope_parameters", "rope_scaling"});
  RopeSettings rope{all.has("full_attention") ? all.object({"full_attention"}) : all, "", {}, {}};
  rope.type = rope.scaling.text({"rope_type", "type"}).value_or("");
  rope.theta = rope.scaling.real({"rope_theta"});
  if (!rope.theta) rope.theta = config.real({"rope_theta", "rotary_emb_base"});
  rope.window_theta = all.object({"sliding_attention"}).real({"rope_theta"});
  if (!rope.window_theta) rope.window_theta = config.real({"rope_local_base_freq"});
  return rope;
}

ModelShape read_shape(const ModelFamily& family, const Settings& config) {
  const std::string_view architecture = family.architecture;
  ModelShape shape;
  shape.layers = config.require_size({"num_hidden_layers", "n_layer"});
  shape.width = config.require_size({"hidden_size", "n_embd"});
  shape.heads = config.require_size({"num_attention_heads", "n_head"});
  shape.kv_heads = config.size({"num_key_value_heads"}).value_or(shape.heads);
  if (architecture == "falcon") {
    if (config.flag("new_decoder_architecture").value_or(false))
      shape.kv_heads = config.size({"num_kv_heads", "n_head_kv"}).value_or(shape.heads);
    else
      shape.kv_heads = config.flag("multi_query").value_or(true) ? 1 : shape.heads;
  }
  if (shape.kv_heads == 0 || shape.heads % shape.kv_heads != 0)
    config.fail("num_key_value_heads", "does not divide the number of heads, " + std::to_string(shape.heads));
  const bool from_width = architecture == "granite" || architecture == "granitemoe";
  const auto stated = from_width ? std::nullopt : config.size({"head_dim"});
  if (!stated && shape.width % shape.heads != 0)
    config.fail("hidden_size", "is no multiple of the number of heads, " + std::to_string(shape.heads));
  shape.head_size = stated.value_or(shape.width / shape.heads);
  if (shape.head_size == 0) config.fail("head_dim", "is 0");
  shape.experts = config.size({"num_local_experts", "num_experts", "n_routed_experts"}).value_or(0);
  constexpr uint32_t kMost = 65535;
  if (shape.heads > kMost) config.fail("num_attention_heads", "is past what any model has");
  if (shape.experts > kMost) config.fail("num_experts", "is past what any model has");
  if (architecture == "deepseek2") {
    shape.kv_rank = config.require_size({"kv_lora_rank"});
    shape.plain_key = config.require_size({"qk_nope_head_dim"});
    shape.turning_key = config.require_size({"qk_rope_head_dim"});
    shape.value = config.require_size({"v_head_dim"});
  }
  return shape;
}

uint32_t turning_size(const ModelFamily& family, const Settings& config, const ModelShape& shape) {
  if (family.architecture == std::string_view("deepseek2")) return shape.turning_key;
  double part = 1;
  const auto stated = rope_settings(config).scaling.real({"partial_rotary_factor"});
  if (stated)
    part = *stated;
  else
    part = config.real({"partial_rotary_factor", "rotary_pct"}).value_or(1);
  if (!(part > 0 && part <= 1)) config.fail("partial_rotary_factor", "is no share of a head");
  return static_cast<uint32_t>(part * shape.head_size);
}

}  // namespace hearth
