// A tiny model of each shape that an architecture can have.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/engine/model/tiny_model.h"

namespace hearth {

struct TinyFamily {
  TinyModel model;
  std::set<std::string> optional = {};  // tensors that a file may lack
};

// The tiny llama under another name, without the tensors that end as `without` says and with others in each layer.
inline TinyFamily tiny_family(const std::string& name, const std::vector<std::string>& without,
                              const std::map<std::string, TinyModel::Value>& keys,
                              const std::map<std::string, std::vector<uint64_t>>& needed,
                              const std::map<std::string, std::vector<uint64_t>>& optional = {}) {
  TinyFamily family;
  for (const auto& [key, value] : TinyModel::llama().keys)
    family.model.keys[key.starts_with("llama") ? name + key.substr(5) : key] = value;
  family.model.keys["general.architecture"] = name;
  for (const auto& [key, value] : keys) family.model.keys[name + "." + key] = value;
  family.model.tensors = TinyModel::llama().tensors;
  const auto full = [](const std::string& tensor) {
    const bool of_model =
        tensor.starts_with("token_") || tensor.starts_with("position_") || tensor.starts_with("output_");
    return of_model ? tensor : "blk.0." + tensor;
  };
  for (const std::string& tensor : without) family.model.tensors.erase(full(tensor));
  for (const auto& [tensor, dims] : needed) family.model.tensors[full(tensor)] = dims;
  for (const auto& [tensor, dims] : optional) {
    family.model.tensors[full(tensor)] = dims;
    family.optional.insert(full(tensor));
  }
  return family;
}

inline std::vector<TinyFamily> tiny_families() {
  const std::vector<std::string> dense = {"ffn_gate.weight", "ffn_up.weight", "ffn_down.weight"};
  const std::map<std::string, TinyModel::Value> experts = {
      {"expert_count", 4u}, {"expert_used_count", 2u}, {"expert_feed_forward_length", 24u}};
  const auto with = [](std::vector<std::string> names, const std::vector<std::string>& more) {
    names.insert(names.end(), more.begin(), more.end());
    return names;
  };
  const std::vector<std::string> qkv = {"attn_q.weight", "attn_k.weight", "attn_v.weight"};
  std::map<std::string, TinyModel::Value> latent = experts, absorbed, shared = experts;
  for (const auto& [key, value] : std::map<std::string, TinyModel::Value>{{"attention.kv_lora_rank", 24u},
                                                                          {"attention.q_lora_rank", 20u},
                                                                          {"attention.head_count_kv", 2u},
                                                                          {"attention.key_length", 16u},
                                                                          {"attention.value_length", 12u},
                                                                          {"rope.dimension_count", 8u},
                                                                          {"expert_shared_count", 2u}})
    latent[key] = value;
  absorbed = latent;
  absorbed["attention.head_count_kv"] = 1u;
  absorbed["attention.key_length"] = 32u;
  absorbed["attention.value_length"] = 24u;
  absorbed["attention.key_length_mla"] = 16u;
  absorbed["attention.value_length_mla"] = 12u;
  shared["expert_shared_feed_forward_length"] = 48u;
  const std::map<std::string, std::vector<uint64_t>> mixture = {{"ffn_gate_inp.weight", {32, 4}},
                                                                {"ffn_gate_exps.weight", {32, 24, 4}},
                                                                {"ffn_up_exps.weight", {32, 24, 4}},
                                                                {"ffn_down_exps.weight", {24, 32, 4}}};
  const auto and_mixture = [&](std::map<std::string, std::vector<uint64_t>> tensors) {
    tensors.insert(mixture.begin(), mixture.end());
    return tensors;
  };
  const std::map<std::string, std::vector<uint64_t>> shared_expert = {
      {"ffn_gate_shexp.weight", {32, 48}}, {"ffn_up_shexp.weight", {32, 48}}, {"ffn_down_shexp.weight", {48, 32}}};
  const auto and_latent = [&](std::map<std::string, std::vector<uint64_t>> tensors) {
    tensors.merge(std::map<std::string, std::vector<uint64_t>>{{"attn_q_a.weight", {32, 20}},
                                                               {"attn_q_a_norm.weight", {20}},
                                                               {"attn_q_b.weight", {20, 32}},
                                                               {"attn_kv_a_mqa.weight", {32, 32}},
                                                               {"attn_kv_a_norm.weight", {24}},
                                                               {"attn_output.weight", {24, 32}}});
    tensors.insert(shared_expert.begin(), shared_expert.end());
    return and_mixture(std::move(tensors));
  };
  auto gated_shared = and_mixture(shared_expert);
  gated_shared["ffn_gate_inp_shexp.weight"] = {32};
  const std::map<std::string, TinyModel::Value> delta = {{"ssm.conv_kernel", 4u},
                                                         {"ssm.group_count", 2u},
                                                         {"ssm.time_step_rank", 4u},
                                                         {"ssm.state_size", 8u},
                                                         {"ssm.inner_size", 32u}};
  auto attends = delta, mixes = shared;
  attends["full_attention_interval"] = 1u;
  for (const auto& [key, value] : delta) mixes[key] = value;
  const auto and_delta = [](std::map<std::string, std::vector<uint64_t>> tensors) {
    tensors.merge(std::map<std::string, std::vector<uint64_t>>{{"post_attention_norm.weight", {32}},
                                                               {"ssm_conv1d.weight", {4, 64}},
                                                               {"ssm_a", {4}},
                                                               {"ssm_dt.bias", {4}},
                                                               {"ssm_norm.weight", {8}},
                                                               {"ssm_out.weight", {32, 32}}});
    return tensors;
  };
  const std::vector<std::string> attention = {"attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_output.weight",
                                              "ffn_norm.weight"};
  return {
      tiny_family("qwen35", attention, delta,
                  and_delta({{"attn_qkv.weight", {32, 64}},
                             {"attn_gate.weight", {32, 32}},
                             {"ssm_alpha.weight", {32, 4}},
                             {"ssm_beta.weight", {32, 4}}})),
      tiny_family("qwen35", {"ffn_norm.weight"}, attends,
                  {{"attn_q.weight", {32, 64}},
                   {"attn_q_norm.weight", {16}},
                   {"attn_k_norm.weight", {16}},
                   {"post_attention_norm.weight", {32}}}),
      tiny_family("qwen3next", with(attention, dense), mixes, and_delta([&] {
                    auto tensors = gated_shared;
                    tensors["attn_qkv.weight"] = {32, 64};
                    tensors["attn_gate.weight"] = {32, 32};
                    tensors["ssm_ba.weight"] = {32, 8};
                    return tensors;
                  }())),
      tiny_family("qwen3", {}, {}, {{"attn_q_norm.weight", {16}}, {"attn_k_norm.weight", {16}}}),
      tiny_family("qwen2moe", dense, shared, gated_shared, {{"attn_q.bias", {32}}, {"attn_v.bias", {16}}}),
      tiny_family("gemma2", {}, {}, {{"post_attention_norm.weight", {32}}, {"post_ffw_norm.weight", {32}}}),
      tiny_family("olmo2", {"attn_norm.weight", "ffn_norm.weight"}, {},
                  {{"attn_q_norm.weight", {32}},
                   {"attn_k_norm.weight", {16}},
                   {"post_attention_norm.weight", {32}},
                   {"post_ffw_norm.weight", {32}}}),
      tiny_family("gpt-oss", with(dense, {"ffn_norm.weight"}), experts,
                  and_mixture({{"post_attention_norm.weight", {32}}, {"attn_sinks.weight", {2}}}),
                  {{"ffn_gate_inp.bias", {4}},
                   {"ffn_gate_exps.bias", {24, 4}},
                   {"ffn_up_exps.bias", {24, 4}},
                   {"ffn_down_exps.bias", {32, 4}},
                   {"attn_output.bias", {32}}}),
      tiny_family("glm4", {"ffn_gate.weight"}, {},
                  {{"ffn_up.weight", {32, 128}}, {"post_attention_norm.weight", {32}}, {"post_ffw_norm.weight", {32}}}),
      tiny_family("gptneox", with(qkv, {"ffn_gate.weight"}), {}, {{"attn_qkv.weight", {32, 64}}},
                  {{"attn_norm.bias", {32}}, {"attn_qkv.bias", {64}}, {"ffn_up.bias", {64}}}),
      tiny_family("gpt2", with(qkv, {"ffn_gate.weight"}), {},
                  {{"attn_qkv.weight", {32, 64}}, {"position_embd.weight", {32, 128}}}),
      tiny_family("command-r", {"ffn_norm.weight"}, {}, {},
                  {{"attn_q_norm.weight", {16, 2}}, {"attn_k_norm.weight", {16}}}),
      tiny_family("falcon", with(qkv, {"ffn_norm.weight", "ffn_gate.weight"}), {}, {{"attn_qkv.weight", {32, 64}}},
                  {{"attn_norm_2.weight", {32}}}),
      tiny_family("deepseek2", with(dense, qkv), latent, and_latent({{"attn_kv_b.weight", {24, 40}}}),
                  {{"exp_probs_b.bias", {4}}}),
      tiny_family("deepseek2", with(dense, qkv), absorbed,
                  and_latent({{"attn_k_b.weight", {8, 24, 2}}, {"attn_v_b.weight", {24, 12, 2}}})),
      tiny_family("bert", {"attn_norm.weight", "ffn_norm.weight", "ffn_gate.weight", "output_norm.weight"}, {},
                  {{"position_embd.weight", {32, 128}},
                   {"token_embd_norm.weight", {32}},
                   {"attn_output_norm.weight", {32}},
                   {"layer_output_norm.weight", {32}}},
                  {{"token_types.weight", {32, 2}}}),
  };
}

}  // namespace hearth
