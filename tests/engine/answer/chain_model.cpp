// One-hot embeddings, and an output matrix that is the table of followers; attention and the rest are nothing.
#include "tests/engine/answer/chain_model.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <span>
#include <utility>

#include "engine/text/tokenizer/byte_level.h"
#include "engine/text/tokenizer/vocabulary.h"
#include "formats/gguf_writer.h"

namespace hearth {
namespace {

constexpr float kCertain = 4;  // logit of a follower, times the square root of the width; others have 0
constexpr uint64_t kHead = 32, kInner = 32;

std::string stored(const ChainPiece& piece) {
  if (piece.control) return piece.text;
  std::string text;
  for (const char byte : piece.text) text += byte_level_text(static_cast<unsigned char>(byte));
  return text;
}

}  // namespace

void write_chain_model(const std::filesystem::path& path, const std::string& chat_template,
                       const std::vector<ChainPiece>& pieces, const ChainPiece& closing) {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  const auto add = [&](std::string text, bool control) {
    tokens.push_back(std::move(text));
    types.push_back(static_cast<int32_t>(control ? TokenType::control : TokenType::normal));
    return tokens.size() - 1;
  };
  for (unsigned byte = 0; byte < 256; ++byte) add(byte_level_text(static_cast<unsigned char>(byte)), false);
  const size_t end = add("<|end|>", true);
  for (const char* role : {"system", "user", "tool"}) add("<|" + std::string(role) + "|>", true);
  size_t last = add("<|assistant|>", true);
  std::map<size_t, size_t> followers;
  for (const ChainPiece& piece : pieces) {
    const bool ends = piece.control && piece.text == "<|end|>";
    const size_t next = ends ? end : add(stored(piece), piece.control);
    followers[last] = next;
    last = next;
  }
  if (last != end) followers.emplace(last, end);
  const size_t close = add(stored(closing), closing.control);
  followers['}'] = close;
  followers[close] = end;

  const uint64_t count = tokens.size(), width = (count + kHead - 1) / kHead * kHead, heads = width / kHead;
  GgufWriter writer(path);
  writer.add("general.architecture", "llama");
  writer.add("general.name", "chain");
  for (const auto& [key, value] : std::map<std::string, uint64_t>{{"context_length", 4096},
                                                                  {"embedding_length", width},
                                                                  {"block_count", 1},
                                                                  {"feed_forward_length", kInner},
                                                                  {"attention.head_count", heads},
                                                                  {"attention.head_count_kv", 1},
                                                                  {"rope.dimension_count", kHead}})
    writer.add("llama." + key, static_cast<uint32_t>(value));
  writer.add("llama.attention.layer_norm_rms_epsilon", 1e-6f);
  writer.add("tokenizer.ggml.model", "gpt2");
  writer.add("tokenizer.ggml.pre", "gpt-2");
  writer.add_strings("tokenizer.ggml.tokens", std::vector<std::string_view>(tokens.begin(), tokens.end()));
  writer.add_array<int32_t>("tokenizer.ggml.token_type", types);
  writer.add_strings("tokenizer.ggml.merges", std::vector<std::string_view>{});
  writer.add("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(end));
  writer.add("tokenizer.chat_template", std::string_view(chat_template));

  std::vector<float> embedding(width * count), output(width * count);
  for (size_t token = 0; token < count; ++token) {
    embedding[token * width + token] = 1;
    const auto follower = followers.find(token);
    output[(follower == followers.end() ? size_t{'.'} : follower->second) * width + token] = kCertain;
  }
  const std::vector<float> ones(width, 1.0f);
  std::vector<std::pair<uint64_t, const std::vector<float>*>> data;
  const auto tensor = [&](const std::string& name, std::vector<uint64_t> dims,
                          const std::vector<float>* values = nullptr) {
    writer.add_tensor(name, Format::f32, dims);
    uint64_t size = 1;
    for (const uint64_t dim : dims) size *= dim;
    data.emplace_back(size, values);
  };
  tensor("token_embd.weight", {width, count}, &embedding);
  tensor("output.weight", {width, count}, &output);
  tensor("output_norm.weight", {width}, &ones);
  tensor("blk.0.attn_norm.weight", {width}, &ones);
  tensor("blk.0.attn_q.weight", {width, width});
  tensor("blk.0.attn_k.weight", {width, kHead});
  tensor("blk.0.attn_v.weight", {width, kHead});
  tensor("blk.0.attn_output.weight", {width, width});
  tensor("blk.0.ffn_norm.weight", {width}, &ones);
  tensor("blk.0.ffn_gate.weight", {width, kInner});
  tensor("blk.0.ffn_up.weight", {width, kInner});
  tensor("blk.0.ffn_down.weight", {kInner, width});
  for (const auto& [size, values] : data)
    writer.write(std::as_bytes(std::span<const float>(values != nullptr ? *values : std::vector<float>(size))));
  writer.finish();
}

}  // namespace hearth
