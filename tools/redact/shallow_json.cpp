// Counting brackets before parsing.
#include "tools/redact/shallow_json.h"

namespace hearth::redact {
namespace {

constexpr int kMostLevels = 64;

bool is_shallow(std::string_view text) {
  int depth = 0;
  bool inside = false;  // a string
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inside) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inside = false;
    } else if (c == '"') {
      inside = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMostLevels) return false;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return true;
}

}  // namespace

Json parse_shallow(std::string_view text) {
  if (!is_shallow(text)) return {};
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_discarded() ? Json() : parsed;
}

}  // namespace hearth::redact
