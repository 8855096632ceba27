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
  std::optional<std::string> indent;  // of one level; none: all on one line
  bool ascii = false;                 // escape everything above ASCII
  bool sort_keys = false;
  std::optional<std::string> item_separator;  // none: ", ", or "," with indent
  std::optional<std::string> key_separator;   // none: ": "
};

// Python's json.dumps. TemplateError type for what JSON cannot say, budget above `max_bytes`.
std::string dump_json(const Value& value, const JsonStyle& style, std::size_t max_bytes);

}  // namespace hearth
