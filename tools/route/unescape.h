// Texts in which JSON's escapes stand: calls' arguments, and answers of tools that quote some.
#pragma once

#include <string>
#include <string_view>

namespace hearth::route {

// "\/" is "/", "\u00dc" is a letter, "\n" a line's end; what is no escape of JSON stays as it is. Once: "\\/" is "\/".
std::string unescaped(std::string_view text);

}  // namespace hearth::route
