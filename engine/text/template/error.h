// The one exception of the template engine.
#pragma once

#include <exception>
#include <new>
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

// Calls `action`; whatever it throws comes out as a TemplateError that knows its line: `line` where it knows none
// itself.
template <class Action>
auto with_template_errors(const int& line, Action&& action) -> decltype(action()) {
  using Kind = TemplateError::Kind;
  try {
    return action();
  } catch (const TemplateError& error) {
    if (error.line() > 0) throw;
    throw TemplateError(error.kind(), error.bare_message(), line);
  } catch (const std::bad_alloc&) {
    throw TemplateError(Kind::budget, "there is not enough memory", line);
  } catch (const std::length_error&) {
    throw TemplateError(Kind::budget, "a value is too large", line);
  } catch (const std::exception& error) {
    throw TemplateError(Kind::type, error.what(), line);
  }
}

}  // namespace hearth
