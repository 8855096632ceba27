// What filters, tests and methods are given, and where they are found by name.
#pragma once

#include <limits>

#include "engine/text/template/interpreter.h"

namespace hearth {

// One call: the subject is what stands before the `|`, `is` or `.`. The functions check the kinds of arguments and
// charge the interpreter's budget; what they cannot do is a TemplateError.
struct Call {
  Interpreter& in;
  const Value& subject;
  const Arguments& arguments;

  static constexpr std::size_t kNamedOnly = std::numeric_limits<std::size_t>::max();  // a position that no argument has

  // The argument at a position, or else the named one.
  Value value(std::size_t position, std::string_view name, Value absent = {}) const {
    const Value* found = arguments.at(position, name);
    return found != nullptr ? *found : std::move(absent);
  }
  bool given(std::size_t position, std::string_view name) const { return arguments.at(position, name) != nullptr; }
  std::string text(std::size_t position, std::string_view name) const;                           // a string
  std::string text(std::size_t position, std::string_view name, std::string_view absent) const;  // absent or None too
  std::int64_t integer(std::size_t position, std::string_view name) const;
  std::int64_t integer(std::size_t position, std::string_view name, std::int64_t absent) const;  // absent or None too
  bool flag(std::size_t position, std::string_view name) const { return value(position, name).truthy(); }
  Arguments rest(std::size_t first) const;  // the plain arguments from `first` on

  [[noreturn]] void fail(const std::string& what) const;
  void charge(std::uint64_t steps) const;
  void charge_search(std::size_t bytes, std::size_t wanted) const;
  void check_size(std::size_t bytes) const;  // of a text that is being made
  std::size_t most_bytes() const;            // of a text
  Value made(std::string text) const;        // a finished text
  std::vector<Value> items(const Value& value) const;
  std::vector<Value> items() const { return items(subject); }
  Value path(const Value& value, const Value& attribute) const;
  bool less(const Value& a, const Value& b) const;
  bool same(const Value& a, const Value& b) const;
  bool contains(const Value& container, const Value& one) const;
  Value binary(const char* op, const Value& a, const Value& b) const;
  Value filter(const std::string& name, const Value& value, const Arguments& with = {}) const;
  bool test(const std::string& name, const Value& value, const Arguments& with = {}) const;
  Value method(const Value& self, const std::string& name, const Arguments& with = {}) const;
};

using CallFunction = Value (*)(const Call&);
struct NamedFunction {
  std::string_view name;
  CallFunction function;
};

// Null where there is none of that name.
CallFunction find_filter(std::string_view name);
CallFunction find_test(std::string_view name);  // gives a boolean
CallFunction find_method(const Value& self, std::string_view name);
inline CallFunction find_in(std::span<const NamedFunction> table, std::string_view name) {
  for (const NamedFunction& one : table)
    if (one.name == name) return one.function;
  return nullptr;
}

// The tables, by subject.
std::span<const NamedFunction> text_filters();
std::span<const NamedFunction> number_filters();
std::span<const NamedFunction> sequence_filters();
std::span<const NamedFunction> text_methods();
std::span<const NamedFunction> splitting_methods();

// Python's str.format, and `pattern % values` where values is a tuple, a dict or one value.
Value format_text(const Call& call, const std::string& pattern, const Arguments& arguments);
Value format_percent(const Call& call, const std::string& pattern, const Value& values);
// Python's str.split, by white space where `by` is empty; `most` parts are split off, from the right if asked.
std::vector<Value> split_text(const std::string& text, const std::string& by, std::int64_t most, bool from_right);
std::vector<std::string> split_lines(const std::string& text, bool keep_ends);

}  // namespace hearth
