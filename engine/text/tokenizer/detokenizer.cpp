// The streaming side of decoding.
#include "engine/text/tokenizer/detokenizer.h"

#include "engine/text/tokenizer/unicode.h"

namespace hearth {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, DetokenizerOptions options)
    : tokenizer_(&tokenizer), options_(options), at_start_(!options.continues) {}

std::string Detokenizer::push(int32_t id, bool show) {
  tokenizer_->append_bytes(id, show || options_.show_special, at_start_, waiting_);
  std::string text;
  move_valid_utf8(waiting_, text, false);
  return text;
}

std::string Detokenizer::finish() {
  std::string text;
  move_valid_utf8(waiting_, text, true);
  at_start_ = !options_.continues;
  return text;
}

}  // namespace hearth
