// The rules by hand.
#include "engine/text/tokenizer/word_rules.h"

namespace hearth {
namespace {

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

// \s*[\r\n]+|\s+(?!\S)|\s+
uint32_t match_lines(const Characters& text, uint32_t at, uint32_t end) {
  uint32_t after_newline = at;
  skip(at, end, [&](uint32_t i) {
    if (text.is_newline(i)) after_newline = i + 1;
    return text.is(i, CharKind::space);
  });
  return after_newline != at ? after_newline : match_space(text, at, end);
}

//  ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ , with `slash` [\r\n/]* in the first, with `marks` not \p{M} in it
uint32_t match_symbols(const Characters& text, uint32_t at, uint32_t end, bool slash = false, bool marks = false) {
  const auto is_symbol = [&](uint32_t i) { return text.is_symbol(i) && !(marks && is_mark(text.code(i))); };
  const uint32_t word = text.code(at) == ' ' ? at + 1 : at;
  if (word >= end || !is_symbol(word)) return match_lines(text, at, end);
  return skip(skip(word, end, is_symbol), end,
              [&](uint32_t i) { return text.is_newline(i) || (slash && text.code(i) == '/'); });
}

// [^\r\n\p{L}\p{N}]?UPPER*LOWER+|[^\r\n\p{L}\p{N}]?UPPER+LOWER* with the letters of letter_case, or `at`.
uint32_t match_cased_word(const Characters& text, uint32_t at, uint32_t end) {
  const auto is_upper = [&](uint32_t i) {
    const LetterCase kind = letter_case(text.code(i));
    return kind == LetterCase::upper || kind == LetterCase::either;
  };
  const auto is_lower = [&](uint32_t i) {
    const LetterCase kind = letter_case(text.code(i));
    return kind == LetterCase::lower || kind == LetterCase::either;
  };
  // The end of UPPER*LOWER+ from `from`; `from` itself where there is none.
  const auto lower_word = [&](uint32_t from) {
    const uint32_t capitals = skip(from, end, is_upper);
    if (capitals < end && is_lower(capitals)) return skip(capitals, end, is_lower);
    for (uint32_t i = capitals; i > from; --i)  // the last that may be either counts as lower
      if (is_lower(i - 1)) return i;
    return from;
  };
  const auto upper_word = [&](uint32_t from) {
    const uint32_t capitals = skip(from, end, is_upper);
    return capitals == from ? from : skip(capitals, end, is_lower);
  };
  const bool may_precede = !text.is_newline(at) && !text.is(at, CharKind::letter) && !text.is(at, CharKind::number);
  const bool precedes = may_precede && at + 1 < end;
  if (precedes)
    if (const uint32_t stop = lower_word(at + 1); stop != at + 1) return stop;
  if (const uint32_t stop = lower_word(at); stop != at) return stop;
  if (precedes)
    if (const uint32_t stop = upper_word(at + 1); stop != at + 1) return stop;
  return upper_word(at);
}

}  // namespace

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

uint32_t match_llama3(const Characters& text, uint32_t at, uint32_t end, uint32_t digits, bool marks) {
  const auto is_letter = [&](uint32_t i) { return text.is(i, CharKind::letter) || (marks && is_mark(text.code(i))); };
  if (const uint32_t stop = match_contraction(text, at, end, true); stop != at) return stop;
  if (text.is(at, CharKind::letter)) return skip(at, end, is_letter);
  if (text.is(at, CharKind::number))
    return skip_kind(text, at, end - at > digits ? at + digits : end, CharKind::number);
  if (!text.is_newline(at) && at + 1 < end && is_letter(at + 1)) return skip(at + 1, end, is_letter);
  if (is_letter(at)) return skip(at, end, is_letter);
  return match_symbols(text, at, end, false, marks);
}

uint32_t match_cased(const Characters& text, uint32_t at, uint32_t end, uint32_t digits, bool contractions) {
  if (const uint32_t stop = match_cased_word(text, at, end); stop != at)
    return contractions && stop < end ? match_contraction(text, stop, end, true) : stop;
  if (text.is(at, CharKind::number))
    return skip_kind(text, at, end - at > digits ? at + digits : end, CharKind::number);
  return match_symbols(text, at, end, true);
}

uint32_t match_deepseek_v3(const Characters& text, uint32_t at, uint32_t end) {
  const auto is_ascii_letter = [&](uint32_t i) {
    const char32_t lower = text.code(i) | 0x20u;
    return lower >= 'a' && lower <= 'z';
  };
  const auto is_letter = [&](uint32_t i) { return text.is(i, CharKind::letter) || is_mark(text.code(i)); };
  const auto is_sign = [&](uint32_t i) { return text.is(i, CharKind::punctuation) || is_symbol(text.code(i)); };
  if (text.code(at) < 0x80 && is_sign(at) && at + 1 < end && is_ascii_letter(at + 1))
    return skip(at + 1, end, is_ascii_letter);
  const bool precedes = !text.is_newline(at) && !text.is(at, CharKind::letter) && !is_sign(at);
  if (precedes && at + 1 < end && is_letter(at + 1)) return skip(at + 1, end, is_letter);
  if (is_letter(at)) return skip(at, end, is_letter);
  const uint32_t word = text.code(at) == ' ' ? at + 1 : at;
  if (word < end && is_sign(word))
    return skip(skip(word, end, is_sign), end, [&](uint32_t i) { return text.is_newline(i); });
  return match_lines(text, at, end);
}

bool is_deepseek_letter(char32_t code) {
  const LetterCase kind = letter_case(code);
  const bool cased = kind == LetterCase::upper || kind == LetterCase::lower;
  return cased && !(code >= 0x560 && code <= 0x588) && !(code >= 0x10D0 && code <= 0x10FF);
}

bool is_deepseek_sign(char32_t code) {
  return (code >= '!' && code <= '/') || (code >= ':' && code <= '~') || (code >= 0xFF01 && code <= 0xFF0F) ||
         (code >= 0xFF1A && code <= 0xFF5E) || (code >= 0x2018 && code <= 0x201F) || (code >= 0x3000 && code <= 0x3002);
}

uint32_t match_spaced_run(const Characters& text, uint32_t at, uint32_t end, bool (*test)(char32_t)) {
  if (text.is(at, CharKind::space) && at + 1 < end && test(text.code(at + 1)))
    return skip(at + 1, end, [&](uint32_t i) { return test(text.code(i)); });
  return skip(at, end, [&](uint32_t i) { return test(text.code(i)); });
}

uint32_t match_spaced(const Characters& text, uint32_t at, uint32_t end, CharKind kind) {
  const uint32_t word = text.is(at, CharKind::space) ? at + 1 : at;
  const uint32_t stop = skip_kind(text, word, end, kind);
  return stop == word ? at : stop;
}

bool is_deepseek_block(char32_t code) {
  return (code >= 0x800 && code <= 0x9FA5) || (code >= 0xAC00 && code <= 0xD7FF);
}

bool is_falcon_punctuation(const Characters& text, uint32_t i) {
  constexpr std::string_view kSymbols = "$+<=>^~|`";
  const char32_t code = text.code(i);
  return text.is(i, CharKind::punctuation) || (code < 0x80 && kSymbols.find(static_cast<char>(code)) != kSymbols.npos);
}

uint32_t match_three_digits(const Characters& text, uint32_t at, uint32_t end) {
  const uint32_t stop =
      skip(at, end, [&](uint32_t i) { return i < at + 3 && text.code(i) >= '0' && text.code(i) <= '9'; });
  return stop == at + 3 ? stop : at;
}

}  // namespace hearth
