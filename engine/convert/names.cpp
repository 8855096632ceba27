// The tables of names.
#include "engine/convert/names.h"

#include <algorithm>
#include <charconv>
#include <span>

namespace hearth {
namespace {

// A name without the folders in front of it; `*` stands for a number of those that are stacked.
struct NameRow {
  std::string_view hf;
  const char* gguf;
  Layout layout = Layout::plain;
  const char* second = "";
};

constexpr NameRow kOutside[] = {
    {"embed_tokens", "token_embd"},
    {"wte", "token_embd"},
    {"embed_in", "token_embd"},
    {"word_embeddings", "token_embd"},
    {"embeddings.word_embeddings", "token_embd"},
    {"embeddings.LayerNorm", "token_embd_norm"},
    {"emb_ln", "token_embd_norm"},
    {"embeddings.token_type_embeddings", "token_types"},
    {"wpe", "position_embd"},
    {"embeddings.position_embeddings", "position_embd"},
    {"norm", "output_norm"},
    {"ln_f", "output_norm"},
    {"final_layer_norm", "output_norm"},
    {"final_layernorm", "output_norm"},
    {"lm_head", "output"},
    {"embed_out", "output"},
};

constexpr NameRow kInLayer[] = {
    {"input_layernorm", "attn_norm"},
    {"ln_1", "attn_norm"},
    {"ln_mlp", "attn_norm"},
    {"ln_attn", "attn_norm_2"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.dense", "attn_output"},
    {"self_attn.qkv_proj", "attn_qkv"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"self_attn.q_layernorm.norms.*", "attn_q_norm"},
    {"self_attn.k_layernorm.norms.*", "attn_k_norm"},
    {"self_attn.q_a_proj", "attn_q_a"},
    {"self_attn.q_a_layernorm", "attn_q_a_norm"},
    {"self_attn.q_b_proj", "attn_q_b"},
    {"self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"},
    {"self_attn.kv_a_layernorm", "attn_kv_a_norm"},
    {"self_attn.kv_b_proj", "attn_k_b", Layout::latent, "attn_v_b"},
    {"self_attention.query_key_value", "attn_qkv"},
    {"self_attention.dense", "attn_output"},
    {"attention.query_key_value", "attn_qkv"},
    {"attention.dense", "attn_output"},
    {"attention.self.query", "attn_q"},
    {"attention.self.key", "attn_k"},
    {"attention.self.value", "attn_v"},
    {"attention.output.dense", "attn_output"},
    {"attention.output.LayerNorm", "attn_output_norm"},
    {"linear_attn.conv1d", "ssm_conv1d", Layout::mixed_rows},
    {"linear_attn.A_log", "ssm_a", Layout::decays},
    {"linear_attn.dt_bias", "ssm_dt.bias", Layout::each_value},
    {"linear_attn.norm", "ssm_norm"},
    {"linear_attn.out_proj", "ssm_out", Layout::value_columns},
    {"attn.c_attn", "attn_qkv"},
    {"attn.c_proj", "attn_output"},
    {"attn.Wqkv", "attn_qkv"},
    {"attn.out_proj", "attn_output"},
    {"norm1", "attn_output_norm"},
    {"norm2", "layer_output_norm"},
    {"output.LayerNorm", "layer_output_norm"},
    {"post_attention_layernorm", "ffn_norm"},
    {"ln_2", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {"mlp.gate_up_proj", "ffn_up"},
    {"mlp.c_fc", "ffn_up"},
    {"mlp.c_proj", "ffn_down"},
    {"mlp.fc1", "ffn_up"},
    {"mlp.fc2", "ffn_down"},
    {"mlp.fc11", "ffn_up"},
    {"mlp.fc12", "ffn_gate"},
    {"mlp.dense_h_to_4h", "ffn_up"},
    {"mlp.dense_4h_to_h", "ffn_down"},
    {"intermediate.dense", "ffn_up"},
    {"output.dense", "ffn_down"},
    {"mlp.gate", "ffn_gate_inp"},
    {"mlp.gate.e_score_correction_bias", "exp_probs_b.bias"},
    {"mlp.experts.*.gate_proj", "ffn_gate_exps"},
    {"mlp.experts.*.up_proj", "ffn_up_exps"},
    {"mlp.experts.*.down_proj", "ffn_down_exps"},
    {"mlp.experts.gate_up_proj", "ffn_gate_exps.weight", Layout::halves, "ffn_up_exps.weight"},
    {"mlp.experts.down_proj", "ffn_down_exps.weight"},
    {"mlp.shared_expert.gate_proj", "ffn_gate_shexp"},
    {"mlp.shared_expert.up_proj", "ffn_up_shexp"},
    {"mlp.shared_expert.down_proj", "ffn_down_shexp"},
    {"mlp.shared_expert_gate", "ffn_gate_inp_shexp"},
    {"mlp.shared_experts.gate_proj", "ffn_gate_shexp"},
    {"mlp.shared_experts.up_proj", "ffn_up_shexp"},
    {"mlp.shared_experts.down_proj", "ffn_down_shexp"},
    {"block_sparse_moe.gate", "ffn_gate_inp"},
    {"block_sparse_moe.experts.*.w1", "ffn_gate_exps"},
    {"block_sparse_moe.experts.*.w3", "ffn_up_exps"},
    {"block_sparse_moe.experts.*.w2", "ffn_down_exps"},
    {"block_sparse_moe.router.layer", "ffn_gate_inp"},
    {"block_sparse_moe.input_linear", "ffn_gate_exps", Layout::halves, "ffn_up_exps"},
    {"block_sparse_moe.output_linear", "ffn_down_exps"},
    {"shared_mlp.input_linear", "ffn_gate_shexp", Layout::halves, "ffn_up_shexp"},
    {"shared_mlp.output_linear", "ffn_down_shexp"},
};

// Of one architecture, and before the others.
struct OwnRow {
  std::string_view architecture;
  NameRow row;
};
constexpr OwnRow kOwnRows[] = {
    {"gemma2", {"post_attention_layernorm", "post_attention_norm"}},
    {"gemma2", {"pre_feedforward_layernorm", "ffn_norm"}},
    {"gemma2", {"post_feedforward_layernorm", "post_ffw_norm"}},
    {"gemma3", {"post_attention_layernorm", "post_attention_norm"}},
    {"gemma3", {"pre_feedforward_layernorm", "ffn_norm"}},
    {"gemma3", {"post_feedforward_layernorm", "post_ffw_norm"}},
    {"olmo2", {"post_attention_layernorm", "post_attention_norm"}},
    {"olmo2", {"post_feedforward_layernorm", "post_ffw_norm"}},
    {"exaone4", {"post_attention_layernorm", "post_attention_norm"}},
    {"exaone4", {"post_feedforward_layernorm", "post_ffw_norm"}},
    {"qwen3next", {"post_attention_layernorm", "post_attention_norm"}},
    {"qwen3next", {"linear_attn.in_proj_qkvz", "attn_qkv", Layout::groups, "attn_gate"}},
    {"qwen3next", {"linear_attn.in_proj_ba", "ssm_ba"}},
    {"qwen35", {"post_attention_layernorm", "post_attention_norm"}},
    {"qwen35", {"linear_attn.in_proj_qkv", "attn_qkv", Layout::mixed_rows}},
    {"qwen35", {"linear_attn.in_proj_z", "attn_gate", Layout::value_rows}},
    {"qwen35", {"linear_attn.in_proj_b", "ssm_beta", Layout::each_value}},
    {"qwen35", {"linear_attn.in_proj_a", "ssm_alpha", Layout::each_value}},
    {"qwen35moe", {"post_attention_layernorm", "post_attention_norm"}},
    {"qwen35moe", {"linear_attn.in_proj_qkv", "attn_qkv", Layout::mixed_rows}},
    {"qwen35moe", {"linear_attn.in_proj_z", "attn_gate", Layout::value_rows}},
    {"qwen35moe", {"linear_attn.in_proj_b", "ssm_beta", Layout::each_value}},
    {"qwen35moe", {"linear_attn.in_proj_a", "ssm_alpha", Layout::each_value}},
    {"glm4", {"post_self_attn_layernorm", "post_attention_norm"}},
    {"glm4", {"post_mlp_layernorm", "post_ffw_norm"}},
    {"gpt-oss", {"post_attention_layernorm", "post_attention_norm"}},
    {"gpt-oss", {"self_attn.sinks", "attn_sinks.weight"}},
    {"gpt-oss", {"mlp.router", "ffn_gate_inp"}},
    {"gpt-oss", {"mlp.experts.gate_up_proj", "ffn_gate_exps.weight", Layout::alternating, "ffn_up_exps.weight"}},
    {"gpt-oss",
     {"mlp.experts.gate_up_proj_bias", "ffn_gate_exps.bias", Layout::alternating_values, "ffn_up_exps.bias"}},
    {"gpt-oss",
     {"mlp.experts.gate_up_proj_blocks", "ffn_gate_exps.weight", Layout::alternating_blocks, "ffn_up_exps.weight"}},
    {"gpt-oss", {"mlp.experts.gate_up_proj_scales", "", Layout::left_out}},
    {"gpt-oss", {"mlp.experts.down_proj", "ffn_down_exps.weight", Layout::transposed}},
    {"gpt-oss", {"mlp.experts.down_proj_bias", "ffn_down_exps.bias"}},
    {"gpt-oss", {"mlp.experts.down_proj_blocks", "ffn_down_exps.weight", Layout::blocks}},
    {"gpt-oss", {"mlp.experts.down_proj_scales", "", Layout::left_out}},
};

// Buffers, heads that are not used, the other senses of a model, and layers that predict several tokens.
constexpr std::string_view kLeftOutBeginnings[] = {
    "vision_tower.", "vision_model.", "multi_modal_projector.", "visual.", "pooler.", "cls.", "mtp."};
constexpr std::string_view kLeftOutEndings[] = {
    ".rotary_emb.inv_freq", ".attention.bias", ".attention.masked_bias", ".attn.bias", ".attn.masked_bias",
    "embeddings.position_ids",
    // Scales of FP8 weights are read with these; those of activations are not used.
    ".weight_scale_inv", ".weight_scale", ".input_scale", ".activation_scale", ".k_scale", ".v_scale"};

constexpr std::string_view kFolders[] = {"model.", "language_model.", "transformer.", "gpt_neox.", "bert.", "encoder."};
constexpr std::string_view kLayerFolders[] = {"layers.", "layer.", "h."};

// Takes a number and the dot behind it from the front; nullopt where there is none.
std::optional<uint32_t> take_number(std::string_view& text) {
  uint32_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto size = static_cast<size_t>(result.ptr - text.data());
  if (result.ec != std::errc() || size == text.size() || text[size] != '.' || number > 99'999) return std::nullopt;
  text.remove_prefix(size + 1);
  return number;
}

// Puts "*" for the number of an expert or head; the number is returned.
std::optional<uint32_t> take_part(std::string& name) {
  for (const std::string_view folder : {".experts.", ".norms."}) {
    const size_t at = name.find(folder);
    if (at == name.npos) continue;
    std::string rest = name.substr(at + folder.size()) + ".";  // a number may come last
    std::string_view left = rest;
    const auto number = take_number(left);
    if (!number) continue;
    if (!left.empty()) left.remove_suffix(1);
    name = name.substr(0, at + folder.size()) + "*" + (left.empty() ? "" : ".") + std::string(left);
    return number;
  }
  return std::nullopt;
}

// Cuts ".weight" or ".bias" off, in the spelling of GGUF; empty where there is neither.
std::string take_ending(std::string_view& name) {
  constexpr std::pair<std::string_view, const char*> kEndings[] = {
      {".weight", ".weight"}, {".bias", ".bias"}, {".gamma", ".weight"}, {".beta", ".bias"}};
  for (const auto& [ending, gguf] : kEndings) {
    if (!name.ends_with(ending)) continue;
    name.remove_suffix(ending.size());
    return gguf;
  }
  return "";
}

const NameRow* find_row(const ModelFamily& family, std::string_view name, bool in_layer) {
  if (in_layer)
    for (const OwnRow& own : kOwnRows)
      if (own.architecture == family.architecture && own.row.hf == name) return &own.row;
  const std::span<const NameRow> rows = in_layer ? std::span<const NameRow>(kInLayer) : kOutside;
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const NameRow& row) { return row.hf == name; });
  return found == rows.end() ? nullptr : &*found;
}

bool is_left_out(std::string_view name) {
  const auto begins = [&](std::string_view beginning) { return name.starts_with(beginning); };
  const auto ends = [&](std::string_view ending) { return name.ends_with(ending); };
  return std::any_of(std::begin(kLeftOutBeginnings), std::end(kLeftOutBeginnings), begins) ||
         std::any_of(std::begin(kLeftOutEndings), std::end(kLeftOutEndings), ends);
}

}  // namespace

std::optional<TensorName> translate_name(const ModelFamily& family, std::string_view name) {
  for (bool cut = true; cut;) {
    cut = false;
    for (const std::string_view folder : kFolders)
      if (name.starts_with(folder)) name.remove_prefix(folder.size()), cut = true;
  }
  TensorName result;
  for (const std::string_view folder : kLayerFolders) {
    if (!name.starts_with(folder)) continue;
    name.remove_prefix(folder.size());
    result.block = take_number(name);
    if (!result.block) return std::nullopt;
    break;
  }
  if (is_left_out(result.block ? "." + std::string(name) : std::string(name))) {
    result.layout = Layout::left_out;
    return result;
  }
  const std::string ending = take_ending(name);
  std::string key(name);
  result.part = take_part(key);
  const NameRow* row = find_row(family, key, result.block.has_value());
  if (row == nullptr) return std::nullopt;
  // Names without an ending have it in the table, if GGUF has one.
  const bool whole = std::string_view(row->gguf).find('.') != std::string_view::npos || row->layout == Layout::decays;
  if (whole == !ending.empty() && row->layout != Layout::left_out) return std::nullopt;
  const std::string front = result.block ? "blk." + std::to_string(*result.block) + "." : "";
  result.layout = row->layout;
  if (family.tied && std::string_view(row->gguf) == "output") result.layout = Layout::left_out;
  result.name = front + row->gguf + ending;
  if (*row->second != '\0') result.second = front + row->second + ending;
  return result;
}

}  // namespace hearth
