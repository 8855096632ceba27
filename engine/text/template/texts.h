// What the text filters and the methods of str share.
#pragma once

#include <string>
#include <string_view>

#include "engine/text/template/interpreter.h"
#include "engine/text/template/unicode.h"

namespace hearth {

// Python's str.replace; a negative count replaces all.
std::string replace_text(Interpreter& in, const std::string& text, const std::string& from, const std::string& to,
                         std::int64_t count);
// Whether the text has cased letters and all are upper, or lower, as wanted.
bool is_of_case(std::string_view text, CharacterClass wanted);

}  // namespace hearth
