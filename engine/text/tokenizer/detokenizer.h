// Turns the ids of a growing sequence into text, as they come.
#pragma once

#include <cstdint>
#include <string>

#include "engine/text/tokenizer/tokenizer.h"

namespace hearth {

struct DetokenizerOptions {
  // The sequence goes on after a prompt, so a space at its beginning is part of the text.
  bool continues = false;
  // Control tokens appear with their own text instead of none.
  bool show_special = false;
};

// Every piece it gives out is valid UTF-8: the bytes of a character wait until it is whole. What is given out in all is
// Tokenizer::decode of the same ids, with U+FFFD for each byte that is no UTF-8. One thread at a time.
class Detokenizer {
 public:
  // The tokenizer must outlive the detokenizer and stay where it is.
  explicit Detokenizer(const Tokenizer& tokenizer, DetokenizerOptions options = {});

  // The text that has become certain; often empty. `show`: also of a control token. TokenizerError for an id that the
  // vocabulary has not.
  std::string push(int32_t id, bool show = false);
  // What still waited: U+FFFD for each byte. Afterwards a new sequence may begin.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  DetokenizerOptions options_;
  bool at_start_;
  std::string waiting_;  // at most three bytes between calls
};

}  // namespace hearth
