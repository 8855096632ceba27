// Follows an automaton that fuzzing has made.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/decode/constraint/automaton.h"
#include "engine/decode/constraint/matcher.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {

// Takes tokens that the mask allows, as `choices` says, and traps where the mask, the bytes and the ends disagree.
inline void follow_automaton(const std::shared_ptr<const LanguageAutomaton>& automaton, std::string_view choices) {
  static const auto tokens = [] {
    std::vector<std::string> texts;
    for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
    for (const char* text :
         {"ab", "\"a", "\":", "{\"", "\"}", "true", "12", "\xC3\xA9", "\xF0\x9F", ", ", "]]", "aaaaaaaa"})
      texts.emplace_back(text);
    texts.emplace_back();
    return std::make_shared<const TokenTrie>(texts, std::vector<int32_t>{static_cast<int32_t>(texts.size() - 1)});
  }();
  Matcher matcher(automaton, tokens);
  std::vector<float> logits(tokens->size());
  for (size_t i = 0; i < 24 && !matcher.finished(); ++i) {
    std::fill(logits.begin(), logits.end(), 0.0f);
    if (!matcher.mask(logits)) __builtin_trap();
    if ((logits.back() == 0) != matcher.may_end()) __builtin_trap();
    std::vector<int32_t> allowed;
    for (size_t id = 0; id + 1 < logits.size(); ++id)
      if (logits[id] == 0) allowed.push_back(static_cast<int32_t>(id));
    // Every byte is a token, and every state leads to an end.
    if (allowed.empty() != matcher.finished()) __builtin_trap();
    if (allowed.empty()) return;
    const std::vector<int32_t> must = matcher.forced();
    for (const int32_t token : must)
      if (!matcher.accept(token)) __builtin_trap();
    if (!must.empty()) continue;
    const auto choice = i < choices.size() ? static_cast<uint8_t>(choices[i]) : i;
    if (!matcher.accept(allowed[choice % allowed.size()])) __builtin_trap();
  }
}

}  // namespace hearth
