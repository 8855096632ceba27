// What all architectures share, then what each adds.
#include "engine/convert/model_keys.h"

#include <cmath>
#include <string_view>

#include "formats/byte_cursor.h"

namespace hearth {
namespace {

class KeyWriter {
 public:
  KeyWriter(const ModelFamily& family, const Settings& config, Metadata& metadata)
      : family_(family),
        config_(config),
        metadata_(metadata),
        rope_(rope_settings(config)),
        shape_(read_shape(family, config)) {}

  void write() {
    add_sizes();
    add_norms();
    add_experts();
    add_rope();
    if (is("llama") && config_.size({"sliding_window"})) set_size("attention.sliding_window", {"sliding_window"});
    if (is("mistral3")) add_mistral3();
    if (is("gemma2") || is("gemma3")) add_gemma();
    if (is("gpt-oss") || is("cohere2")) set_size("attention.sliding_window", {"sliding_window"});
    if (is("olmo2") || is("exaone4")) add_window_pattern();
    if (is("granite") || is("granitemoe")) add_granite();
    if (is("command-r") || is("cohere2")) set_real("logit_scale", {"logit_scale"});
    if (is("stablelm") || is("gptneox"))
      set("use_parallel_residual", config_.flag("use_parallel_residual").value_or(is("gptneox")));
    if (is("falcon")) set("tensor_data_layout", std::string("jploski"));
    if (is("phi3")) add_phi3();
    if (is("deepseek2")) add_latent();
    if (!shape_.linear.layers.empty()) add_linear_attention();
    if (is("bert") || is("nomic-bert")) set("attention.causal", false);
  }

 private:
  bool is(std::string_view architecture) const { return architecture == family_.architecture; }
  void set(const char* name, MetadataValue value) {
    metadata_.set(std::string(family_.architecture) + "." + name, std::move(value));
  }
  void set_size(const char* name, Settings::Names names) {
    if (const auto value = config_.size(names)) set(name, *value);
  }
  void set_real(const char* name, Settings::Names names) {
    if (const auto value = config_.real(names)) set(name, static_cast<float>(*value));
  }

  void add_sizes() {
    set_size("vocab_size", {"vocab_size"});
    set("context_length", context_length());
    set("embedding_length", shape_.width);
    set("block_count", shape_.layers);
    if (is("qwen35moe"))
      set_size("feed_forward_length", {"intermediate_size"});  // there is none but those of experts
    else
      set("feed_forward_length", feed_forward());
    set("attention.head_count", shape_.heads);
    set("attention.head_count_kv", is("deepseek2") ? 1u : shape_.kv_heads);
    // Granite takes the width of a head from the others, whatever the setting says.
    if (config_.size({"head_dim"}) && !is("granite") && !is("granitemoe") && !is("deepseek2")) {
      set("attention.key_length", shape_.head_size);
      set("attention.value_length", shape_.head_size);
    }
  }

  uint32_t context_length() const {
    if (is("command-r")) return config_.require_size({"model_max_length", "max_position_embeddings"});
    const uint32_t positions = config_.require_size({"max_position_embeddings", "n_positions", "n_ctx"});
    // What models of this family are trained for is less than what they say.
    const uint32_t trained = config_.size({"max_trained_positions"}).value_or(2048);
    return is("nomic-bert") && positions == 8192 ? trained : positions;
  }

  uint32_t feed_forward() const {
    const auto stated = config_.size({"intermediate_size", "n_inner", "ffn_hidden_size", "hidden_dim"});
    return stated && *stated != 0 ? *stated : 4 * shape_.width;
  }

  void add_norms() {
    set_real("attention.layer_norm_rms_epsilon", {"rms_norm_eps", "norm_eps"});
    set_real("attention.layer_norm_epsilon", {"layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"});
  }

  void add_experts() {
    if (shape_.experts == 0) return;
    set("expert_count", shape_.experts);
    set("expert_used_count", config_.require_size({"num_experts_per_tok", "num_experts_per_token", "moe_top_k"}));
    set_size("expert_group_count", {"n_group"});
    set_size("expert_group_used_count", {"topk_group"});
    if (is("gpt-oss"))
      set_size("expert_feed_forward_length", {"intermediate_size"});
    else
      set_size("expert_feed_forward_length", {"moe_intermediate_size"});
    set_size("expert_shared_feed_forward_length", {"shared_expert_intermediate_size", "shared_intermediate_size"});
    if (const auto score = config_.text({"scoring_func"})) {
      if (*score != "sigmoid" && *score != "softmax") config_.fail("scoring_func", "is " + in_quotes(*score));
      set("expert_gating_func", *score == "sigmoid" ? 2u : 1u);
    }
  }

