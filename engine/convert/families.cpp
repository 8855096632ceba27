// The table of families, and what of their settings is refused.
#include "engine/convert/families.h"

#include <algorithm>
#include <initializer_list>

#include "engine/model/architectures.h"
#include "formats/byte_cursor.h"

namespace hearth {
namespace {

constexpr const char* kGemma3Defaults =
    R"({"head_dim": 256, "rms_norm_eps": 1e-6, "max_position_embeddings": 131072, "sliding_window": 4096, "num_attention_heads": 8, "num_key_value_heads": 4, "rope_theta": 1000000})";
constexpr const char* kLinearAttentionDefaults =
    R"({"head_dim": 256, "rms_norm_eps": 1e-6, "partial_rotary_factor": 0.25, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_value_head_dim": 128, "linear_num_key_heads": 16, "linear_num_value_heads": 32})";

constexpr ModelFamily kFamilies[] = {
    {.hf_class = "LlamaForCausalLM", .architecture = "llama", .pairs = true, .defaults = R"({"rms_norm_eps": 1e-6})"},
    {.hf_class = "MistralForCausalLM", .architecture = "llama", .pairs = true, .defaults = R"({"rms_norm_eps": 1e-6})"},
    {.hf_class = "MixtralForCausalLM", .architecture = "llama", .pairs = true, .defaults = R"({"rms_norm_eps": 1e-5})"},
    {.hf_class = "Mistral3ForConditionalGeneration", .architecture = "mistral3", .pairs = true},
    {.hf_class = "Ministral3ForCausalLM", .architecture = "mistral3", .pairs = true},
    {.hf_class = "Qwen2ForCausalLM", .architecture = "qwen2"},
    {.hf_class = "Qwen2Model", .architecture = "qwen2"},
    {.hf_class = "Qwen2MoeForCausalLM", .architecture = "qwen2moe"},
    {.hf_class = "Qwen3ForCausalLM", .architecture = "qwen3", .defaults = R"({"head_dim": 128})"},
    {.hf_class = "Qwen3Model", .architecture = "qwen3", .defaults = R"({"head_dim": 128})"},
    {.hf_class = "Qwen3MoeForCausalLM", .architecture = "qwen3moe", .defaults = R"({"norm_topk_prob": false})"},
    {.hf_class = "Qwen3NextForCausalLM",
     .architecture = "qwen3next",
     .shifted_norms = true,
     .defaults = kLinearAttentionDefaults},
    {.hf_class = "Qwen3_5ForCausalLM",
     .architecture = "qwen35",
     .shifted_norms = true,
     .defaults = kLinearAttentionDefaults},
    {.hf_class = "Qwen3_5ForConditionalGeneration",
     .architecture = "qwen35",
     .shifted_norms = true,
     .defaults = kLinearAttentionDefaults},
    {.hf_class = "Qwen3_5MoeForCausalLM",
     .architecture = "qwen35moe",
     .shifted_norms = true,
     .defaults = kLinearAttentionDefaults},
    {.hf_class = "Qwen3_5MoeForConditionalGeneration",
     .architecture = "qwen35moe",
     .shifted_norms = true,
     .defaults = kLinearAttentionDefaults},
    {.hf_class = "GemmaForCausalLM",
     .architecture = "gemma",
     .shifted_norms = true,
     .tied = true,
     .defaults = R"({"head_dim": 256, "rms_norm_eps": 1e-6, "max_position_embeddings": 8192})"},
    {.hf_class = "Gemma2ForCausalLM",
     .architecture = "gemma2",
     .shifted_norms = true,
     .tied = true,
     .defaults = R"({"head_dim": 256, "rms_norm_eps": 1e-6, "max_position_embeddings": 8192, "sliding_window": 4096,
                     "attn_logit_softcapping": 50, "final_logit_softcapping": 30})"},
    {.hf_class = "Gemma3ForCausalLM",
     .architecture = "gemma3",
     .shifted_norms = true,
     .tied = true,
     .defaults = kGemma3Defaults},
    {.hf_class = "Gemma3ForConditionalGeneration",
     .architecture = "gemma3",
     .shifted_norms = true,
     .tied = true,
     .defaults = kGemma3Defaults},
    {.hf_class = "GptOssForCausalLM",
     .architecture = "gpt-oss",
     .defaults = R"({"head_dim": 64, "rope_theta": 150000, "sliding_window": 128})"},
    {.hf_class = "SmolLM3ForCausalLM",
     .architecture = "smollm3",
     .pairs = true,
     .defaults = R"({"rms_norm_eps": 1e-6, "rope_theta": 2000000})"},
    {.hf_class = "Olmo2ForCausalLM", .architecture = "olmo2"},
    {.hf_class = "Olmo3ForCausalLM", .architecture = "olmo2", .defaults = R"({"sliding_window": 4096})"},
    {.hf_class = "OlmoeForCausalLM", .architecture = "olmoe", .defaults = R"({"rms_norm_eps": 1e-5})"},
    {.hf_class = "Exaone4ForCausalLM", .architecture = "exaone4"},
    {.hf_class = "GraniteForCausalLM", .architecture = "granite", .pairs = true},
    {.hf_class = "GraniteMoeForCausalLM", .architecture = "granitemoe", .pairs = true},
    {.hf_class = "GraniteMoeSharedForCausalLM", .architecture = "granitemoe", .pairs = true},
    {.hf_class = "Glm4ForCausalLM", .architecture = "glm4", .defaults = R"({"partial_rotary_factor": 0.5})"},
    {.hf_class = "CohereForCausalLM",
     .architecture = "command-r",
     .tied = true,
     .defaults = R"({"logit_scale": 0.0625, "layer_norm_eps": 1e-5})"},
    {.hf_class = "Cohere2ForCausalLM",
     .architecture = "cohere2",
     .tied = true,
     .defaults = R"({"logit_scale": 0.0625, "layer_norm_eps": 1e-5, "sliding_window": 4096, "rotary_pct": 1})"},
    {.hf_class = "StableLmForCausalLM",
     .architecture = "stablelm",
     .defaults = R"({"partial_rotary_factor": 0.25, "layer_norm_eps": 1e-5})"},
    {.hf_class = "Starcoder2ForCausalLM", .architecture = "starcoder2", .defaults = R"({"norm_epsilon": 1e-5})"},
    {.hf_class = "GPT2LMHeadModel",
     .architecture = "gpt2",
     .transposed = true,
     .defaults = R"({"layer_norm_epsilon": 1e-5})"},
    {.hf_class = "GPTNeoXForCausalLM",
     .architecture = "gptneox",
     .grouped_qkv = true,
     .defaults = R"({"layer_norm_eps": 1e-5, "rotary_pct": 0.25, "use_parallel_residual": true})"},
    {.hf_class = "FalconForCausalLM",
     .architecture = "falcon",
     .grouped_qkv = true,
     .defaults = R"({"layer_norm_epsilon": 1e-5, "max_position_embeddings": 2048})"},
    {.hf_class = "PhiForCausalLM",
     .architecture = "phi2",
     .defaults = R"({"layer_norm_eps": 1e-5, "partial_rotary_factor": 0.5})"},
    {.hf_class = "Phi3ForCausalLM",
     .architecture = "phi3",
     .defaults = R"({"rms_norm_eps": 1e-5, "rope_theta": 10000})"},
    {.hf_class = "DeepseekV2ForCausalLM", .architecture = "deepseek2", .defaults = R"({"rms_norm_eps": 1e-6})"},
    {.hf_class = "DeepseekV3ForCausalLM",
     .architecture = "deepseek2",
     .defaults = R"({"rms_norm_eps": 1e-6, "scoring_func": "sigmoid"})"},
    {.hf_class = "BertModel", .architecture = "bert", .defaults = R"({"layer_norm_eps": 1e-12})"},
    {.hf_class = "BertForMaskedLM", .architecture = "bert", .defaults = R"({"layer_norm_eps": 1e-12})"},
    {.hf_class = "NomicBertModel", .architecture = "nomic-bert", .defaults = R"({"layer_norm_epsilon": 1e-12})"},
};

