// config.json from metadata.
#include <algorithm>

#include "tests/engine/convert/gguf_to_hf.h"

namespace hearth {
namespace {

using Json = nlohmann::json;

struct SettingRow {
  const char* key;  // behind the architecture
  const char* setting;
};

constexpr SettingRow kSettings[] = {
    {"context_length", "max_position_embeddings"},
    {"embedding_length", "hidden_size"},
    {"block_count", "num_hidden_layers"},
    {"feed_forward_length", "intermediate_size"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.key_length", "head_dim"},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
    {"attention.layer_norm_epsilon", "layer_norm_eps"},
    {"attention.sliding_window", "sliding_window"},
    {"rope.freq_base", "rope_theta"},
    {"expert_count", "num_experts"},
    {"expert_used_count", "num_experts_per_tok"},
    {"expert_feed_forward_length", "moe_intermediate_size"},
    {"expert_shared_feed_forward_length", "shared_expert_intermediate_size"},
    {"ssm.conv_kernel", "linear_conv_kernel_dim"},
    {"ssm.group_count", "linear_num_key_heads"},
    {"ssm.time_step_rank", "linear_num_value_heads"},
    {"ssm.state_size", "linear_key_head_dim"},
    {"full_attention_interval", "full_attention_interval"},
    {"attn_logit_softcapping", "attn_logit_softcapping"},
    {"final_logit_softcapping", "final_logit_softcapping"},
    {"attention.scale", "attention_multiplier"},
    {"embedding_scale", "embedding_multiplier"},
    {"residual_scale", "residual_multiplier"},
    {"logit_scale", "logit_scale"},
    {"use_parallel_residual", "use_parallel_residual"},
    {"attention.q_lora_rank", "q_lora_rank"},
    {"attention.kv_lora_rank", "kv_lora_rank"},
    {"expert_shared_count", "n_shared_experts"},
    {"expert_weights_scale", "routed_scaling_factor"},
    {"expert_weights_norm", "norm_topk_prob"},
    {"leading_dense_block_count", "first_k_dense_replace"},
};

// Settings that an architecture names otherwise: new name, usual name.
const std::map<std::string, std::vector<std::pair<const char*, const char*>>> kOtherNames = {
    {"llama", {{"num_local_experts", "num_experts"}}},
    {"gpt-oss", {{"num_local_experts", "num_experts"}}},
    {"granitemoe", {{"num_local_experts", "num_experts"}, {"logits_scaling", "logit_scale"}}},
    {"granite", {{"logits_scaling", "logit_scale"}}},
    {"deepseek2", {{"n_routed_experts", "num_experts"}}},
    {"starcoder2", {{"norm_epsilon", "layer_norm_eps"}}},
    {"falcon", {{"layer_norm_epsilon", "layer_norm_eps"}, {"ffn_hidden_size", "intermediate_size"}}},
    {"gptneox", {{"rotary_emb_base", "rope_theta"}}},
    {"gpt2",
     {{"n_positions", "max_position_embeddings"},
      {"n_embd", "hidden_size"},
      {"n_layer", "num_hidden_layers"},
      {"n_inner", "intermediate_size"},
      {"n_head", "num_attention_heads"},
      {"layer_norm_epsilon", "layer_norm_eps"}}},
    {"nomic-bert",
     {{"n_positions", "max_position_embeddings"},
      {"n_embd", "hidden_size"},
      {"n_layer", "num_hidden_layers"},
      {"n_inner", "intermediate_size"},
      {"n_head", "num_attention_heads"},
      {"layer_norm_epsilon", "layer_norm_eps"},
      {"rotary_emb_base", "rope_theta"}}},
};

const std::map<std::string, std::pair<const char*, Json>> kClasses = {
    {"llama", {"LlamaForCausalLM", {{"hidden_act", "silu"}}}},
    {"mistral3", {"Mistral3ForConditionalGeneration", {}}},
    {"qwen2", {"Qwen2ForCausalLM", {{"use_sliding_window", false}, {"sliding_window", 4096}}}},
    {"qwen2moe", {"Qwen2MoeForCausalLM", {{"norm_topk_prob", false}, {"mlp_only_layers", Json::array()}}}},
    {"qwen3", {"Qwen3ForCausalLM", {}}},
    {"qwen3moe", {"Qwen3MoeForCausalLM", {{"norm_topk_prob", true}, {"decoder_sparse_step", 1}}}},
    {"qwen3next", {"Qwen3NextForCausalLM", {{"norm_topk_prob", true}, {"mlp_only_layers", Json::array()}}}},
    {"qwen35", {"Qwen3_5ForCausalLM", {{"attn_output_gate", true}, {"mtp_num_hidden_layers", 1}}}},
    {"qwen35moe", {"Qwen3_5MoeForConditionalGeneration", {{"attn_output_gate", true}, {"hidden_act", "silu"}}}},
    {"gemma", {"GemmaForCausalLM", {{"hidden_act", "gelu_pytorch_tanh"}}}},
    {"gemma2", {"Gemma2ForCausalLM", {{"hidden_activation", "gelu_pytorch_tanh"}}}},
    {"gemma3", {"Gemma3ForCausalLM", {{"rope_local_base_freq", 10000.0}}}},
    {"gpt-oss", {"GptOssForCausalLM", {}}},
    {"smollm3", {"SmolLM3ForCausalLM", {{"no_rope_layer_interval", 4}}}},
    {"olmo2", {"Olmo2ForCausalLM", {}}},
    {"olmoe", {"OlmoeForCausalLM", {{"norm_topk_prob", false}, {"clip_qkv", nullptr}}}},
    {"exaone4", {"Exaone4ForCausalLM", {}}},
    {"granite", {"GraniteForCausalLM", {}}},
    {"granitemoe", {"GraniteMoeForCausalLM", {}}},
    {"glm4", {"Glm4ForCausalLM", {}}},
    {"command-r", {"CohereForCausalLM", {{"use_qk_norm", true}}}},
    {"cohere2", {"Cohere2ForCausalLM", {}}},
    {"stablelm", {"StableLmForCausalLM", {}}},
    {"starcoder2", {"Starcoder2ForCausalLM", {{"hidden_act", "gelu_pytorch_tanh"}}}},
    {"gpt2", {"GPT2LMHeadModel", {{"activation_function", "gelu_new"}}}},
    {"gptneox", {"GPTNeoXForCausalLM", {{"hidden_act", "gelu"}}}},
    {"falcon", {"FalconForCausalLM", {{"multi_query", true}, {"alibi", false}, {"num_kv_heads", 71}}}},
    {"phi2", {"PhiForCausalLM", {{"hidden_act", "gelu_new"}}}},
    {"phi3", {"Phi3ForCausalLM", {}}},
    {"deepseek2", {"DeepseekV3ForCausalLM", {{"n_group", 1}, {"topk_group", 1}}}},
    {"bert", {"BertModel", {{"hidden_act", "gelu"}, {"type_vocab_size", 2}}}},
    {"nomic-bert", {"NomicBertModel", {{"activation_function", "swiglu"}, {"type_vocab_size", 2}, {"prenorm", false}}}},
};

Json value_of(const Gguf& file, const std::string& key) {
  const GgufEntry* entry = file.find_entry(key);
  if (entry == nullptr) return nullptr;
  if (entry->type == GgufType::f32) return *file.find_float(key);
  if (entry->type == GgufType::boolean) return *file.find_bool(key);
  if (entry->type == GgufType::string) return std::string(*file.find_string(key));
  return *file.find_uint(key);
}

std::vector<float> floats_of(const Gguf& file, const char* name) {
  const GgufTensor& tensor = *file.find_tensor(name);
  std::vector<float> values(tensor.dims[0]);
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

Json rope_scaling_of(const Gguf& file, const std::string& at) {
  Json scaling;
  const Json type = value_of(file, at + "rope.scaling.type");
  if (type == "linear") scaling = {{"type", "linear"}, {"factor", value_of(file, at + "rope.scaling.factor")}};
  if (type == "yarn") {
    scaling = {{"rope_type", "yarn"},
               {"factor", value_of(file, at + "rope.scaling.factor")},
               {"original_max_position_embeddings", value_of(file, at + "rope.scaling.original_context_length")}};
    if (const Json multiplier = value_of(file, at + "rope.scaling.yarn_log_multiplier"); !multiplier.is_null())
      scaling["mscale_all_dim"] = multiplier;
    if (const Json beta = value_of(file, at + "attention.temperature_scale"); !beta.is_null())
      scaling["llama_4_scaling_beta"] = beta;
  }
  // What the factors of the golden file were made of.
  if (file.find_tensor("rope_freqs.weight") != nullptr)
    scaling = {{"rope_type", "llama3"},
               {"factor", 8.0},
               {"low_freq_factor", 1.0},
               {"high_freq_factor", 4.0},
               {"original_max_position_embeddings", 256}};
  if (file.find_tensor("rope_factors_long.weight") != nullptr)
    scaling = {{"type", "longrope"},
               {"long_factor", floats_of(file, "rope_factors_long.weight")},
               {"short_factor", floats_of(file, "rope_factors_short.weight")},
               {"attention_factor", value_of(file, at + "rope.scaling.attn_factor")}};
  return scaling;
}

void add_linear_attention(const Gguf& file, const std::string& at, Json& config) {
  config["linear_value_head_dim"] = config["linear_key_head_dim"];
  const double turning = static_cast<double>(*file.find_uint(at + "rope.dimension_count"));
  config["partial_rotary_factor"] = turning / config["head_dim"].get<double>();
  const auto sections = file.find_ints(at + "rope.dimension_sections");
  if (!sections) return;
  // Of the others, RoPE is described apart, and so is each layer.
  config["rope_parameters"] = {{"rope_type", "default"},
                               {"rope_theta", config["rope_theta"]},
                               {"partial_rotary_factor", config["partial_rotary_factor"]},
                               {"mrope_interleaved", true},
                               {"mrope_section", {(*sections)[0], (*sections)[1], (*sections)[2]}}};
  config.erase("rope_theta");
  config.erase("partial_rotary_factor");
  for (uint64_t layer = 0; layer < config["num_hidden_layers"]; ++layer)
    config["layer_types"].push_back((layer + 1) % 4 != 0 ? "linear_attention" : "full_attention");
}

}  // namespace

Json hf_config_of(const Gguf& file) {
  const std::string architecture(*file.find_string("general.architecture")), at = architecture + ".";
  const auto& [hf_class, more] = kClasses.at(architecture);
  Json config = more.is_null() ? Json::object() : more;
  config["architectures"] = {hf_class};
  config["vocab_size"] = file.find_tensor("token_embd.weight")->dims[1];
  config["tie_word_embeddings"] = file.find_tensor("output.weight") == nullptr;
  for (const auto& [key, setting] : kSettings)
    if (const Json value = value_of(file, at + key); !value.is_null()) config[setting] = value;
  if (const Json scaling = rope_scaling_of(file, at); !scaling.is_null()) config["rope_scaling"] = scaling;

  const uint64_t heads = *file.find_uint(at + "attention.head_count"), width = config["hidden_size"];
  const uint64_t head_size = config.value("head_dim", width / heads);
  if (architecture == "phi3")
    config["original_max_position_embeddings"] = value_of(file, at + "rope.scaling.original_context_length");
  // What is as wide as the stream says needs no head_dim, where the class has none.
  if (architecture == "granite" || architecture == "granitemoe" || architecture == "deepseek2")
    config.erase("head_dim");
  if (!config.contains("head_dim") && (architecture == "gemma" || architecture == "qwen3"))
    config["head_dim"] = head_size;
  if (architecture == "gpt-oss") config.erase("moe_intermediate_size");
  if (architecture == "phi2" || architecture == "glm4" || architecture == "stablelm")
    config["partial_rotary_factor"] =
        static_cast<double>(file.find_uint(at + "rope.dimension_count").value_or(head_size)) /
        static_cast<double>(head_size);
  if (architecture == "gptneox")
    config["rotary_pct"] =
        static_cast<double>(*file.find_uint(at + "rope.dimension_count")) / static_cast<double>(head_size);
  if (architecture == "deepseek2") {
    const bool absorbed = file.find_entry(at + "attention.key_length_mla") != nullptr;
    const uint64_t turning = *file.find_uint(at + "rope.dimension_count");
    config["qk_rope_head_dim"] = turning;
    config["qk_nope_head_dim"] =
        *file.find_uint(at + (absorbed ? "attention.key_length_mla" : "attention.key_length")) - turning;
    config["v_head_dim"] = *file.find_uint(at + (absorbed ? "attention.value_length_mla" : "attention.value_length"));
    config["num_key_value_heads"] = heads;
  }
  if (config.contains("linear_key_head_dim")) add_linear_attention(file, at, config);
  if ((architecture == "olmo2" || architecture == "exaone4") && config.contains("sliding_window"))
    for (uint64_t layer = 0; layer < config["num_hidden_layers"]; ++layer)
      config["layer_types"].push_back((layer + 1) % 4 != 0 ? "sliding_attention" : "full_attention");
  if (const auto other = kOtherNames.find(architecture); other != kOtherNames.end())
    for (const auto& [name, usual] : other->second)
      if (config.contains(usual)) {
        config[name] = config[usual];
        config.erase(usual);
      }
  // The text model of one that sees is described apart.
  if (architecture == "mistral3" || architecture == "qwen35moe") {
    Json text = config;
    text.erase("architectures");
    config = {{"architectures", {hf_class}}, {"text_config", text}, {"vision_config", {{"hidden_size", 8}}}};
  }
  return config;
}

}  // namespace hearth
