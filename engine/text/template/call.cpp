// Checked arguments, and the interpreter's help.
#include "engine/text/template/call.h"

#include <algorithm>

namespace hearth {

std::string Call::text(std::size_t position, std::string_view name) const {
  const Value found = value(position, name);
  if (!found.is_string()) fail("argument '" + std::string(name) + "' must be a string");
  return found.string();
}

std::string Call::text(std::size_t position, std::string_view name, std::string_view absent) const {
  const Value found = value(position, name);
  return found.is_undefined() || found.is_none() ? std::string(absent) : text(position, name);
}

std::int64_t Call::integer(std::size_t position, std::string_view name) const {
  const Value found = value(position, name);
  if (!found.is_integral()) fail("argument '" + std::string(name) + "' must be an integer");
  return found.integer();
}

std::int64_t Call::integer(std::size_t position, std::string_view name, std::int64_t absent) const {
  const Value found = value(position, name);
  return found.is_undefined() || found.is_none() ? absent : integer(position, name);
}

Arguments Call::rest(std::size_t first) const {
  const auto begin = static_cast<std::ptrdiff_t>(std::min(first, arguments.plain.size()));
  return {{arguments.plain.begin() + begin, arguments.plain.end()}, arguments.named};
}

void Call::fail(const std::string& what) const { in.fail(TemplateError::Kind::type, what); }
void Call::charge(std::uint64_t steps) const { in.charge(steps); }
void Call::charge_search(std::size_t bytes, std::size_t wanted) const { in.charge_search(bytes, wanted); }
void Call::check_size(std::size_t bytes) const {
  if (bytes > in.limits_.max_output_bytes) in.fail(TemplateError::Kind::budget, "a text is too long");
}
std::size_t Call::most_bytes() const { return in.limits_.max_output_bytes; }
Value Call::made(std::string text) const { return in.text(std::move(text)); }
std::vector<Value> Call::items(const Value& value) const { return in.items_of(value); }
bool Call::less(const Value& a, const Value& b) const { return in.less(a, b); }
bool Call::same(const Value& a, const Value& b) const { return in.same(a, b); }
bool Call::contains(const Value& container, const Value& one) const { return in.contains(container, one); }
Value Call::binary(const char* op, const Value& a, const Value& b) const { return in.binary(op, a, b); }

Value Call::path(const Value& value, const Value& attribute) const {
  if (attribute.is_integral()) return in.item(value, attribute);
  Value out = value;
  const std::string p = to_text(attribute) + ".";
  for (std::size_t at = 0, dot; (dot = p.find('.', at)) != p.npos; at = dot + 1) {
    const std::string part = p.substr(at, dot - at);
    const bool index = !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == part.npos;
    out = in.item(out, index ? Value(std::int64_t{std::stoi(part)}) : Value(part));
  }
  return out;
}

Value Call::filter(const std::string& name, const Value& value, const Arguments& with) const {
  const CallFunction function = find_filter(name);
  if (function == nullptr) fail("unknown filter '" + name + "'");
  return function({in, value, with});
}

bool Call::test(const std::string& name, const Value& value, const Arguments& with) const {
  const CallFunction function = find_test(name);
  if (function == nullptr) fail("unknown test '" + name + "'");
  return function({in, value, with}).truthy();
}

Value Call::method(const Value& self, const std::string& name, const Arguments& with) const {
  const CallFunction function = find_method(self, name);
  if (function == nullptr) fail("a " + std::string(type_name(self)) + " has no method '" + name + "'");
  return function({in, self, with});
}

CallFunction find_filter(std::string_view name) {
  for (const auto table : {text_filters(), number_filters(), sequence_filters()})
    if (const CallFunction found = find_in(table, name)) return found;
  return nullptr;
}

}  // namespace hearth
