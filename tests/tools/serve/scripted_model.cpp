// One-hot embeddings, an output matrix that is the table of followers, and one attention head that looks a fixed number
// of places back.
#include "tests/tools/serve/scripted_model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/text/tokenizer/byte_level.h"
#include "engine/text/tokenizer/vocabulary.h"
#include "formats/gguf_writer.h"

namespace hearth {
namespace {

constexpr uint64_t kWidth = 320, kHeads = 10, kHeadWidth = 32, kHidden = 64;
// Logits, times the square root of kWidth where nothing is repeated and of half of it where something is: a token's
// follower, a repeated token, and a follower that gives way to it. All others are 0.
constexpr float kSure = 4, kRepeated = 2, kYielding = 0.75f;
constexpr uint64_t kRepeatedAt = kWidth - kNonceLetters.size();  // where the head puts what it found
constexpr float kSharpness = 40;  // of attention: its weights are those of 40 times the sum of cosines

struct Script {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::map<std::string, size_t> ids;
  std::vector<size_t> next;
  std::vector<size_t> yielding;  // tokens whose follower gives way to what is repeated

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
  script.yielding = {assistant, '='};
  for (const char letter : kNonceLetters) {
    script.next[static_cast<size_t>(letter)] = end;
    script.yielding.push_back(static_cast<size_t>(letter));
  }
  return script;
}

constexpr const char* kToolsTemplate = "{% if tools %}<|tools|>{{ tools | tojson }}{% endif %}";
constexpr const char* kTemplate =
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}";

// Queries [head_width, kWidth] of the head, of one direction whatever the token: the closer a key's place is to
// kNonceLength places back, the better the two agree, for rotation turns pair i by 10000^(-i / pairs) a place.
std::vector<float> looking_back(uint64_t rows) {
  std::vector<float> query(rows * kWidth);
  const float size = kSharpness * std::sqrt(static_cast<float>(kHeadWidth) / kWidth);
  for (uint64_t pair = 0; pair < kHeadWidth / 2; ++pair) {
    const double angle =
        static_cast<double>(kNonceLength) * std::pow(10000.0, -2.0 * static_cast<double>(pair) / kHeadWidth);
    for (uint64_t column = 0; column < kWidth; ++column) {
      query[2 * pair * kWidth + column] = size * static_cast<float>(std::cos(angle));
      query[(2 * pair + 1) * kWidth + column] = -size * static_cast<float>(std::sin(angle));
    }
  }
  return query;
}

// Keys [kHeadWidth, kWidth] that are 1, 0 in every pair.
std::vector<float> plain_keys() {
  std::vector<float> key(kHeadWidth * kWidth);
  for (uint64_t row = 0; row < kHeadWidth; row += 2)
    std::fill_n(key.begin() + static_cast<ptrdiff_t>(row * kWidth), kWidth, 1 / std::sqrt(static_cast<float>(kWidth)));
  return key;
}

void write_metadata(GgufWriter& writer, const Script& script, bool tells_tools) {
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
  const std::string chat_template = (tells_tools ? kToolsTemplate : "") + std::string(kTemplate);
  writer.add("tokenizer.chat_template", std::string_view(chat_template));
}

}  // namespace

void write_scripted_model(const std::filesystem::path& path, bool tells_tools) {
  const Script script = make_script();
  const uint64_t count = script.tokens.size();
  GgufWriter writer(path);
  write_metadata(writer, script, tells_tools);
  const std::vector<float> ones(kWidth, 1.0f);
  std::vector<float> embedding(kWidth * count), output(kWidth * count);
  if (count > kRepeatedAt) throw std::logic_error("the scripted model is too narrow for its tokens");
  for (size_t token = 0; token < count; ++token) {
    embedding[token * kWidth + token] = 1;
    const bool yields = std::ranges::find(script.yielding, token) != script.yielding.end();
    output[script.next[token] * kWidth + token] = yields ? kYielding : kSure;
  }
  // The letter that the head finds goes through value i and the head's output i to a place of its own.
  constexpr uint64_t kQueryRows = kHeads * kHeadWidth;
  const std::vector<float> query = looking_back(kQueryRows), key = plain_keys();
  std::vector<float> value(kHeadWidth * kWidth), attention(kWidth * kQueryRows);
  for (size_t i = 0; i < kNonceLetters.size(); ++i) {
    const auto letter = static_cast<size_t>(kNonceLetters[i]);
    value[i * kWidth + letter] = 1 / std::sqrt(static_cast<float>(kWidth));
    attention[(kRepeatedAt + i) * kQueryRows + i] = 1;
    output[letter * kWidth + kRepeatedAt + i] = kRepeated;
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
  add("blk.0.attn_q.weight", {kWidth, kQueryRows}, &query);
  add("blk.0.attn_k.weight", {kWidth, kHeadWidth}, &key);
  add("blk.0.attn_v.weight", {kWidth, kHeadWidth}, &value);
  add("blk.0.attn_output.weight", {kQueryRows, kWidth}, &attention);
  add("blk.0.ffn_norm.weight", {kWidth}, &ones);
  add("blk.0.ffn_gate.weight", {kWidth, kHidden});
  add("blk.0.ffn_up.weight", {kWidth, kHidden});
  add("blk.0.ffn_down.weight", {kHidden, kWidth});
  for (const auto& [size, values] : data)
    writer.write(std::as_bytes(std::span<const float>(values != nullptr ? *values : std::vector<float>(size))));
  writer.finish();
}

}  // namespace hearth
