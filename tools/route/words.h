// Words that people write in one way or another.
#pragma once

#include <cctype>
#include <string>

namespace hearth::route {

inline std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace hearth::route
