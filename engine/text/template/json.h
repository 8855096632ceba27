// JSON text to values and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/text/template/value.h"

namespace hearth {

// Reads one JSON text (RFC 8259). A number without fraction or exponent that fits becomes an integer, else a real.
// Throws TemplateError (syntax) for anything else, also for nesting deeper than `max_depth` (at most Value::kMaxDepth).
Value parse_json(std::string_view text, int max_depth = 64);

struct JsonStyle {
  std::optional<int> indent;  // as Python's json.dumps(indent=...)
  bool ascii = false;         // escape everything above ASCII
  bool sort_keys = false;
  std::string item_separator;  // empty: ", ", or "," with indent
  std::string key_separator;   // empty: ": "
};

// Python's json.dumps. TemplateError type for what JSON cannot say, budget above `max_bytes`.
std::string dump_json(const Value& value, const JsonStyle& style, std::size_t max_bytes);

}  // namespace hearth
