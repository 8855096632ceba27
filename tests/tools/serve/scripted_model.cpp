// One-hot embeddings, layers of zeros, and an output matrix that is the table of followers.
#include "tests/tools/serve/scripted_model.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "engine/text/tokenizer/byte_level.h"
#include "engine/text/tokenizer/vocabulary.h"
#include "formats/gguf_writer.h"

namespace hearth {
namespace {

constexpr uint64_t kWidth = 320, kHeads = 10, kHeadWidth = 32, kHidden = 64;
constexpr float kSure = 2;  // times the square root of kWidth: the logit of the next token; others have 0

struct Script {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::map<std::string, size_t> ids;
  std::vector<size_t> next;

  size_t add(const std::string& text, TokenType type = TokenType::normal) {
    ids[text] = tokens.size();
    tokens.push_back(text);
    types.push_back(static_cast<int32_t>(type));
    return tokens.size() - 1;
  }
  size_t word(const std::string& text) {
    std::string stored;
    for (const char byte : text) stored += byte_level_text(static_cast<unsigned char>(byte));
    return add(stored);
  }
  void chain(std::initializer_list<size_t> words, size_t last) {
    for (auto at = words.begin(); at != words.end(); ++at) next[*at] = at + 1 == words.end() ? last : *(at + 1);
  }
};

Script make_script() {
  Script script;
  for (unsigned byte = 0; byte < 256; ++byte) script.add(byte_level_text(static_cast<unsigned char>(byte)));
  const size_t end = script.add("<|end|>", TokenType::control);
  for (const char* role : {"system", "user", "tool", "tools"})
    script.add("<|" + std::string(role) + "|>", TokenType::control);
  const size_t assistant = script.add("<|assistant|>", TokenType::control);
  script.add("<|prefix|>", TokenType::control);
  script.add("<|suffix|>", TokenType::control);
  const size_t middle = script.add("<|middle|>", TokenType::control);
  const size_t hello = script.word(" Hello"), comma = script.word(","), world = script.word(" world"),
               mark = script.word("!");
  const size_t greet = script.word("Greet"), with = script.word(" with"), a = script.word(" a"),
               word = script.word(" comma");
  const size_t one = script.word(" one"), two = script.word(" two"), three = script.word(" three");
  const size_t gap = script.word(" gap");
  script.next.assign(script.tokens.size(), hello);
  script.chain({hello, comma, world, mark}, end);
  script.chain({assistant, greet, with, a, word}, end);
  script.chain({'#', one, two, three}, one);
  script.chain({middle, gap}, end);
  return script;
}

constexpr const char* kTemplate =
    "{% if tools %}<|tools|>{{ tools | tojson }}{% endif %}"
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}";

void write_metadata(GgufWriter& writer, const Script& script) {
  writer.add("general.architecture", "llama");
  writer.add("general.name", "scripted");
  for (const auto& [key, value] : std::map<std::string, uint64_t>{{"context_length", 65536},
                                                                  {"embedding_length", kWidth},
                                                                  {"block_count", 1},
                                                                  {"feed_forward_length", kHidden},
                                                                  {"attention.head_count", kHeads},
                                                                  {"attention.head_count_kv", 1},
                                                                  {"rope.dimension_count", kHeadWidth}})
    writer.add("llama." + key, static_cast<uint32_t>(value));
  writer.add("llama.attention.layer_norm_rms_epsilon", 1e-6f);
  writer.add("tokenizer.ggml.model", "gpt2");
  writer.add("tokenizer.ggml.pre", "gpt-2");
  const std::vector<std::string_view> tokens(script.tokens.begin(), script.tokens.end());
  writer.add_strings("tokenizer.ggml.tokens", tokens);
  writer.add_array<int32_t>("tokenizer.ggml.token_type", script.types);
  writer.add_strings("tokenizer.ggml.merges", std::vector<std::string_view>{});
  const auto id = [&](const char* text) { return static_cast<uint32_t>(script.ids.at(text)); };
  writer.add("tokenizer.ggml.eos_token_id", id("<|end|>"));
  writer.add("tokenizer.ggml.fim_pre_token_id", id("<|prefix|>"));
  writer.add("tokenizer.ggml.fim_suf_token_id", id("<|suffix|>"));
  writer.add("tokenizer.ggml.fim_mid_token_id", id("<|middle|>"));
  writer.add("tokenizer.chat_template", kTemplate);
}

}  // namespace

void write_scripted_model(const std::filesystem::path& path) {
  const Script script = make_script();
  const uint64_t count = script.tokens.size();
  GgufWriter writer(path);
  write_metadata(writer, script);
  const std::vector<float> ones(kWidth, 1.0f);
  std::vector<float> embedding(kWidth * count), output(kWidth * count);
  for (size_t token = 0; token < count; ++token) {
    embedding[token * kWidth + token] = 1;
    output[script.next[token] * kWidth + token] = kSure;
  }
  std::vector<std::pair<uint64_t, const std::vector<float>*>> data;
  const auto add = [&](const std::string& name, std::vector<uint64_t> dims,
                       const std::vector<float>* values = nullptr) {
    writer.add_tensor(name, Format::f32, dims);
    uint64_t size = 1;
    for (const uint64_t dim : dims) size *= dim;
    data.emplace_back(size, values);
  };
  add("token_embd.weight", {kWidth, count}, &embedding);
  add("output.weight", {kWidth, count}, &output);
  add("output_norm.weight", {kWidth}, &ones);
  add("blk.0.attn_norm.weight", {kWidth}, &ones);
  add("blk.0.attn_q.weight", {kWidth, kHeads * kHeadWidth});
  add("blk.0.attn_k.weight", {kWidth, kHeadWidth});
  add("blk.0.attn_v.weight", {kWidth, kHeadWidth});
  add("blk.0.attn_output.weight", {kHeads * kHeadWidth, kWidth});
  add("blk.0.ffn_norm.weight", {kWidth}, &ones);
  add("blk.0.ffn_gate.weight", {kWidth, kHidden});
  add("blk.0.ffn_up.weight", {kWidth, kHidden});
  add("blk.0.ffn_down.weight", {kHidden, kWidth});
  for (const auto& [size, values] : data)
    writer.write(std::as_bytes(std::span<const float>(values != nullptr ? *values : std::vector<float>(size))));
  writer.finish();
}

}  // namespace hearth
