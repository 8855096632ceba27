// A tiny model that gives one answer: known pieces, one after the other.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hearth {

struct ChainPiece {
  std::string text;
  bool control = false;  // a special token, unseen in text
};

// Writes a GGUF file of a byte-level vocabulary: all bytes, the tokens <|end|>, <|system|>, <|user|>, <|tool|> and
// <|assistant|>, and the pieces. Behind <|assistant|> come the pieces in their order and <|end|>; behind the byte },
// with which an answer ends that was made to follow a schema, `closing` and <|end|>; behind any other token "." without
// an end. A control piece <|end|> is that token.
void write_chain_model(const std::filesystem::path& path, const std::string& chat_template,
                       const std::vector<ChainPiece>& pieces, const ChainPiece& closing);

}  // namespace hearth
