// Reading and checking the metadata of the architectures in the table.
#include "engine/model/config.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/model/adapter.h"
#include "engine/model/config_reader.h"
#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

const Architecture& architecture_of(const Gguf& file) {
  const auto name = file.find_string("general.architecture");
  if (!name) throw FileError(file.name() + ": general.architecture is missing");
  if (const Architecture* found = find_architecture(*name)) return *found;
  throw FileError(file.name() + ": architecture " + in_quotes(*name) + " is not supported; Hearth runs " +
                  architecture_names());
}

void read_heads(const ConfigReader& reader, ModelConfig& config) {
  config.heads = reader.size("attention.head_count");
  config.kv_heads = reader.size("attention.head_count_kv", config.heads);
  if (config.heads % config.kv_heads != 0)
    reader.fail("attention.head_count", "is " + std::to_string(config.heads) + ", not a multiple of head_count_kv, " +
                                            std::to_string(config.kv_heads));
  if (!reader.has("attention.key_length") && config.width % config.heads != 0)
    reader.fail("embedding_length", "is " + std::to_string(config.width) + ", not a multiple of head_count, " +
                                        std::to_string(config.heads));
  config.head_size = reader.size("attention.key_length", config.width / config.heads);
  config.value_size = reader.size("attention.value_length", config.head_size);
  if (uint64_t{config.heads} * std::max(config.head_size, config.value_size) > kLargestSize)
    reader.fail("attention.head_count", "times head size is larger than any model has");
  if (config.architecture->gated_attention && config.value_size != config.head_size)
    reader.fail("attention.value_length",
                "is " + std::to_string(config.value_size) + ", not key_length, " + std::to_string(config.head_size));
}

void read_rope(const ConfigReader& reader, ModelConfig& config) {
  RopeConfig& rope = config.rope;
  rope.dimensions = reader.size("rope.dimension_count", config.head_size);
  if (rope.dimensions % 2 != 0 || rope.dimensions > config.head_size)
    reader.fail("rope.dimension_count", "is " + std::to_string(rope.dimensions) +
                                            ", not an even number up to the head size, " +
                                            std::to_string(config.head_size));
  rope.base = reader.positive("rope.freq_base", 10000);
  rope.original_context = reader.size("rope.scaling.original_context_length", config.context_length);
  rope.factor = reader.positive("rope.scaling.factor", reader.positive("rope.scale_linear", 1));
  rope.magnitude = reader.positive("rope.scaling.attn_factor", 1);
  rope.beta_fast = reader.positive("rope.scaling.yarn_beta_fast", 32);
  rope.beta_slow = reader.positive("rope.scaling.yarn_beta_slow", 1);
  rope.log_multiplier = reader.positive_or("rope.scaling.yarn_log_multiplier", 0);
  // Llama 3 and LongRoPE files carry their scaling as a tensor of factors; the type, where stated, only says so.
  const std::string_view type = reader.text("rope.scaling.type", "linear");
  if (type == "linear")
    rope.scaling = RopeScaling::linear;
  else if (type == "yarn")
    rope.scaling = RopeScaling::yarn;
  else if (type != "none" && type != "llama3" && type != "longrope")
    reader.fail("rope.scaling.type", "is " + in_quotes(type) + ", which is not supported");
  // Granite says so of models without RoPE.
  if (config.architecture->divides_logits && !reader.flag("rope.scaling.finetuned", true)) rope.dimensions = 0;
}

void read_windows(const ConfigReader& reader, ModelConfig& config) {
  const Architecture& architecture = *config.architecture;
  config.windowed.resize(config.layers);
  if (architecture.window_period != 0)
    config.window =
        reader.has("attention.sliding_window") ? reader.size_or_none("attention.sliding_window") : architecture.window;
  if (config.window != 0) {
    const uint32_t period = architecture.window_period == 1 ? 0 : architecture.window_period;
    config.windowed = reader.pattern("attention.sliding_window_pattern", period, config.layers);
  }
  config.window_rope = config.rope;
  if (!architecture.scaled_windows) {
    config.window_rope.scaling = RopeScaling::none;
    config.window_rope.magnitude = 1;
  }
  const double base = architecture.window_rope_base != 0 ? double{architecture.window_rope_base} : config.rope.base;
  config.window_rope.base = reader.positive("rope.freq_base_swa", base);
}

