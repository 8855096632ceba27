// The tokens of a vocabulary by their bytes, so that many are tried at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer/tokenizer.h"

namespace hearth {

// Which bytes of a byte set occur, roughly: bit byte_class(b) for each.
uint32_t byte_class(uint8_t byte);
inline constexpr uint32_t kByteClasses = 32;
// Bytes from 0x80 on: 0xE2, with which line separators begin, which `.` of a pattern leaves out, and all others.
inline constexpr uint32_t kByteE2 = 1u << 30, kHighBytes = 1u << 31;

// Tokens that mean bytes, as nodes in preorder; control tokens and such without text are left out. Immutable.
class TokenTrie {
 public:
  struct Node {
    uint32_t skip;         // the node behind all below this one
    uint32_t first, last;  // tokens of this node and all below it, into tokens()
    uint32_t below;        // classes of the bytes below it
    uint16_t depth;        // bytes up to and with this one
    uint16_t own;          // tokens that end here; they come first
    uint16_t characters;   // most characters that begin below it, on one way
    uint8_t byte;
    bool well_formed;  // what is below begins UTF-8 where a character may begin
  };

  // at_start: as Tokenizer::append_bytes has it.
  static std::shared_ptr<const TokenTrie> make(const Tokenizer& tokenizer);

  // For the tokens at the start of a text; the same as the others where there is no difference.
  const TokenTrie& at_start() const { return start_ ? *start_ : *this; }

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<int32_t>& tokens() const { return tokens_; }  // in the order of nodes
  std::string_view bytes(int32_t token) const;                    // empty for tokens that are left out
  const std::vector<int32_t>& without_text() const { return without_text_; }
  size_t size() const { return offsets_.size() - 1; }  // of the vocabulary

  struct Match {
    int32_t token;  // -1: none
    size_t size;    // its bytes
    bool open;      // the bytes ended where longer tokens may go on
  };
  // The longest token that these bytes begin with; of equal ones the lowest.
  Match longest_match(std::string_view bytes) const;

  uint32_t longest() const { return longest_; }               // bytes of a token
  const std::vector<int32_t>& ends() const { return ends_; }  // tokens that end an answer

  // texts: by token; for tests without a tokenizer.
  TokenTrie(const std::vector<std::string>& texts, std::vector<int32_t> ends);

 private:
  void make_nodes();
  void describe_nodes();

  std::vector<Node> nodes_;
  std::vector<int32_t> tokens_, without_text_;
  std::vector<char> bytes_;
  std::vector<size_t> offsets_;  // [tokens of the vocabulary + 1] into bytes_
  uint32_t longest_ = 0;
  std::vector<int32_t> ends_;
  std::unique_ptr<TokenTrie> start_;
};

}  // namespace hearth
