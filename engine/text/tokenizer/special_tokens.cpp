// Construction and search of the special token automaton.
#include "engine/text/tokenizer/special_tokens.h"

#include <algorithm>

namespace hearth {

SpecialTokens::SpecialTokens(std::span<const Token> tokens) : states_(1) {
  for (const auto& token : tokens) {
    if (!token.text.empty()) add(token);
  }
  link();
}

uint32_t SpecialTokens::child(uint32_t state, unsigned char byte) const {
  if (state == kRoot) return root_children_[byte];
  uint32_t next = states_[state].first_child;
  while (next != kRoot && states_[next].byte != byte) next = states_[next].next_sibling;
  return next;
}

void SpecialTokens::add(const Token& token) {
  uint32_t state = kRoot;
  for (size_t i = token.text.size(); i-- > 0;) {
    const auto byte = static_cast<unsigned char>(token.text[i]);
    uint32_t next = child(state, byte);
    if (next == kRoot) {
      next = static_cast<uint32_t>(states_.size());
      states_.push_back({.next_sibling = states_[state].first_child, .size = states_[state].size + 1, .byte = byte});
      states_[state].first_child = next;
      if (state == kRoot) root_children_[byte] = next;
    }
    state = next;
  }
  if (states_[state].id < 0) states_[state].id = token.id;
}

// Breadth first, so that the shorter states that a failure leads to are done before the longer ones.
void SpecialTokens::link() {
  std::vector<uint32_t> queue{kRoot};
  for (size_t head = 0; head < queue.size(); ++head) {
    const uint32_t parent = queue[head];
    for (uint32_t at = states_[parent].first_child; at != kRoot; at = states_[at].next_sibling) {
      State& state = states_[at];
      if (parent != kRoot) state.fail = step(states_[parent].fail, state.byte);
      state.found = state.id >= 0 ? at : states_[state.fail].found;
      queue.push_back(at);
    }
  }
}

uint32_t SpecialTokens::step(uint32_t state, unsigned char byte) const {
  for (;;) {
    const uint32_t next = child(state, byte);
    if (next != kRoot || state == kRoot) return next;
    state = states_[state].fail;
  }
}

std::vector<SpecialTokens::Match> SpecialTokens::find(std::string_view text) const {
  std::vector<Match> matches;
  if (states_.size() == 1) return matches;
  uint32_t state = kRoot;
  for (size_t at = text.size(); at-- > 0;) {
    state = step(state, static_cast<unsigned char>(text[at]));
    const uint32_t found = states_[state].found;
    if (found != 0) matches.push_back({at, at + states_[found].size, states_[found].id});
  }
  std::reverse(matches.begin(), matches.end());
  size_t cursor = 0;
  std::erase_if(matches, [&](const Match& match) {
    if (match.begin < cursor) return true;
    cursor = match.end;
    return false;
  });
  return matches;
}

}  // namespace hearth