void read_experts(const ConfigReader& reader, ModelConfig& config) {
  ExpertConfig& experts = config.experts;
  experts.count = reader.size_or_none("expert_count");
  if (experts.count == 0) return;
  experts.used = reader.size("expert_used_count");
  if (experts.count > std::numeric_limits<uint16_t>::max() || experts.used > experts.count)
    reader.fail("expert_used_count", "is " + std::to_string(experts.used) + " of " + std::to_string(experts.count) +
                                         " experts, which cannot be");
  experts.dense_layers = reader.size_or_none("leading_dense_block_count");
  const bool shares = config.architecture->shared_feed_forward;
  if (reader.has("expert_feed_forward_length")) {
    experts.feed_forward = reader.size("expert_feed_forward_length");
  } else {
    experts.feed_forward = shares ? config.feed_forward / experts.used : config.feed_forward;
    if (experts.feed_forward == 0) reader.fail("feed_forward_length", "is too small for the experts that share it");
  }
  experts.shared = reader.size_or_none("expert_shared_feed_forward_length");
  if (experts.shared == 0) {
    const uint64_t several = uint64_t{reader.size_or_none("expert_shared_count")} * experts.feed_forward;
    if (several > kLargestSize) reader.fail("expert_shared_count", "is larger than any model has");
    experts.shared = config.architecture->gated_shared_expert ? config.feed_forward : static_cast<uint32_t>(several);
  }
  const uint32_t gating = reader.size_or_none("expert_gating_func");
  if (gating == 2) experts.gating = Gating::sigmoid;
  experts.normalised = reader.flag("expert_weights_norm", config.architecture->normalised_experts);
  if (gating == 3) experts.normalised = true;  // softmax of the chosen alone
  if (gating > 3) reader.fail("expert_gating_func", "is " + std::to_string(gating) + ", which is not supported");
  experts.scale = static_cast<float>(reader.positive_or("expert_weights_scale", 1));
  experts.groups = std::max(1u, reader.size_or_none("expert_group_count"));
  experts.groups_used = std::max(1u, reader.size_or_none("expert_group_used_count"));
  if (experts.count % experts.groups != 0 || experts.groups_used > experts.groups ||
      experts.used > experts.count / experts.groups * experts.groups_used)
    reader.fail("expert_group_count", "is " + std::to_string(experts.groups) + " with " +
                                          std::to_string(experts.groups_used) + " used, which cannot be with " +
                                          std::to_string(experts.used) + " of " + std::to_string(experts.count) +
                                          " experts");
}

// Files in the absorbed form state the sizes of a head on the latent vectors as key_length and value_length, and those
// of the heads themselves apart.
void read_latent(const ConfigReader& reader, ModelConfig& config) {
  LatentConfig& latent = config.latent;
  latent.kv_rank = reader.size("attention.kv_lora_rank");
  if (latent.kv_rank <= config.rope.dimensions)
    reader.fail("attention.kv_lora_rank", "is " + std::to_string(latent.kv_rank) +
                                              ", not larger than rope.dimension_count, " +
                                              std::to_string(config.rope.dimensions));
  latent.q_rank = reader.size_or_none("attention.q_lora_rank");
  latent.absorbed = reader.has("attention.key_length_mla");
  if (config.rope.log_multiplier != 0) config.rope.log_multiplier = 1;  // the magnitude does not grow at all
  if (latent.absorbed) {
    config.head_size = reader.size("attention.key_length_mla");
    config.value_size = reader.size("attention.value_length_mla");
  }
  const uint64_t widest =
      std::max(uint64_t{config.head_size} + config.value_size, uint64_t{latent.kv_rank} + config.rope.dimensions);
  if (widest * config.heads > kLargestSize)
    reader.fail("attention.head_count", "times head size is larger than any model has");
  if (config.rope.dimensions >= config.head_size)
    reader.fail("rope.dimension_count", "is " + std::to_string(config.rope.dimensions) +
                                            ", which leaves nothing of a head of " + std::to_string(config.head_size));
}

// The words are those of state space models: groups are the heads of queries and keys, the rank of the time step is the
// number of heads of values, and the state size that of a head.
void read_recurrent(const ConfigReader& reader, ModelConfig& config) {
  RecurrentConfig& recurrent = config.recurrent;
  recurrent.layers.resize(config.layers);
  if (config.architecture->attention_period == 0) return;
  const uint32_t period = reader.size("full_attention_interval", config.architecture->attention_period);
  recurrent.layers = reader.pattern("attention.recurrent_layers", period, config.layers);
  recurrent.taps = reader.size("ssm.conv_kernel");
  recurrent.key_heads = reader.size("ssm.group_count");
  recurrent.heads = reader.size("ssm.time_step_rank");
  recurrent.head_size = reader.size("ssm.state_size");
  if (recurrent.taps < 2 || recurrent.taps > 64)
    reader.fail("ssm.conv_kernel", "is " + std::to_string(recurrent.taps) + ", not from 2 to 64");
  if (recurrent.heads % recurrent.key_heads != 0)
    reader.fail("ssm.time_step_rank", "is " + std::to_string(recurrent.heads) + ", not a multiple of group_count, " +
                                          std::to_string(recurrent.key_heads));
  if (3 * uint64_t{recurrent.heads} * recurrent.head_size > kLargestSize ||
      uint64_t{recurrent.heads} * recurrent.head_size * recurrent.head_size > kLargestSize)
    reader.fail("ssm.state_size", "is larger than any model has");
  const uint32_t inner = reader.size("ssm.inner_size"), expected = recurrent.heads * recurrent.head_size;
  if (inner != expected)
    reader.fail("ssm.inner_size",
                "is " + std::to_string(inner) + ", not time_step_rank times state_size, " + std::to_string(expected));
}