// A setting that must be absent or have one of these values, as JSON, in files of the architecture.
struct KnownSetting {
  std::string_view architecture;
  const char* name;
  std::initializer_list<const char*> values;
};
const KnownSetting kKnownSettings[] = {
    {"qwen2", "use_sliding_window", {"false"}},
    {"qwen2moe", "use_sliding_window", {"false"}},
    {"qwen3", "use_sliding_window", {"false"}},
    {"qwen3moe", "use_sliding_window", {"false"}},
    {"qwen2moe", "decoder_sparse_step", {"1"}},
    {"qwen2moe", "mlp_only_layers", {"[]"}},
    {"qwen2moe", "norm_topk_prob", {"false"}},
    {"qwen3moe", "decoder_sparse_step", {"1"}},
    {"qwen3moe", "mlp_only_layers", {"[]"}},
    {"qwen3moe", "norm_topk_prob", {"true"}},
    {"qwen3next", "decoder_sparse_step", {"1"}},
    {"qwen3next", "mlp_only_layers", {"[]"}},
    {"qwen3next", "norm_topk_prob", {"true"}},
    {"qwen3next", "use_sliding_window", {"false"}},
    {"qwen3next", "attention_bias", {"false"}},
    {"qwen35", "attention_bias", {"false"}},
    {"qwen35", "attn_output_gate", {"true"}},
    {"qwen35moe", "mlp_only_layers", {"[]"}},
    {"qwen35moe", "norm_topk_prob", {"true"}},
    {"qwen35moe", "attention_bias", {"false"}},
    {"qwen35moe", "attn_output_gate", {"true"}},
    {"smollm3", "no_rope_layer_interval", {"4"}},
    {"smollm3", "use_sliding_window", {"false"}},
    {"olmoe", "norm_topk_prob", {"false"}},
    {"olmoe", "clip_qkv", {}},
    {"gpt2", "scale_attn_by_inverse_layer_idx", {"false"}},
    {"gpt2", "scale_attn_weights", {"true"}},
    {"falcon", "alibi", {"false"}},
    {"falcon", "bias", {"false"}},
    {"falcon", "parallel_attn", {"true"}},
    {"phi2", "qk_layernorm", {"false"}},
    {"deepseek2", "moe_layer_freq", {"1"}},
    {"bert", "position_embedding_type", {"\"absolute\""}},
    {"nomic-bert", "prenorm", {"false"}},
    {"nomic-bert", "rotary_emb_fraction", {"1.0", "1"}},
    {"nomic-bert", "rotary_emb_interleaved", {"false"}},
    {"nomic-bert", "moe_every_n_layers", {"0"}},
    {"nomic-bert", "qkv_proj_bias", {"false"}},
};

