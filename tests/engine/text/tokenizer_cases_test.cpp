// Every vocabulary of the shared data against the ids that its texts must become.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "engine/text/tokenizer/detokenizer.h"
#include "engine/text/tokenizer/tokenizer.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

using nlohmann::json;
using Ids = std::vector<int32_t>;

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string case_text(const json& entry) {
  if (entry.contains("text")) return entry["text"];
  if (entry.contains("file")) {
    const auto path = shared_data("vocab") / std::string(entry["file"]);
    return read_text(path).substr(0, entry["bytes"].get<size_t>());
  }
  std::string text;
  for (int i = 0; i < entry["repeat"][1].get<int>(); ++i) text += entry["repeat"][0].get<std::string>();
  return text;
}

Ids encode_case(const Tokenizer& tokenizer, const json& entry, const std::string& text) {
  Ids ids = tokenizer.encode(text, entry.value("parse_special", false));
  if (entry.value("add_special", false) && tokenizer.adds_bos()) {
    ids.insert(ids.begin(), tokenizer.vocabulary().special().bos.value());
  }
  return ids;
}

void expect_ids(const json& entry, const Ids& ids) {
  if (entry.contains("ids")) {
    for (const char* key : {"alt_ids", "ids_nfc"}) {
      if (entry.contains(key) && entry[key].get<Ids>() == ids) return;
    }
    EXPECT_EQ(ids, entry["ids"].get<Ids>());
    return;
  }
  ASSERT_EQ(ids.size(), entry["ids_count"].get<size_t>());
  const Ids head = entry["ids_head"], tail = entry["ids_tail"];
  EXPECT_EQ(Ids(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(head.size())), head);
  EXPECT_EQ(Ids(ids.end() - static_cast<std::ptrdiff_t>(tail.size()), ids.end()), tail);
  EXPECT_EQ(std::accumulate(ids.begin(), ids.end(), int64_t{0}), entry["ids_sum"].get<int64_t>());
}

// Pushes id by id; each piece must be valid UTF-8 on its own (json refuses to dump anything else).
std::string stream(const Tokenizer& tokenizer, const Ids& ids, DetokenizerOptions options = {}) {
  Detokenizer detokenizer(tokenizer, options);
  std::string text;
  const auto add = [&](const std::string& piece) {
    EXPECT_NO_THROW((void)json(piece).dump()) << "half a character after '" << text << "'";
    text += piece;
  };
  for (const int32_t id : ids) add(detokenizer.push(id));
  add(detokenizer.finish());
  return text;
}

class VocabularyCases : public testing::TestWithParam<const char*> {
 protected:
  static std::filesystem::path path(const std::string& ending) { return shared_data("vocab") / (GetParam() + ending); }
};

TEST_P(VocabularyCases, GiveTheirIds) {
  HEARTH_REQUIRE_SHARED(path(".gguf"));
  const Tokenizer tokenizer = Tokenizer::load(Gguf::open(path(".gguf")));
  const bool byte_level = tokenizer.vocabulary().model() == Vocabulary::Model::byte_level;
  const json cases = json::parse(read_text(path(".cases.json")));
  ASSERT_GT(cases.size(), 200u);
  for (const json& entry : cases) {
    SCOPED_TRACE(entry.dump().substr(0, 300));
    const std::string text = case_text(entry);
    const Ids ids = encode_case(tokenizer, entry, text);
    expect_ids(entry, ids);
    if (entry.value("add_special", false)) continue;
    // A SentencePiece vocabulary writes a space and U+2581 alike.
    const std::string decoded = tokenizer.decode(ids, true);
    if (byte_level || text.find("\xE2\x96\x81") == text.npos) EXPECT_EQ(decoded, text);
    EXPECT_EQ(stream(tokenizer, ids, {.continues = false, .show_special = true}), decoded);
  }
}

TEST_P(VocabularyCases, PublishedGoldens) {
  HEARTH_REQUIRE_SHARED(path(".gguf"));
  const Tokenizer tokenizer = Tokenizer::load(Gguf::open(path(".gguf")));
  const std::string all = read_text(path(".gguf.inp"));
  std::istringstream lines(read_text(path(".gguf.out")));
  const std::string separator = "\n__ggml_vocab_test__\n";
  size_t at = 0, count = 0;
  std::string line;
  for (; std::getline(lines, line); ++count) {
    const size_t end = all.find(separator, at);
    ASSERT_NE(end, all.npos);
    const std::string text = all.substr(at, end - at);
    at = end + separator.size();
    std::istringstream numbers(line);
    const Ids expected{std::istream_iterator<int32_t>(numbers), {}};
    EXPECT_EQ(tokenizer.encode(text, false), expected) << text;
  }
  EXPECT_EQ(count, 46u);
}