// The scale of scores, before the softmax.
float read_attention_scale(const ConfigReader& reader, const ModelConfig& config) {
  const bool wide = config.architecture->wide_scale_layers == config.layers;
  double scale = 1 / std::sqrt(static_cast<double>(wide ? config.width / config.heads : config.head_size));
  if (config.architecture->latent && config.rope.scaling == RopeScaling::yarn) {
    // What YaRN's magnitude would be, for the scores as a whole; here the file has a tenth of the multiplier.
    const double tenth = reader.positive_or("rope.scaling.yarn_log_multiplier", 0);
    const double growth = 1 + tenth * std::log(std::max(1.0, config.rope.factor));
    scale *= growth * growth;
  }
  return static_cast<float>(reader.positive_or("attention.scale", scale));
}

void read_scales(const ConfigReader& reader, ModelConfig& config) {
  const Architecture& architecture = *config.architecture;
  const double embedding = architecture.scaled_embedding ? std::sqrt(static_cast<double>(config.width)) : 1;
  config.embedding_scale = static_cast<float>(reader.positive_or("embedding_scale", embedding));
  config.residual_scale = static_cast<float>(reader.positive_or("residual_scale", 1));
  const double logits = reader.positive_or("logit_scale", 1);
  config.logit_scale = static_cast<float>(architecture.divides_logits ? 1 / logits : logits);
  config.attention_scale = read_attention_scale(reader, config);
  if (architecture.attention_softcap != 0)
    config.attention_softcap =
        static_cast<float>(reader.positive_or("attn_logit_softcapping", double{architecture.attention_softcap}));
  config.final_softcap =
      static_cast<float>(reader.positive_or("final_logit_softcapping", double{architecture.final_softcap}));
  config.temperature = static_cast<float>(reader.positive_or("attention.temperature_scale", 0));
  config.temperature_span = reader.size("attention.temperature_length", config.rope.original_context);
}

PoolingRule read_pooling(const ConfigReader& reader) {
  switch (reader.size_or_none("pooling_type")) {
    case 1:
      return PoolingRule::mean;
    case 2:
      return PoolingRule::first;
    case 3:
      return PoolingRule::last;
    default:
      return PoolingRule::unstated;
  }
}

}  // namespace

ModelConfig read_config(const Gguf& file) {
  if (is_adapter(file))
    throw FileError(file.name() + ": is an adapter, no model; it is given beside the model that it changes (--lora)");
  ModelConfig config{};
  const Architecture& architecture = architecture_of(file);
  config.architecture = &architecture;
  const ConfigReader reader(file, architecture.name);
  config.context_length = reader.size("context_length");
  config.width = reader.size("embedding_length");
  config.layers = reader.size("block_count");
  if (config.layers > std::numeric_limits<uint16_t>::max()) reader.fail("block_count", "is larger than any model has");
  config.prediction_layers = reader.size_or_none("nextn_predict_layers");
  if (config.prediction_layers >= config.layers || config.prediction_layers > 64)
    reader.fail("nextn_predict_layers", "is " + std::to_string(config.prediction_layers) + " of " +
                                            std::to_string(config.layers) + " layers, which cannot be");
  config.layers -= config.prediction_layers;
  // A mixture in every layer needs none.
  const bool needless = reader.has("expert_feed_forward_length") && reader.size_or_none("expert_count") != 0 &&
                        reader.size_or_none("leading_dense_block_count") == 0;
  config.feed_forward = needless ? reader.size_or_none("feed_forward_length") : reader.size("feed_forward_length");
  config.norm_epsilon = static_cast<float>(reader.positive(
      architecture.centered ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", 1e-5));
  config.parallel = architecture.norms == Norms::parallel && reader.flag("use_parallel_residual", true);
  config.causal = reader.flag("attention.causal", architecture.norms != Norms::encoder);
  config.pooling = read_pooling(reader);
  read_heads(reader, config);
  read_rope(reader, config);
  read_windows(reader, config);
  if (architecture.latent) read_latent(reader, config);
  read_recurrent(reader, config);
  read_experts(reader, config);
  read_scales(reader, config);
  return config;
}

}  // namespace hearth
