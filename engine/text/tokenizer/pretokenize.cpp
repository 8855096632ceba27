// The pre-tokenizers by hand: every rule is a function that looks at one place and says how far a word reaches.
#include "engine/text/tokenizer/pretokenize.h"

#include <utility>

#include "engine/text/tokenizer/unicode.h"

namespace hearth {
namespace {

// Several names stand for one split; they are those that GGUF converters write.
constexpr std::pair<std::string_view, PreTokenizer> kNames[] = {
    {"gpt-2", PreTokenizer::gpt2},       {"gpt2", PreTokenizer::gpt2},
    {"phi-2", PreTokenizer::gpt2},       {"olmo", PreTokenizer::gpt2},
    {"mpt", PreTokenizer::gpt2},         {"llama-bpe", PreTokenizer::llama3},
    {"llama3", PreTokenizer::llama3},    {"llama-v3", PreTokenizer::llama3},
    {"dbrx", PreTokenizer::cl100k},      {"smaug-bpe", PreTokenizer::cl100k},
    {"glm4", PreTokenizer::cl100k},      {"chatglm-bpe", PreTokenizer::cl100k},
    {"qwen2", PreTokenizer::qwen2},      {"deepseek-r1-qwen", PreTokenizer::qwen2},
    {"stablelm2", PreTokenizer::qwen2},  {"deepseek-coder", PreTokenizer::deepseek_coder},
    {"falcon", PreTokenizer::falcon},    {"starcoder", PreTokenizer::starcoder},
    {"refact", PreTokenizer::starcoder}, {"command-r", PreTokenizer::starcoder},
    {"smollm", PreTokenizer::starcoder}, {"codeshell", PreTokenizer::starcoder},
};

struct Letter {
  char32_t code;
  uint32_t begin;  // in bytes
  CharKind kind;
};

// The text by characters; positions below count these.
class Characters {
 public:
  explicit Characters(std::string_view text) : bytes_(static_cast<uint32_t>(text.size())) {
    letters_.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
      const Character character = read_character(text, at);
      const CharKind kind = character.valid ? char_kind(character.code) : CharKind::other;
      letters_.push_back({character.code, static_cast<uint32_t>(at), kind});
      at += character.size;
    }
  }

  uint32_t size() const { return static_cast<uint32_t>(letters_.size()); }
  uint32_t byte_at(uint32_t i) const { return i < size() ? letters_[i].begin : bytes_; }
  char32_t code(uint32_t i) const { return letters_[i].code; }
  CharKind kind(uint32_t i) const { return letters_[i].kind; }
  bool is(uint32_t i, CharKind wanted) const { return kind(i) == wanted; }
  bool is_newline(uint32_t i) const { return code(i) == '\r' || code(i) == '\n'; }
  // [^\s\p{L}\p{N}]
  bool is_symbol(uint32_t i) const { return is(i, CharKind::punctuation) || is(i, CharKind::other); }

