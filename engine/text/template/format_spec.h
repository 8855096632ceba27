// Python's mini-language for the width, alignment and digits of one printed value.
#pragma once

#include <string>
#include <string_view>

#include "engine/text/template/value.h"

namespace hearth {

// What stands behind the ':' in "{:*>+#010,.2f}".
struct FormatSpec {
  std::string fill = " ";  // one code point
  char align = '\0';       // < > ^ =, or none: by the type of the value
  char sign = '-';         // - + or blank
  bool alternate = false;  // #
  std::size_t width = 0;
  char grouping = '\0';  // , or _
  int precision = -1;    // -1: none
  char type = '\0';      // none: by the type of the value
};

// Throws TemplateError: type for a bad specification, budget for a width or precision beyond reason.
FormatSpec parse_format_spec(std::string_view text);
// Python's format(value, spec). TemplateError (type) where the type does not fit the value.
std::string format_value(const Value& value, const FormatSpec& spec);
// `text` in a field of at least `width` code points; `align` is one of < > ^.
std::string aligned(std::string_view text, std::size_t width, char align, std::string_view fill = " ");

}  // namespace hearth
