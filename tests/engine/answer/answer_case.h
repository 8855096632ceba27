// Feeding answers to a reader, whole and in pieces, and what comes out.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/answer/learn.h"
#include "engine/text/answer/splitter.h"
#include "tests/shared_data.h"

namespace hearth {

// All that came out, with calls put together from their pieces.
struct SplitAnswer {
  std::string text, reasoning;
  std::vector<ToolCall> calls;
  std::vector<ToolCall> told;  // from the pieces, those that broke off included
  bool malformed = false, finished = false;
};

// The answer as it comes out when these pieces go in.
inline SplitAnswer split_pieces(const SplitOptions& options, const std::vector<std::string>& pieces) {
  const auto reader = make_answer_reader(options);
  SplitAnswer out;
  const auto add = [&](AnswerPiece piece) {
    out.text += piece.text;
    out.reasoning += piece.reasoning;
    for (const ToolCallPiece& call : piece.calls) {
      if (call.index == out.told.size())
        out.told.push_back({call.id, call.name, ""});
      else
        EXPECT_TRUE(call.id.empty() && call.name.empty()) << "an id and name come once";
      ASSERT_LT(call.index, out.told.size());
      out.told[call.index].arguments += call.arguments;
    }
  };
  for (const std::string& piece : pieces) add(reader->push(piece));
  out.finished = reader->finished();
  add(reader->finish());
  out.calls = reader->calls();
  out.malformed = reader->malformed();
  return out;
}

inline std::vector<std::string> random_pieces(std::string_view text, uint64_t seed, size_t longest) {
  std::mt19937_64 random(seed);
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const size_t size = std::min<size_t>(text.size(), 1 + random() % longest);
    pieces.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return pieces;
}

// The answer, after a check that the same comes out however it is cut into pieces.
inline SplitAnswer split_answer(const SplitOptions& options, const std::string& text) {
  const SplitAnswer whole = split_pieces(options, {text});
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const SplitAnswer parts = split_pieces(options, random_pieces(text, seed, seed < 2 ? 1 : 4 * seed));
    EXPECT_EQ(parts.text, whole.text);
    EXPECT_EQ(parts.reasoning, whole.reasoning);
    EXPECT_EQ(parts.malformed, whole.malformed);
    EXPECT_EQ(parts.calls.size(), whole.calls.size());
    if (!whole.malformed) EXPECT_EQ(parts.told.size(), whole.calls.size());
    for (size_t i = 0; i < std::min(parts.calls.size(), whole.calls.size()); ++i) {
      EXPECT_EQ(parts.calls[i].name, whole.calls[i].name);
      EXPECT_EQ(parts.calls[i].arguments, whole.calls[i].arguments);
    }
  }
  // The pieces of the calls that were read are the calls.
  if (!whole.malformed) EXPECT_EQ(whole.told.size(), whole.calls.size());
  size_t at = 0;
  for (const ToolCall& call : whole.calls) {
    while (at < whole.told.size() && whole.told[at].id != call.id) ++at;
    if (at == whole.told.size()) {
      ADD_FAILURE() << "a call that was not told: " << call.name;
      break;
    }
    EXPECT_EQ(whole.told[at].name, call.name);
    EXPECT_EQ(whole.told[at].arguments, call.arguments);
  }
  return whole;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

// A format that is learned from a template's source.
inline AnswerFormat learned(const std::string& source) {
  const Template parsed = Template::parse(source);
  return learn_answer_format(parsed, {.source = source, .bos = "<s>", .eos = "</s>", .has_token = {}});
}

// Tools as an OpenAI request lists them: get_weather(city: string, unit: string), add(xs: array, options: object),
// now().
inline Tools usual_tools() {
  return Tools(parse_json(R"([
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties":
      {"city": {"type": "string"}, "unit": {"type": "string"}, "days": {"type": "integer"}}}}},
    {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties":
      {"xs": {"type": "array"}, "options": {"type": "object"}, "exact": {"type": "boolean"}}}}},
    {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}])"));
}

inline SplitOptions options_of(const AnswerFormat& format) {
  return {.format = &format,
          .tools = usual_tools(),
          .calls = true,
          .one_call = false,
          .may_think = true,
          .thinking = {},
          .id_seed = 7};
}

}  // namespace hearth