  void add_rope() {
    if (is("gpt2") || is("bert")) return;
    if (rope_.theta) set("rope.freq_base", static_cast<float>(*rope_.theta));
    if (rope_.window_theta) set("rope.freq_base_swa", static_cast<float>(*rope_.window_theta));
    if (is("command-r") || is("cohere2")) set("rope.scaling.type", std::string("none"));
    set("rope.dimension_count", turning_size(family_, config_, shape_));
    if (rope_.type == "linear") {
      set("rope.scaling.type", std::string("linear"));
      set("rope.scaling.factor", static_cast<float>(rope_.scaling.require_real({"factor"})));
    } else if (rope_.type == "yarn") {
      add_yarn();
    } else if (!rope_.type.empty() && rope_.type != "llama3" && rope_.type != "default" &&
               !(is("phi3") && (rope_.type == "longrope" || rope_.type == "su"))) {
      rope_.scaling.fail("rope_type",
                         "is " + in_quotes(rope_.type) + ", which GGUF has no place for in " + family_.architecture);
    }
  }

  void add_yarn() {
    set("rope.scaling.type", std::string("yarn"));
    set("rope.scaling.factor", static_cast<float>(rope_.scaling.require_real({"factor"})));
    set("rope.scaling.original_context_length", rope_.scaling.require_size({"original_max_position_embeddings"}));
    const auto copy = [&](const char* key, Settings::Names names) {
      if (const auto value = rope_.scaling.real(names)) set(key, static_cast<float>(*value));
    };
    copy("rope.scaling.yarn_ext_factor", {"extrapolation_factor"});
    copy("rope.scaling.yarn_attn_factor", {"attention_factor", "attn_factor"});
    copy("rope.scaling.yarn_beta_fast", {"beta_fast"});
    copy("rope.scaling.yarn_beta_slow", {"beta_slow"});
  }

  void add_mistral3() {
    if (const auto multiplier = rope_.scaling.real({"mscale_all_dim"}))
      set("rope.scaling.yarn_log_multiplier", static_cast<float>(*multiplier));
    if (const auto beta = rope_.scaling.real({"llama_4_scaling_beta"}))
      set("attention.temperature_scale", static_cast<float>(*beta));
  }

  void add_gemma() {
    set_real("attn_logit_softcapping", {"attn_logit_softcapping"});
    set_real("final_logit_softcapping", {"final_logit_softcapping"});
    if (config_.size({"sliding_window_pattern"}) != 1u) set_size("attention.sliding_window", {"sliding_window"});
    // What readers scale scores by, unless it is said.
    const bool wide = shape_.layers == (is("gemma2") ? 46u : 62u);
    const uint32_t usual = wide ? shape_.width / shape_.heads : shape_.head_size;
    const auto stated = config_.real({"query_pre_attn_scalar"});
    if (stated && *stated > 0 && *stated != usual) set("attention.scale", static_cast<float>(1 / std::sqrt(*stated)));
  }

  void add_window_pattern() {
    if (!config_.size({"sliding_window"})) return;
    const std::vector<std::string> types = config_.texts("layer_types");
    Flags windowed(shape_.layers);
    if (!types.empty()) {
      if (types.size() != windowed.size())
        config_.fail("layer_types", "has " + std::to_string(types.size()) + " entries for " +
                                        std::to_string(shape_.layers) + " layers");
      for (size_t i = 0; i < windowed.size(); ++i) windowed[i] = types[i] == "sliding_attention";
    } else {
      const Json* pattern = config_.find({"sliding_window_pattern"});  // a period, or letters such as LLLG
      const std::string letters = pattern != nullptr && pattern->is_string() ? pattern->get<std::string>() : "";
      const uint32_t period =
          pattern == nullptr || !letters.empty() ? 4 : config_.require_size({"sliding_window_pattern"});
      for (size_t i = 0; i < windowed.size(); ++i)
        windowed[i] = letters.empty() ? (i + 1) % period != 0 : letters[i % letters.size()] == 'L';
    }
    set_size("attention.sliding_window", {"sliding_window"});
    set("attention.sliding_window_pattern", windowed);
  }

  void add_granite() {
    set_real("attention.scale", {"attention_multiplier"});
    set_real("embedding_scale", {"embedding_multiplier"});
    set_real("residual_scale", {"residual_multiplier"});
    set_real("logit_scale", {"logits_scaling"});
  }

