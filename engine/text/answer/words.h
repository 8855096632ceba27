// Markers as sequences of words, for models are free with the white space between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

inline constexpr std::string_view kAnswerSpace = " \t\r\n";

std::string_view trim(std::string_view text);

// A marker's words: tags such as <tool_call> or [TOOL_CALLS], and what stands between white space and tags.
using Words = std::vector<std::string>;
Words split_words(std::string_view marker);

// A word that stands for any letters, digits, '-' and '_' up to kLongestAny: for an id that differs from call to call.
inline constexpr std::string_view kAnyWord = "\x01";
inline constexpr size_t kLongestAny = 64;

struct WordsMatch {
  enum class Kind : uint8_t { no, partial, yes };
  Kind kind = Kind::no;
  size_t end = 0;  // with yes: behind the last word
};

// Whether the words stand at `at`, with white space of up to kMostSpace bytes before and between them; partial where
// the text ends too early to say. No words always match.
inline constexpr size_t kMostSpace = 256;
WordsMatch match_words(std::string_view text, size_t at, const Words& words);

// Length of the longest end of `text` with which `marker` begins, short of the whole marker.
size_t held_end(std::string_view text, std::string_view marker);

// Where markers may be cut: tags, names, white space and other characters, one by one.
std::vector<std::string_view> split_atoms(std::string_view text);
// Bytes of the common beginning or end of two texts, in whole atoms.
size_t common_beginning(std::string_view a, std::string_view b);
size_t common_end(std::string_view a, std::string_view b);

}  // namespace hearth
