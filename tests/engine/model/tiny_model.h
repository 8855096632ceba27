// A tiny model file of zeros whose metadata and tensors a test can change one by one.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "formats/gguf_writer.h"
#include "tests/formats/gguf_bytes.h"

namespace hearth {

struct TinyModel {
  using Value = std::variant<uint32_t, int32_t, float, bool, std::string>;
  std::map<std::string, Value> keys;
  std::map<std::string, std::vector<uint64_t>> tensors;  // F32

  // One layer, width 32, two heads of 16, one KV head, feed-forward 64, 40 tokens.
  static TinyModel llama() {
    TinyModel model;
    model.keys = {{"general.architecture", std::string("llama")},
                  {"llama.context_length", 128u},
                  {"llama.embedding_length", 32u},
                  {"llama.block_count", 1u},
                  {"llama.feed_forward_length", 64u},
                  {"llama.attention.head_count", 2u},
                  {"llama.attention.head_count_kv", 1u},
                  {"llama.attention.layer_norm_rms_epsilon", 1e-5f},
                  {"llama.rope.dimension_count", 16u}};
    model.tensors = {
        {"token_embd.weight", {32, 40}},        {"output_norm.weight", {32}},       {"blk.0.attn_norm.weight", {32}},
        {"blk.0.attn_q.weight", {32, 32}},      {"blk.0.attn_k.weight", {32, 16}},  {"blk.0.attn_v.weight", {32, 16}},
        {"blk.0.attn_output.weight", {32, 32}}, {"blk.0.ffn_norm.weight", {32}},    {"blk.0.ffn_gate.weight", {32, 64}},
        {"blk.0.ffn_up.weight", {32, 64}},      {"blk.0.ffn_down.weight", {64, 32}}};
    return model;
  }

  Gguf open() const {
    const TemporaryFolder folder;
    const auto path = folder.path() / "tiny.gguf";
    GgufWriter writer(path);
    for (const auto& [key, value] : keys) {
      if (const auto* text = std::get_if<std::string>(&value))
        writer.add(key, std::string_view(*text));
      else if (const auto* real = std::get_if<float>(&value))
        writer.add(key, *real);
      else if (const auto* integer = std::get_if<int32_t>(&value))
        writer.add(key, *integer);
      else if (const auto* flag = std::get_if<bool>(&value))
        writer.add(key, *flag);
      else
        writer.add(key, std::get<uint32_t>(value));
    }
    std::vector<uint64_t> sizes;
    for (const auto& [name, dims] : tensors) {
      writer.add_tensor(name, Format::f32, dims);
      uint64_t size = sizeof(float);
      for (const uint64_t dim : dims) size *= dim;
      sizes.push_back(size);
    }
    for (const uint64_t size : sizes) writer.write(std::vector<std::byte>(size));
    writer.finish();
    return Gguf::open(path);
  }
};

}  // namespace hearth
