// The one exception of the template engine.
#pragma once

#include <stdexcept>
#include <string>

namespace hearth {

// What ended the parsing or the rendering of a template. The message is one line.
class TemplateError : public std::runtime_error {
 public:
  enum class Kind { syntax, raised, undefined, type, budget };

  TemplateError(Kind kind, const std::string& message, int line = 0);

  Kind kind() const noexcept { return kind_; }
  // Line of the template, from 1; 0 where no line is known.
  int line() const noexcept { return line_; }
  // The message without its line.
  const std::string& bare_message() const noexcept { return bare_; }

 private:
  Kind kind_;
  int line_;
  std::string bare_;
};

}  // namespace hearth
