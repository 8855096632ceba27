// UTF-8 as Python sees its strings: code points, white space, and simple case mapping.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

// Decodes one code point at `at` and moves past it. An invalid byte stands for itself as U+FFFD, one byte long.
char32_t next_code_point(std::string_view text, std::size_t& at);
void append_code_point(std::string& out, char32_t code);

// Number of code points.
std::size_t text_length(std::string_view text);
// Byte offset of every code point, and the byte length at the end: length + 1 entries.
std::vector<std::size_t> code_point_offsets(std::string_view text);

// Python's str.isspace of one code point: U+FEFF and U+200B are not white space.
bool is_python_space(char32_t code);
// Where str.splitlines ends a line.
bool is_line_end(char32_t code);
enum class CharacterClass { upper, lower, letter, digit, number, other };
CharacterClass class_of(char32_t code);
bool is_letter(char32_t code);
bool is_cased(char32_t code);
// What \w matches.
bool is_word(char32_t code);
// What repr() writes as it is.
bool is_printable(char32_t code);
char32_t lower_code_point(char32_t code);
char32_t upper_code_point(char32_t code);

std::string lower_text(std::string_view text);
std::string upper_text(std::string_view text);
// Python's str.title (every word) and str.capitalize (first letter only).
std::string title_text(std::string_view text);
std::string capitalize_text(std::string_view text);

// Python's str.splitlines. The lines point into `text`.
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends = false);

// Removes white space, or with `chars` any of its code points, from the chosen ends.
std::string_view strip_text(std::string_view text, bool left, bool right, const std::string_view* chars = nullptr);

}  // namespace hearth
