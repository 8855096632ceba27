// Splits a template source into text and the tokens of its tags.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth {

struct TemplateToken {
  enum class Kind { text, print_begin, print_end, block_begin, block_end, name, string, integer, real, op, end };
  Kind kind;
  std::string text;
  int line;
};

// White space is already as Jinja leaves it with trim_blocks and lstrip_blocks. Throws TemplateError (syntax).
std::vector<TemplateToken> lex_template(std::string_view source);

}  // namespace hearth
