// The formats of strings that JSON Schema names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hearth {

// A pattern of texts in a format, anchored at both ends: all of them, or the usual ones where all would be too many.
// nullopt for formats that only describe.
std::optional<std::string> format_pattern(std::string_view format);

}  // namespace hearth