bool fits(Activation activation, const std::string& name) {
  if (activation == Activation::gelu) return name.starts_with("gelu") || name.starts_with("quick_gelu");
  return name == "silu" || name == "swish" || name == "swiglu";
}

}  // namespace

std::string family_names() {
  std::string names;
  for (const ModelFamily& family : kFamilies) names += (names.empty() ? "" : ", ") + std::string(family.hf_class);
  return names;
}

const ModelFamily& family_of(const Settings& config) {
  const std::vector<std::string> classes = config.texts("architectures");
  if (classes.empty()) config.fail("architectures", "is missing");
  for (const ModelFamily& family : kFamilies)
    if (classes[0] == family.hf_class) return family;
  config.fail("architectures",
              "is " + in_quotes(classes[0]) + ", which is not converted; those that are: " + family_names());
}

Settings merged(const ModelFamily& family, const Settings& config) {
  Json all = Json::parse(family.defaults);
  all.update(config.json());
  if (const Json* text = config.find({"text_config"}); text != nullptr && text->is_object()) all.update(*text);
  return Settings(std::move(all), config.file());
}

void require_known_settings(const ModelFamily& family, const Settings& config) {
  for (const KnownSetting& known : kKnownSettings) {
    if (known.architecture != family.architecture) continue;
    const Json* value = config.find({known.name});
    if (value == nullptr) continue;
    const auto same = [&](const char* text) { return *value == Json::parse(text); };
    if (std::none_of(known.values.begin(), known.values.end(), same))
      config.fail(known.name,
                  "is " + printable(value->dump()) + ", which GGUF has no place for in " + family.architecture);
  }
  const auto activation = config.text({"hidden_activation", "hidden_act", "activation_function"});
  if (activation && !fits(find_architecture(family.architecture)->activation, *activation))
    config.fail("hidden_act",
                "is " + in_quotes(*activation) + ", which models of " + family.architecture + " do not have");
}

}  // namespace hearth
