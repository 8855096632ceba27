// Cutting a text into words and words into pieces.
#include "engine/text/tokenizer/wordpiece.h"

#include <algorithm>

#include "engine/text/tokenizer/error.h"
#include "engine/text/tokenizer/spm.h"
#include "engine/text/tokenizer/unicode.h"

namespace hearth {
namespace {

constexpr size_t kLongestWord = 100;  // in characters, as BERT's own tokenizer has it

bool is_ideograph(char32_t code) {
  return (code >= 0x4E00 && code <= 0x9FFF) || (code >= 0x3400 && code <= 0x4DBF) ||
         (code >= 0x20000 && code <= 0x2A6DF) || (code >= 0x2A700 && code <= 0x2CEAF) ||
         (code >= 0xF900 && code <= 0xFAFF) || (code >= 0x2F800 && code <= 0x2FA1F);
}

bool is_word_of_its_own(const Character& character) {
  if (character.code < 0x80) {
    const bool alphanumeric = (character.code >= '0' && character.code <= '9') ||
                              ((character.code | 0x20u) >= 'a' && (character.code | 0x20u) <= 'z');
    return character.code > ' ' && character.code < 0x7F && !alphanumeric;
  }
  return char_kind(character.code) == CharKind::punctuation || is_ideograph(character.code);
}

}  // namespace

WordPieceEncoder::WordPieceEncoder(const Gguf& gguf, const Vocabulary& vocabulary) {
  const auto named = vocabulary.special().unknown;
  const auto unknown = named ? named : vocabulary.find("[UNK]");
  if (!unknown) throw TokenizerError(gguf.name() + ": tokenizer.ggml.unknown_token_id: missing");
  unknown_ = *unknown;
  for (int32_t id = 0; id < vocabulary.size(); ++id) longest_ = std::max(longest_, vocabulary.text(id).size());
}

void WordPieceEncoder::encode(const Vocabulary& vocabulary, std::string_view text, std::vector<int32_t>& ids) const {
  std::string word;
  size_t characters = 0;
  const auto end_word = [&] {
    if (characters > kLongestWord) {
      ids.push_back(unknown_);
    } else if (!word.empty()) {
      encode_word(vocabulary, word, ids);
    }
    word.clear();
    characters = 0;
  };
  for (size_t at = 0; at < text.size();) {
    const Character character = read_character(text, at);
    at += character.size;
    if (is_space(character.code)) {
      end_word();
      continue;
    }
    if (!character.valid || character.code == 0xFFFD || is_control(character.code)) continue;
    const bool alone = is_word_of_its_own(character);
    if (alone) end_word();
    if (++characters <= kLongestWord) append_plain_lower(character.code, word);
    if (alone) end_word();
  }
  end_word();
}

void WordPieceEncoder::encode_word(const Vocabulary& vocabulary, const std::string& word,
                                   std::vector<int32_t>& ids) const {
  const std::string marked = std::string(kSpaceMark) + word;
  const size_t before = ids.size();
  for (size_t at = 0; at < marked.size();) {
    size_t length = std::min(longest_, marked.size() - at);
    std::optional<int32_t> piece;
    while (length > 0 && !(piece = vocabulary.find(std::string_view(marked).substr(at, length)))) --length;
    if (!piece) {
      ids.resize(before);
      ids.push_back(unknown_);
      return;
    }
    ids.push_back(*piece);
    at += length;
  }
}

}  // namespace hearth