TEST_P(VocabularyCases, InvalidUtf8IsEncodedTheSameWayEachTime) {
  HEARTH_REQUIRE_SHARED(path(".gguf"));
  const Tokenizer tokenizer = Tokenizer::load(Gguf::open(path(".gguf")));
  const std::string name = GetParam();
  const bool all_bytes = name == "gpt-2" || name == "llama-bpe" || name == "qwen2";  // the others lack some
  for (const json& entry : json::parse(read_text(shared_data("vocab/invalid_utf8.json")))) {
    const std::string hex = entry["bytes_hex"];
    std::string bytes;
    for (size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    const Ids ids = tokenizer.encode(bytes, true);
    EXPECT_EQ(ids, tokenizer.encode(bytes, true)) << hex;
    if (all_bytes) EXPECT_EQ(tokenizer.decode(ids, true), bytes) << hex;
    (void)stream(tokenizer, ids);
  }
}

TEST_P(VocabularyCases, MuchOfOneThingIsTokenized) {
  HEARTH_REQUIRE_SHARED(path(".gguf"));
  const Tokenizer tokenizer = Tokenizer::load(Gguf::open(path(".gguf")));
  for (const std::string unit : {"a", "ab", " ", "\n", "1", "\xFF", "<|"}) {
    std::string text;
    while (text.size() < (unit == "a" ? 1000000 : 100000)) text += unit;
    const Ids ids = tokenizer.encode(text, true);
    EXPECT_LE(ids.size(), text.size() + 1);
    if (unit != "\xFF") EXPECT_TRUE(tokenizer.decode(ids, true) == text) << unit;
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, VocabularyCases,
                         testing::Values("deepseek-coder", "falcon", "gpt-2", "llama-bpe", "llama-spm", "phi-3",
                                         "qwen2", "starcoder"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(SentencePieceCases, DecodeAndStreamAsSentencePieceDoes) {
  HEARTH_REQUIRE_SHARED(shared_data("vocab/llama-spm.gguf"));
  const Tokenizer tokenizer = Tokenizer::load(Gguf::open(shared_data("vocab/llama-spm.gguf")));
  for (const json& entry : json::parse(read_text(shared_data("vocab/sp_cases/llama-spm.sp.json")))) {
    const Ids ids = entry["ids"];
    EXPECT_EQ(tokenizer.encode(entry["text"].get<std::string>(), false), ids) << entry["text"];
    EXPECT_EQ(tokenizer.decode(ids, false), entry["decoded"]);
    EXPECT_EQ(stream(tokenizer, ids), entry["decoded"]);
    std::vector<std::string> pieces;
    for (const int32_t id : ids) pieces.emplace_back(tokenizer.vocabulary().text(id));
    EXPECT_EQ(pieces, entry["pieces"].get<std::vector<std::string>>());
  }
  for (const json& entry : json::parse(read_text(shared_data("vocab/sp_cases/llama-spm.decode.json")))) {
    EXPECT_EQ(tokenizer.decode(entry["ids"].get<Ids>(), false), entry["decoded"]) << entry["ids"];
    EXPECT_EQ(stream(tokenizer, entry["ids"]), entry["decoded"]) << entry["ids"];
  }
}

TEST(ModelTokenizers, LoadAndKeepText) {
  std::vector<std::string> names = {"models/spark", "models/stories260K"};
  for (const char* name : {"deepseek2",
                           "falcon",
                           "gemma2",
                           "gemma3",
                           "glm4",
                           "gpt-oss",
                           "gpt2",
                           "gptneox",
                           "granite",
                           "granitemoe",
                           "llama-mha",
                           "llama-moe",
                           "llama-gqa-rope-freqs",
                           "llama-rope-linear",
                           "llama-rope-yarn",
                           "llama-tied",
                           "olmo2",
                           "olmoe",
                           "phi2",
                           "phi3",
                           "phi3-longrope-long",
                           "phi3-longrope-short",
                           "qwen2",
                           "qwen2moe",
                           "qwen3",
                           "qwen3moe",
                           "smollm3",
                           "starcoder2"})
    names.push_back(std::string("golden/models/") + name);
  for (const std::string& name : names) {
    const auto path = shared_data(name + ".gguf");
    HEARTH_REQUIRE_SHARED(path);
    const Tokenizer tokenizer = Tokenizer::load(Gguf::open(path));
    const std::string text = "def f(x):\n    return x  # \xC3\xA9\xF0\x9F\xA6\x99 1234";
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, false), false), text) << name;
    EXPECT_TRUE(tokenizer.vocabulary().is_end_of_generation(tokenizer.vocabulary().special().eos.value())) << name;
  }
}

TEST(ModelTokenizers, WithoutByteTokensARunOfUnknownCharactersIsOneUnknownToken) {
  const auto path = shared_data("models/babyllama.gguf");
  HEARTH_REQUIRE_SHARED(path);
  const Tokenizer tokenizer = Tokenizer::load(Gguf::open(path));
  const Ids plain = tokenizer.encode("a b", false);
  EXPECT_EQ(std::count(plain.begin(), plain.end(), 0), 0);
  const Ids ids = tokenizer.encode("a\xE4\xB8\xAD\xE6\x96\x87 b\xE4\xB8\xAD", false);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 0), 2);
  EXPECT_EQ(tokenizer.decode(ids, false), "a \xE2\x81\x87  b \xE2\x81\x87 ");
}

TEST(ModelTokenizers, GoldenStoryRoundTrips) {
  const auto path = shared_data("models/stories260K.gguf");
  HEARTH_REQUIRE_SHARED(path);
  const Tokenizer tokenizer = Tokenizer::load(Gguf::open(path));
  const json golden = json::parse(read_text(shared_data("models/stories260K.golden.json")));
  const Ids ids = golden["ids"];
  EXPECT_EQ(tokenizer.decode(ids, false), golden["text"]);
  EXPECT_TRUE(tokenizer.adds_bos());
  EXPECT_FALSE(tokenizer.vocabulary().special().padding.has_value());  // all bits set in the file: none
}

}  // namespace
}  // namespace hearth
