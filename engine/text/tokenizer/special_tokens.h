// Finds special tokens in text: the leftmost, and of those the longest, in time linear in the text.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace hearth {

// An Aho-Corasick automaton over the reversed token texts: walked from the end of a text to its beginning, it knows at
// each byte the longest token that begins there. Immutable: safe to share between threads.
class SpecialTokens {
 public:
  struct Token {
    std::string_view text;  // used only while the automaton is built; tokens with no text are never found
    int32_t id;
  };
  struct Match {
    size_t begin, end;  // in bytes
    int32_t id;
  };

  // Of two tokens with the same text the first counts. Their texts together are shorter than 4 GiB.
  explicit SpecialTokens(std::span<const Token> tokens);

  // The matches from left to right; they do not overlap.
  std::vector<Match> find(std::string_view text) const;

 private:
  static constexpr uint32_t kRoot = 0;  // no child is the root, so it also stands for "none"

  struct State {
    uint32_t first_child = 0, next_sibling = 0;
    uint32_t fail = kRoot;
    uint32_t found = 0;  // the longest token that ends in this state, by its state; 0: none
    uint32_t size = 0;   // bytes from the root
    int32_t id = -1;     // of the token that this state is the whole of
    unsigned char byte = 0;
  };

  uint32_t child(uint32_t state, unsigned char byte) const;
  uint32_t step(uint32_t state, unsigned char byte) const;
  void add(const Token& token);
  void link();

  std::vector<State> states_;
  std::array<uint32_t, 256> root_children_{};
};

}  // namespace hearth