 private:
  uint32_t bytes_;
  std::vector<Letter> letters_;
};

// The first position from `at` on, at most `end`, whose character the test refuses.
template <typename Test>
uint32_t skip(uint32_t at, uint32_t end, Test test) {
  while (at < end && test(at)) ++at;
  return at;
}

uint32_t skip_kind(const Characters& text, uint32_t at, uint32_t end, CharKind kind) {
  return skip(at, end, [&](uint32_t i) { return text.is(i, kind); });
}

// A rule gets a position and the end of the piece it is in, and gives the end of the word that begins there, or the
// position itself where none does. Each takes time in proportion to the word, or looks at one character more.

// 's|'t|'re|'ve|'m|'ll|'d, and with `any_case` what (?i) makes of it: U+017F is a lower-case s too.
uint32_t match_contraction(const Characters& text, uint32_t at, uint32_t end, bool any_case) {
  if (text.code(at) != '\'') return at;
  const auto letter = [&](uint32_t i) -> char32_t {
    if (i >= end) return 0;
    const char32_t code = text.code(i);
    if (any_case && code >= 'A' && code <= 'Z') return code + ('a' - 'A');
    return any_case && code == 0x17F ? U's' : code;
  };
  const char32_t first = letter(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  const char32_t second = letter(at + 2);
  const bool two =
      (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
  return two ? at + 3 : at;
}

// \s+(?!\S)|\s+ : white space, which leaves its last character to a word that follows.
uint32_t match_space(const Characters& text, uint32_t at, uint32_t end) {
  const uint32_t stop = skip_kind(text, at, end, CharKind::space);
  return stop < end && stop - at > 1 ? stop - 1 : stop;
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
uint32_t match_gpt2(const Characters& text, uint32_t at, uint32_t end) {
  if (const uint32_t stop = match_contraction(text, at, end, false); stop != at) return stop;
  const uint32_t word = text.code(at) == ' ' ? at + 1 : at;
  if (word < end && !text.is(word, CharKind::space)) {
    const CharKind kind = text.kind(word);
    if (kind == CharKind::letter || kind == CharKind::number) return skip_kind(text, word, end, kind);
    return skip(word, end, [&](uint32_t i) { return text.is_symbol(i); });
  }
  return match_space(text, at, end);
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,DIGITS}|
// ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
uint32_t match_llama3(const Characters& text, uint32_t at, uint32_t end, uint32_t digits) {
  if (const uint32_t stop = match_contraction(text, at, end, true); stop != at) return stop;
  if (text.is(at, CharKind::letter)) return skip_kind(text, at, end, CharKind::letter);
  if (text.is(at, CharKind::number))
    return skip_kind(text, at, end - at > digits ? at + digits : end, CharKind::number);
  if (!text.is_newline(at) && at + 1 < end && text.is(at + 1, CharKind::letter)) {
    return skip_kind(text, at + 1, end, CharKind::letter);
  }
  const uint32_t word = text.code(at) == ' ' ? at + 1 : at;
  if (word < end && text.is_symbol(word)) {
    const uint32_t stop = skip(word, end, [&](uint32_t i) { return text.is_symbol(i); });
    return skip(stop, end, [&](uint32_t i) { return text.is_newline(i); });
  }
  uint32_t after_newline = at;
  skip(at, end, [&](uint32_t i) {
    if (text.is_newline(i)) after_newline = i + 1;
    return text.is(i, CharKind::space);
  });
  return after_newline != at ? after_newline : match_space(text, at, end);
}

// \s?\p{L}+ or \s?\p{P}+
uint32_t match_spaced(const Characters& text, uint32_t at, uint32_t end, CharKind kind) {
  const uint32_t word = text.is(at, CharKind::space) ? at + 1 : at;
  const uint32_t stop = skip_kind(text, word, end, kind);
  return stop == word ? at : stop;
}

// [一-龥ࠀ-一가-퟿]: U+0800..U+9FA5 and U+AC00..U+D7FF
bool is_deepseek_block(char32_t code) {
  return (code >= 0x800 && code <= 0x9FA5) || (code >= 0xAC00 && code <= 0xD7FF);
}

// [\p{P}$+<=>^~|`]: Unicode's punctuation, and of ASCII also the symbols
bool is_falcon_punctuation(const Characters& text, uint32_t i) {
  constexpr std::string_view kSymbols = "$+<=>^~|`";
  const char32_t code = text.code(i);
  return text.is(i, CharKind::punctuation) || (code < 0x80 && kSymbols.find(static_cast<char>(code)) != kSymbols.npos);
}

// [0-9][0-9][0-9]
uint32_t match_three_digits(const Characters& text, uint32_t at, uint32_t end) {
  const uint32_t stop =
      skip(at, end, [&](uint32_t i) { return i < at + 3 && text.code(i) >= '0' && text.code(i) <= '9'; });
  return stop == at + 3 ? stop : at;
}

// Cuts every piece into the words that the rule finds, from left to right, and what lies between them.
template <typename Rule>
void split(std::vector<uint32_t>& ends, Rule rule) {
  std::vector<uint32_t> cut;
  cut.reserve(ends.size());
  uint32_t at = 0;
  for (const uint32_t end : ends) {
    uint32_t word = at;
    while (at < end) {
      const uint32_t stop = rule(at, end);
      if (stop == at) {
        ++at;
        continue;
      }
      if (word < at) cut.push_back(at);
      cut.push_back(stop);
      word = at = stop;
    }
    if (word < end) cut.push_back(end);
  }
  ends = std::move(cut);
}

}  // namespace

std::optional<PreTokenizer> find_pre_tokenizer(std::string_view name) {
  for (const auto& [known, rules] : kNames) {
    if (known == name) return rules;
  }
  return std::nullopt;
}

std::string known_pre_tokenizers() {
  std::string names;
  for (const auto& [name, rules] : kNames) {
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names;
}

std::vector<uint32_t> pre_tokenize(PreTokenizer rules, std::string_view bytes) {
  if (bytes.empty()) return {};
  const Characters text(bytes);
  std::vector<uint32_t> ends{text.size()};
  const auto gpt2 = [&](uint32_t at, uint32_t end) { return match_gpt2(text, at, end); };
  const auto one_number = [&](uint32_t at, uint32_t) { return text.is(at, CharKind::number) ? at + 1 : at; };
  switch (rules) {
    case PreTokenizer::gpt2:
      split(ends, gpt2);
      break;
    case PreTokenizer::llama3:
    case PreTokenizer::cl100k:
      split(ends, [&](uint32_t at, uint32_t end) { return match_llama3(text, at, end, 3); });
      break;
    case PreTokenizer::qwen2:
      split(ends, [&](uint32_t at, uint32_t end) { return match_llama3(text, at, end, 1); });
      break;
    case PreTokenizer::deepseek_coder:  // [\r\n], \s?\p{L}+, \s?\p{P}+, the blocks, and single numbers, one after the
                                        // other
      split(ends, [&](uint32_t at, uint32_t) { return text.is_newline(at) ? at + 1 : at; });
      split(ends, [&](uint32_t at, uint32_t end) { return match_spaced(text, at, end, CharKind::letter); });
      split(ends, [&](uint32_t at, uint32_t end) { return match_spaced(text, at, end, CharKind::punctuation); });
      split(ends, [&](uint32_t at, uint32_t end) {
        return skip(at, end, [&](uint32_t i) { return is_deepseek_block(text.code(i)); });
      });
      split(ends, one_number);
      break;
    case PreTokenizer::falcon:  // punctuation, then gpt2, then three digits
      split(ends, [&](uint32_t at, uint32_t end) {
        return skip(at, end, [&](uint32_t i) { return is_falcon_punctuation(text, i); });
      });
      split(ends, gpt2);
      split(ends, [&](uint32_t at, uint32_t end) { return match_three_digits(text, at, end); });
      break;
    case PreTokenizer::starcoder:  // single numbers, then gpt2
      split(ends, one_number);
      split(ends, gpt2);
      break;
  }
  for (uint32_t& end : ends) end = text.byte_at(end);
  return ends;
}

}  // namespace hearth
