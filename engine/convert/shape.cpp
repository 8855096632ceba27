// Sizes and RoPE settings, which config.json has under several names.
#include <algorithm>
#include <string_view>

#include "engine/convert/model_keys.h"
#include "engine/model/architectures.h"
#include "formats/byte_cursor.h"

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

namespace {

bool has_linear_attention(const Settings& config, const std::string& type) {
  if (type == "linear_attention" || type == "mamba") return true;
  if (type != "full_attention" && type != "attention")
    config.fail("layer_types", "has " + in_quotes(type) + ", which is neither linear nor full attention");
  return false;
}

void read_layer_types(const Settings& config, uint32_t layers, LinearAttentionShape& linear) {
  constexpr uint32_t kUsualPeriod = 4;
  const auto by_period = [&](uint32_t period) {
    Flags flags(layers);
    for (uint32_t i = 0; i < layers; ++i) flags[i] = (i + 1) % period != 0;
    return flags;
  };
  const uint32_t period =
      config.has("full_attention_interval") ? config.require_size({"full_attention_interval"}) : kUsualPeriod;
  const std::vector<std::string> types = config.texts("layer_types");
  if (types.empty()) {
    linear.layers = by_period(period);
    linear.period = period;
    return;
  }
  if (types.size() != layers)
    config.fail("layer_types",
                "has " + std::to_string(types.size()) + " entries for " + std::to_string(layers) + " layers");
  for (const std::string& type : types) linear.layers.push_back(has_linear_attention(config, type));
  // Where the two contradict each other, the types hold.
  const auto full = std::find(linear.layers.begin(), linear.layers.end(), 0) - linear.layers.begin();
  for (const uint32_t one : {period, static_cast<uint32_t>(full) + 1})
    if (linear.period == 0 && linear.layers == by_period(one)) linear.period = one;
}

LinearAttentionShape read_linear_attention(const Settings& config, uint32_t layers) {
  LinearAttentionShape linear;
  linear.taps = config.require_size({"linear_conv_kernel_dim"});
  if (linear.taps < 2 || linear.taps > 64)
    config.fail("linear_conv_kernel_dim", "is " + std::to_string(linear.taps) + ", not from 2 to 64");
  linear.key_heads = config.require_size({"linear_num_key_heads"});
  linear.heads = config.require_size({"linear_num_value_heads"});
  linear.head_size = config.require_size({"linear_key_head_dim"});
  if (config.require_size({"linear_value_head_dim"}) != linear.head_size)
    config.fail("linear_value_head_dim", "is not that of keys, " + std::to_string(linear.head_size));
  if (linear.heads % linear.key_heads != 0)
    config.fail("linear_num_value_heads", "is no multiple of those of keys, " + std::to_string(linear.key_heads));
  if (3 * uint64_t{linear.heads} * linear.head_size > kLargestSetting)
    config.fail("linear_num_value_heads", "times the size of a head is past what any model has");
  read_layer_types(config, layers, linear);
  return linear;
}

}  // namespace

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
  if (find_architecture(architecture)->attention_period != 0) {
    if (shape.layers > kMost) config.fail("num_hidden_layers", "is past what any model has");
    shape.linear = read_linear_attention(config, shape.layers);
  }
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