  void add_phi3() {
    const uint32_t context = context_length();
    const uint32_t original = config_.size({"original_max_position_embeddings"})
                                  .value_or(rope_.scaling.size({"original_max_position_embeddings"}).value_or(context));
    set("rope.scaling.original_context_length", original);
    // 0 tells models that see everything from those that do not say.
    set("attention.sliding_window", config_.size({"sliding_window"}).value_or(0));
    if (!rope_.scaling.has("long_factor")) return;
    const double scale = static_cast<double>(context) / original;
    const double usual = scale > 1 ? std::sqrt(1 + std::log(scale) / std::log(static_cast<double>(original))) : 1;
    set("rope.scaling.attn_factor", static_cast<float>(rope_.scaling.real({"attention_factor"}).value_or(usual)));
  }

  // The absorbed form: all heads share one key and value, the latent vector.
  void add_latent() {
    const bool mixes = shape_.experts != 0;
    set("leading_dense_block_count", config_.size({"first_k_dense_replace"}).value_or(mixes ? 0 : shape_.layers));
    set_size("attention.q_lora_rank", {"q_lora_rank"});
    set("attention.kv_lora_rank", shape_.kv_rank);
    set("attention.key_length", shape_.kv_rank + shape_.turning_key);
    set("attention.value_length", shape_.kv_rank);
    set("attention.key_length_mla", shape_.plain_key + shape_.turning_key);
    set("attention.value_length_mla", shape_.value);
    set("expert_shared_count", config_.size({"n_shared_experts"}).value_or(0));
    set_real("expert_weights_scale", {"routed_scaling_factor"});
    if (config_.flag("norm_topk_prob").value_or(false)) set("expert_weights_norm", true);
    // A tenth of it, unlike in other architectures.
    if (const auto multiplier = rope_.scaling.real({"mscale_all_dim"}))
      set("rope.scaling.yarn_log_multiplier", static_cast<float>(0.1 * *multiplier));
  }

  // In words of state space models: groups are the heads of q and k, and the rank of the time step is the number of
  // heads of values.
  void add_linear_attention() {
    const LinearAttentionShape& linear = shape_.linear;
    set("ssm.conv_kernel", linear.taps);
    set("ssm.inner_size", linear.heads * linear.head_size);
    set("ssm.state_size", linear.head_size);
    set("ssm.time_step_rank", linear.heads);
    set("ssm.group_count", linear.key_heads);
    if (linear.period != 0)
      set("full_attention_interval", linear.period);
    else
      set("attention.recurrent_layers", linear.layers);
    if (is("qwen35") || is("qwen35moe")) set("rope.dimension_sections", position_sections());
  }

  // How many pairs turn by time, height and width, which are one in texts.
  std::vector<int32_t> position_sections() const {
    if (!rope_.scaling.has("mrope_section")) return {11, 11, 10, 0};
    std::vector<int32_t> sections;
    for (const float size : rope_.scaling.reals("mrope_section")) {
      if (!(size >= 0 && size <= 65535) || size != std::floor(size) || sections.size() == 4)
        rope_.scaling.fail("mrope_section", "is no list of up to four sizes");
      sections.push_back(static_cast<int32_t>(size));
    }
    sections.resize(4);
    return sections;
  }

  const ModelFamily& family_;
  const Settings& config_;
  Metadata& metadata_;
  RopeSettings rope_;
  ModelShape shape_;
};

// How token vectors become one for the text, which sentence-transformers states in files of its own.
void add_pooling(const ModelFamily& family, const ModelFolder& folder, Metadata& metadata) {
  const auto modules = folder.read_json("modules.json");
  if (!modules || !modules->is_array()) return;
  for (const Json& module : *modules) {
    if (!module.is_object() || !module.value("type", Json()).is_string() || !module.value("path", Json()).is_string())
      continue;
    const std::string path = module["path"];
    if (!module["type"].get<std::string>().ends_with("Pooling") || path.find('/') != path.npos || path.starts_with("."))
      continue;
    const std::string file = path + "/config.json";
    auto json = folder.read_json(file);
    if (!json) return;
    const Settings pooling(std::move(*json), folder.path_of(file));
    constexpr std::pair<const char*, uint32_t> kRules[] = {
        {"pooling_mode_mean_tokens", 1}, {"pooling_mode_cls_token", 2}, {"pooling_mode_lasttoken", 3}};
    for (const auto& [name, number] : kRules)
      if (pooling.flag(name).value_or(false))
        return metadata.set(std::string(family.architecture) + ".pooling_type", number);
    pooling.fail("states none of the poolings mean, cls and lasttoken");
  }
}

}  // namespace

void add_model_keys(const ModelFamily& family, const ModelFolder& folder, const Settings& config, Metadata& metadata) {
  KeyWriter(family, config, metadata).write();
  add_pooling(family, folder, metadata);
}

}  // namespace hearth
