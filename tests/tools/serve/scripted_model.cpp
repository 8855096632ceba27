// One-hot embeddings, an output matrix that is the table of followers, and one attention head that looks a fixed number
// of places back.
#include "tests/tools/serve/scripted_model.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/engine/one_layer_model.h"

namespace hearth {
namespace {

constexpr uint64_t kWidth = 320, kHeads = 10, kHeadWidth = 32, kHidden = 64;
// Logits, times the square root of kWidth where nothing is repeated and of half of it where something is: a token's
// follower, a repeated token, and a follower that gives way to it. All others are 0.
constexpr float kSure = 4, kRepeated = 2, kYielding = 0.75f;
constexpr uint64_t kRepeatedAt = kWidth - kNonceLetters.size();  // where the head puts what it found
constexpr float kSharpness = 40;  // of attention: its weights are those of 40 times the sum of cosines

struct Script {
  OneLayerModel model;
  std::vector<size_t> next;
  std::vector<size_t> yielding;  // tokens whose follower gives way to what is repeated
  size_t prefix = 0, suffix = 0, middle = 0;

  void chain(std::initializer_list<size_t> words, size_t last) {
    for (auto at = words.begin(); at != words.end(); ++at) next[*at] = at + 1 == words.end() ? last : *(at + 1);
  }
};

Script make_script() {
  Script script;
  OneLayerModel& model = script.model;
  model.add_bytes();
  const size_t end = model.end = model.add_control("<|end|>");
  for (const char* role : {"system", "user", "tool", "tools"}) model.add_control("<|" + std::string(role) + "|>");
  const size_t assistant = model.add_control("<|assistant|>");
  script.prefix = model.add_control("<|prefix|>");
  script.suffix = model.add_control("<|suffix|>");
  const size_t middle = script.middle = model.add_control("<|middle|>");
  const size_t hello = model.add_text(" Hello"), comma = model.add_text(","), world = model.add_text(" world"),
               mark = model.add_text("!");
  const size_t greet = model.add_text("Greet"), with = model.add_text(" with"), a = model.add_text(" a"),
               word = model.add_text(" comma");
  const size_t one = model.add_text(" one"), two = model.add_text(" two"), three = model.add_text(" three");
  const size_t gap = model.add_text(" gap");
  script.next.assign(model.tokens.size(), hello);
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

}  // namespace

void write_scripted_model(const std::filesystem::path& path, bool tells_tools) {
  Script script = make_script();
  OneLayerModel& model = script.model;
  model.name = "scripted";
  model.context = 65536;
  model.width = kWidth;
  model.heads = kHeads;
  model.head_width = kHeadWidth;
  model.hidden = kHidden;
  model.chat_template = (tells_tools ? kToolsTemplate : "") + std::string(kTemplate);
  const uint64_t count = model.tokens.size();
  if (count > kRepeatedAt) throw std::logic_error("the scripted model is too narrow for its tokens");
  model.embedding.resize(kWidth * count);
  model.output.resize(kWidth * count);
  for (size_t token = 0; token < count; ++token) {
    model.embedding[token * kWidth + token] = 1;
    const bool yields = std::ranges::find(script.yielding, token) != script.yielding.end();
    model.output[script.next[token] * kWidth + token] = yields ? kYielding : kSure;
  }
  // The letter that the head finds goes through value i and the head's output i to a place of its own.
  constexpr uint64_t kQueryRows = kHeads * kHeadWidth;
  model.query = looking_back(kQueryRows);
  model.key = plain_keys();
  model.value.resize(kHeadWidth * kWidth);
  model.attention.resize(kWidth * kQueryRows);
  for (size_t i = 0; i < kNonceLetters.size(); ++i) {
    const auto letter = static_cast<size_t>(kNonceLetters[i]);
    model.value[i * kWidth + letter] = 1 / std::sqrt(static_cast<float>(kWidth));
    model.attention[(kRepeatedAt + i) * kQueryRows + i] = 1;
    model.output[letter * kWidth + kRepeatedAt + i] = kRepeated;
  }
  write_one_layer_model(path, model, [&](GgufWriter& writer) {
    writer.add("tokenizer.ggml.fim_pre_token_id", static_cast<uint32_t>(script.prefix));
    writer.add("tokenizer.ggml.fim_suf_token_id", static_cast<uint32_t>(script.suffix));
    writer.add("tokenizer.ggml.fim_mid_token_id", static_cast<uint32_t>(script.middle));
  });
}

}  // namespace hearth
