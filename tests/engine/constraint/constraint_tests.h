// Compiling and following constraints in tests.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "engine/decode/constraint/automaton.h"
#include "engine/decode/constraint/gbnf.h"
#include "engine/decode/constraint/matcher.h"
#include "engine/decode/constraint/token_trie.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {

using Automaton = std::shared_ptr<const LanguageAutomaton>;

inline Automaton compile_schema(std::string_view schema, const SchemaOptions& options = {}) {
  GrammarBuilder builder;
  return build_automaton(builder, builder.json_schema(schema, options));
}

inline Automaton compile_gbnf(std::string_view text) {
  GrammarBuilder builder;
  return build_automaton(builder, read_gbnf(builder, text));
}

// Tokens of one byte each, and a few longer ones; the last one ends an answer.
inline std::shared_ptr<const TokenTrie> small_vocabulary() {
  std::vector<std::string> texts;
  for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
  for (const char* text : {"ab", "abc", "\"a", "\":", "\",\"", "{\"", "true", "null", "12", "\xC3\xA9", "\xF0\x9F",
                           "\"}", "]]", " the", "hello"})
    texts.emplace_back(text);
  texts.emplace_back();
  const auto end = static_cast<int32_t>(texts.size() - 1);
  return std::make_shared<TokenTrie>(texts, std::vector<int32_t>{end});
}

inline bool accepts(const Automaton& automaton, std::string_view text) {
  static const auto tokens = small_vocabulary();
  Matcher matcher(automaton, tokens);
  return matcher.accept_bytes(text) && matcher.may_end();
}

// What compiling says against it; empty where nothing.
template <class Compile>
std::string refusal(const Compile& compile) {
  try {
    compile();
    return "";
  } catch (const Error& error) {
    return error.code() == ErrorCode::invalid_argument ? error.what() : std::string("wrong code: ") + error.what();
  }
}
inline std::string schema_refusal(std::string_view schema, const SchemaOptions& options = {}) {
  return refusal([&] { compile_schema(schema, options); });
}
inline std::string gbnf_refusal(std::string_view text) {
  return refusal([&] { compile_gbnf(text); });
}

}  // namespace hearth
