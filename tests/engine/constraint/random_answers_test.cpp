// Answers of random tokens: whatever the masks let through fits the schema, and masks say what bytes say.
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/engine/constraint/constraint_tests.h"
#include "tests/engine/constraint/schema_validator.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

// Single bytes, and pieces of texts as tokens, some of which end within a character or reach over the end of a string.
std::shared_ptr<const TokenTrie> vocabulary_of(const std::vector<std::string>& texts, std::mt19937& random) {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  for (const std::string& text : texts)
    for (size_t i = 0; i < 30 && !text.empty(); ++i) {
      const size_t begin = random() % text.size();
      tokens.push_back(text.substr(begin, 2 + random() % 6));
    }
  for (const char* text :
       {"ab",   "abc",      "\"}",      "\":", "\",\"", "\":\"", "00",  "12",    "-1", "e1", "\xC4\x85",
        "\xC4", "\xF0\x9F", "\x99\x82", " a",  "true",  "\\u",   "\\n", "\\u00", "[[", "}}"})
    tokens.emplace_back(text);
  tokens.emplace_back();
  return std::make_shared<TokenTrie>(tokens, std::vector<int32_t>{static_cast<int32_t>(tokens.size() - 1)});
}

// An answer of at most so many tokens, which prefers what brings it to its end; nullopt where it was cut.
std::optional<std::string> random_answer(const Automaton& automaton, const std::shared_ptr<const TokenTrie>& tokens,
                                         std::mt19937& random, size_t most) {
  Matcher matcher(automaton, tokens);
  const auto end = static_cast<int32_t>(tokens->size() - 1);
  std::string text;
  for (size_t i = 0; i < most; ++i) {
    if (matcher.finished()) return text;
    for (const int32_t token : random() % 2 == 0 ? matcher.forced() : std::vector<int32_t>()) {
      EXPECT_TRUE(matcher.accept(token));
      text += tokens->bytes(token);
    }
    if (matcher.finished()) return text;
    std::vector<float> logits(tokens->size() + 3, 0.0f);
    EXPECT_TRUE(matcher.mask(logits)) << text;
    EXPECT_EQ(logits[static_cast<size_t>(end)] == 0, matcher.may_end()) << text;
    std::vector<int32_t> allowed;
    for (size_t id = 0; id < logits.size(); ++id) {
      if (logits[id] != 0) continue;
      allowed.push_back(static_cast<int32_t>(id));
      const std::string_view bytes = id < tokens->size() ? tokens->bytes(static_cast<int32_t>(id)) : "";
      const bool closes = bytes.empty() || bytes.find_first_of("\"]}") != std::string_view::npos;
      for (size_t more = closes ? i / 2 : 0; more > 0; --more) allowed.push_back(static_cast<int32_t>(id));
    }
    if (allowed.empty()) return std::nullopt;
    const int32_t token = allowed[random() % allowed.size()];
    if (token == end) return text;
    EXPECT_TRUE(matcher.accept(token)) << text;
    text += tokens->bytes(token);
  }
  return std::nullopt;
}

void expect_sound(const std::string& name, const nlohmann::ordered_json& schema, const std::vector<std::string>& texts,
                  int answers) {
  std::mt19937 random(7);
  const auto tokens = vocabulary_of(texts, random);
  const Automaton automaton = compile_schema(schema.dump());
  const SchemaValidator validator(nlohmann::json::parse(schema.dump()));
  int whole = 0;
  for (int i = 0; i < answers; ++i) {
    const auto text = random_answer(automaton, tokens, random, 400);
    if (!text) continue;
    ++whole;
    const auto value = nlohmann::json::parse(*text, nullptr, false);
    ASSERT_FALSE(value.is_discarded()) << name << ": " << *text;
    ASSERT_TRUE(validator.fits(value)) << name << ": " << *text;
  }
  EXPECT_GT(whole, answers / 2) << name;
}

TEST(RandomAnswers, FitTheSharedSchemas) {
  const auto folder = shared_data("grammar");
  HEARTH_REQUIRE_SHARED(folder);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const auto file = nlohmann::ordered_json::parse(std::ifstream(entry.path()));
    expect_sound(entry.path().stem(), file.at("schema"), file.at("valid"), 60);
  }
}

