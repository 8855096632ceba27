// Metadata and tensors of a llama with one layer.
#include "tests/engine/one_layer_model.h"

#include <map>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "engine/text/tokenizer/byte_level.h"

namespace hearth {
namespace {

void write_metadata(GgufWriter& writer, const OneLayerModel& model) {
  const uint64_t rotated = model.rotated == 0 ? model.head_width : model.rotated;
  writer.add("general.architecture", "llama");
  writer.add("general.name", std::string_view(model.name));
  for (const auto& [key, value] : std::map<std::string, uint64_t>{{"context_length", model.context},
                                                                  {"embedding_length", model.width},
                                                                  {"block_count", 1},
                                                                  {"feed_forward_length", model.hidden},
                                                                  {"attention.head_count", model.heads},
                                                                  {"attention.head_count_kv", 1},
                                                                  {"attention.key_length", model.head_width},
                                                                  {"attention.value_length", model.head_width},
                                                                  {"rope.dimension_count", rotated}})
    writer.add("llama." + key, static_cast<uint32_t>(value));
  writer.add("llama.attention.layer_norm_rms_epsilon", 1e-6f);
  writer.add("tokenizer.ggml.model", "gpt2");
  writer.add("tokenizer.ggml.pre", "gpt-2");
  writer.add_strings("tokenizer.ggml.tokens", std::vector<std::string_view>(model.tokens.begin(), model.tokens.end()));
  writer.add_array<int32_t>("tokenizer.ggml.token_type", model.types);
  writer.add_strings("tokenizer.ggml.merges", std::vector<std::string_view>{});
  writer.add("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(model.end));
  writer.add("tokenizer.chat_template", std::string_view(model.chat_template));
}

}  // namespace

size_t OneLayerModel::add_control(const std::string& text) {
  tokens.push_back(text);
  types.push_back(static_cast<int32_t>(TokenType::control));
  return tokens.size() - 1;
}

size_t OneLayerModel::add_text(const std::string& text) {
  std::string stored;
  for (const char byte : text) stored += byte_level_text(static_cast<unsigned char>(byte));
  tokens.push_back(std::move(stored));
  types.push_back(static_cast<int32_t>(TokenType::normal));
  return tokens.size() - 1;
}

void OneLayerModel::add_bytes() {
  for (unsigned byte = 0; byte < 256; ++byte) add_text(std::string(1, static_cast<char>(byte)));
}

void write_one_layer_model(const std::filesystem::path& path, const OneLayerModel& model,
                           const std::function<void(GgufWriter&)>& more) {
  GgufWriter writer(path);
  write_metadata(writer, model);
  if (more) more(writer);
  const uint64_t width = model.width, count = model.tokens.size(), queries = model.heads * model.head_width;
  const std::vector<float> ones(width, 1.0f);
  std::vector<std::pair<uint64_t, const std::vector<float>*>> data;
  const auto add = [&](const std::string& name, const std::vector<uint64_t>& dims, const std::vector<float>& values) {
    writer.add_tensor(name, Format::f32, dims);
    uint64_t size = 1;
    for (const uint64_t dim : dims) size *= dim;
    if (!values.empty() && values.size() != size) throw std::logic_error(name + " has another size");
    data.emplace_back(size, &values);
  };
  add("token_embd.weight", {width, count}, model.embedding);
  add("output.weight", {width, count}, model.output);
  add("output_norm.weight", {width}, ones);
  add("blk.0.attn_norm.weight", {width}, ones);
  add("blk.0.attn_q.weight", {width, queries}, model.query);
  add("blk.0.attn_k.weight", {width, model.head_width}, model.key);
  add("blk.0.attn_v.weight", {width, model.head_width}, model.value);
  add("blk.0.attn_output.weight", {queries, width}, model.attention);
  add("blk.0.ffn_norm.weight", {width}, ones);
  add("blk.0.ffn_gate.weight", {width, model.hidden}, model.gate);
  add("blk.0.ffn_up.weight", {width, model.hidden}, model.up);
  add("blk.0.ffn_down.weight", {model.hidden, width}, model.down);
  for (const auto& [size, values] : data)
    writer.write(std::as_bytes(std::span<const float>(values->empty() ? std::vector<float>(size) : *values)));
  writer.finish();
}

}  // namespace hearth
