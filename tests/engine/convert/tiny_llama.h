// A small Llama in Hugging Face's layout that needs no other data.
#pragma once

#include <cmath>

#include "tests/engine/convert/hf_folder.h"

namespace hearth {

// Two layers, width 32, two heads of 16, one for k and v, 40 tokens of SentencePiece.
inline HfFolder tiny_llama() {
  HfFolder folder;
  folder.config = {{"architectures", {"LlamaForCausalLM"}},
                   {"hidden_size", 32},
                   {"num_hidden_layers", 2},
                   {"num_attention_heads", 2},
                   {"num_key_value_heads", 1},
                   {"intermediate_size", 64},
                   {"max_position_embeddings", 128},
                   {"rms_norm_eps", 1e-5},
                   {"rope_theta", 10000.0},
                   {"vocab_size", 40},
                   {"torch_dtype", "float32"}};
  float next = 0;
  const auto add = [&](const std::string& name, std::vector<uint64_t> shape) {
    uint64_t count = 1;
    for (const uint64_t dimension : shape) count *= dimension;
    std::vector<float> values(count);
    for (float& value : values) value = std::sin(next += 0.37f) / 4;
    folder.tensors[name] = f32_tensor(std::move(shape), values);
  };
  add("model.embed_tokens.weight", {40, 32});
  add("model.norm.weight", {32});
  add("lm_head.weight", {40, 32});
  for (const std::string layer : {"model.layers.0.", "model.layers.1."}) {
    add(layer + "input_layernorm.weight", {32});
    add(layer + "self_attn.q_proj.weight", {32, 32});
    add(layer + "self_attn.k_proj.weight", {16, 32});
    add(layer + "self_attn.v_proj.weight", {16, 32});
    add(layer + "self_attn.o_proj.weight", {32, 32});
    add(layer + "post_attention_layernorm.weight", {32});
    add(layer + "mlp.gate_proj.weight", {64, 32});
    add(layer + "mlp.up_proj.weight", {64, 32});
    add(layer + "mlp.down_proj.weight", {32, 64});
  }
  SentencePieceFile pieces;
  pieces.piece("<unk>", 0, 2);
  pieces.piece("<s>", 0, 3);
  pieces.piece("</s>", 0, 3);
  pieces.piece("<0x0A>", 0, 6);
  for (int id = 4; id < 38; ++id)
    pieces.piece(std::string(1, static_cast<char>('a' + id % 26)) + std::to_string(id), -static_cast<float>(id), 1);
  pieces.trainer(2);
  folder.files["tokenizer.model"] = pieces.bytes;
  folder.files["tokenizer_config.json"] =
      R"({"bos_token": "<s>", "eos_token": {"content": "</s>"}, "add_bos_token": true, "chat_template": "{{ messages }}"})";
  return folder;
}

inline std::vector<float> values_of(const HfTensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

}  // namespace hearth