TEST(RandomAnswers, FitOtherSchemas) {
  for (
      const char* text : {
          R"({"type":"object","properties":{"a":{"type":"integer"},"n_x":{"type":"number"}},"required":["n_x","zz"],
               "patternProperties":{"^n":{"type":"number","maximum":5},"x$":{"type":"number","minimum":-3}},
               "additionalProperties":{"type":"string","maxLength":3}})",
          R"({"allOf":[{"properties":{"a":{"type":"string","minLength":2}},"required":["a"]},
               {"properties":{"a":{"maxLength":4},"b":{"enum":[1,"x",null]}},"type":"object"}],"additionalProperties":false,
               "properties":{"a":{"pattern":"^[a-c]*$"},"b":{}}})",
          R"({"type":"object","properties":{"a":{"type":"null"}},"additionalProperties":{"type":"boolean"}})",
          R"({"type":"string","pattern":"b+c","maxLength":8,"minLength":3})",
          R"({"type":"string","pattern":"^(?:a|bc){2,3}$|^x\\d{2,}\\.$"})",
          R"({"type":"number","exclusiveMinimum":-1.25,"maximum":1000.5})",
          R"({"type":"number","minimum":0.1,"exclusiveMaximum":0.12})",
          R"({"type":"integer","exclusiveMinimum":-20.5,"maximum":-3})",
          R"({"type":"array","prefixItems":[{"type":"boolean"},{"type":"null"}],"items":{"type":"integer"},"minItems":1,
               "maxItems":4})",
          R"({"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"},"c":{"type":"null"}},
               "minProperties":2,"maxProperties":2,"additionalProperties":false})",
          R"({"type":["object","null"],"properties":{"next":{"$ref":"#"},"v":{"type":"boolean"}},"required":["v"],
               "additionalProperties":false})",
          R"({"type":"object","propertyNames":{"pattern":"^[ab]{1,2}$"},"additionalProperties":{"const":1}})",
          R"({"oneOf":[{"type":"integer","maximum":3},{"type":"number","exclusiveMinimum":3},{"type":"string","maxLength":1},
               {"type":"string","pattern":"^..+$"}]})",
          R"({"anyOf":[{"properties":{"k":{"const":"a"}},"required":["k"]},{"properties":{"k":{"const":"b"},"m":{"type":"null"}},
               "required":["k","m"]}],"type":"object","unevaluatedProperties":false})",
          R"({"type":"string","format":"uri"})", R"({"type":"string","format":"email","maxLength":20})",
          R"({"type":"string","format":"date-time"})",
          R"({"type":"array","items":{"type":"string","format":"date"},"maxItems":2})",
          R"({"enum":[1,2.5,"a","ab",[1],{"a":1}],"type":["number","string"],"maximum":2})"})
    expect_sound(text, nlohmann::ordered_json::parse(text), {"{\"a\":1,\"b\":[true,null]}"}, 60);
}

// Each token of a mask against the same bytes one by one.
TEST(RandomAnswers, MasksAllowExactlyTheTokensWhoseBytesMayCome) {
  std::mt19937 random(3);
  const std::vector<Automaton> automata = {
      compile_schema(
          R"({"type":"object","properties":{"name":{"type":"string","maxLength":6},"n":{"type":"integer"}}})"),
      compile_schema(R"({"type":"array","items":{"type":"string","pattern":"^[\\s\\S]{2,5}$"}})"),
      compile_schema(R"({"type":"string","minLength":40,"maxLength":300})"),
      compile_schema("true"),
      compile_gbnf("root ::= (word \" \"){1,30} \".\"\nword ::= [^ .]{1,3} | \"ąč\" word"),
      compile_gbnf("root ::= \"a\"* (\"ab\" | \"ba\")* [α-ω]{3} root?"),
  };
  for (const Automaton& automaton : automata) {
    const auto tokens = vocabulary_of({"{\"name\":\"ąčę🙂\",\"n\":12}", "abab αβγ ab. aaaa"}, random);
    for (int answer = 0; answer < 2; ++answer) {
      Matcher matcher(automaton, tokens);
      std::string text;
      for (int i = 0; i < 20 && !matcher.finished(); ++i) {
        std::vector<float> logits(tokens->size(), 0.0f);
        matcher.mask(logits);
        std::vector<int32_t> allowed;
        for (size_t id = 0; id + 1 < tokens->size(); ++id) {
          Matcher other(automaton, tokens);
          ASSERT_TRUE(other.accept_bytes(text));
          const bool may_come = other.accept(static_cast<int32_t>(id));
          ASSERT_EQ(logits[id] == 0, may_come) << text << " then " << tokens->bytes(static_cast<int32_t>(id));
          if (may_come) allowed.push_back(static_cast<int32_t>(id));
        }
        if (allowed.empty()) break;
        const int32_t token = allowed[random() % allowed.size()];
        ASSERT_TRUE(matcher.accept(token));
        text += tokens->bytes(token);
      }
    }
  }
}

}  // namespace
}  // namespace hearth
