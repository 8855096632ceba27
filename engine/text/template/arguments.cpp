// Matching arguments with parameters.
#include "engine/text/template/arguments.h"

#include <algorithm>

#include "engine/text/template/error.h"

namespace hearth {
namespace {

[[noreturn]] void fail(std::string_view function, const std::string& what) {
  throw TemplateError(TemplateError::Kind::type, std::string(function) + ": " + what);
}

struct Parameter {
  std::string_view name;
  bool required;
};

std::vector<Parameter> parse_parameters(std::string_view text) {
  std::vector<Parameter> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string_view name = text.substr(0, end);
    const bool required = name.ends_with('!');
    if (required) name.remove_suffix(1);
    out.push_back({name, required});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

Bound::Bound(std::string_view function, std::string_view parameters, const Arguments& arguments)
    : function_(function), arguments_(arguments) {
  if (parameters == "*") return;
  const std::vector<Parameter> expected = parse_parameters(parameters);
  if (arguments.plain.size() > expected.size()) fail(function, "too many arguments");
  values_.resize(expected.size(), nullptr);
  for (std::size_t i = 0; i < arguments.plain.size(); ++i) values_[i] = &arguments.plain[i];
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::ranges::find(expected, std::string_view(name), &Parameter::name);
    if (found == expected.end()) fail(function, "there is no argument '" + name + "'");
    const Value*& place = values_[static_cast<std::size_t>(found - expected.begin())];
    if (place != nullptr) fail(function, "the argument '" + name + "' is given twice");
    place = &value;
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].required && !values_[i])
      fail(function, "the argument '" + std::string(expected[i].name) + "' is missing");
  }
}

std::int64_t Bound::integer(std::size_t i, std::int64_t absent) const {
  const Value* value = find(i);
  if (value == nullptr) return absent;
  if (value->is_undefined())
    throw TemplateError(TemplateError::Kind::undefined, function_ + ": an integer is undefined");
  if (!value->is_integral()) fail(function_, "expected an integer, not " + std::string(type_name(*value)));
  return value->integer();
}

const std::string& Bound::string(std::size_t i) const {
  const Value* value = find(i);
  if (value == nullptr || !value->is_string())
    fail(function_, "expected a string" + (value ? ", not " + std::string(type_name(*value)) : ""));
  return value->string();
}

std::string Bound::text(std::size_t i, std::string_view absent) const {
  return find(i) ? to_text(*find(i)) : std::string(absent);
}

}  // namespace hearth
