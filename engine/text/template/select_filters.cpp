// Filters that apply another filter or a test to every item.
#include <algorithm>

#include "engine/text/template/filters.h"
#include "engine/text/template/interpreter.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;

Arguments from(const Arguments& a, std::size_t first) {
  const auto skipped = static_cast<std::ptrdiff_t>(std::min(first, a.plain.size()));
  return {{a.plain.begin() + skipped, a.plain.end()}, a.named};
}

Value map_attribute(Interpreter& in, const Value& v, const Arguments& a) {
  const Value* attribute = nullptr;
  const Value* absent = nullptr;
  for (const auto& [name, value] : a.named) {
    if (name == "attribute")
      attribute = &value;
    else if (name == "default")
      absent = value.is_none() ? nullptr : &value;
    else
      in.fail(Error::type, "map takes no argument '" + name + "'");
  }
  if (!attribute) in.fail(Error::type, "map needs a filter or an attribute");
  std::vector<Value> out;
  for (const Value& one : in.items_of(v)) out.push_back(in.path(one, *attribute, absent));
  return in.iterator(std::move(out));
}

Value map(Interpreter& in, const Value& v, const Bound& bound) {
  if (!v.truthy()) return in.iterator({});
  const Arguments& a = bound.all();
  if (a.plain.empty()) return map_attribute(in, v, a);
  const std::string name = in.str(a.plain[0]);
  const Arguments rest = from(a, 1);
  std::vector<Value> out;
  for (const Value& one : in.items_of(v)) out.push_back(in.filter(name, one, rest));
  return in.iterator(std::move(out));
}

// Keeps the items for which the test, or their own truth, is `wanted`; `by_attribute`: that of an attribute of theirs.
template <bool wanted, bool by_attribute>
Value select(Interpreter& in, const Value& v, const Bound& bound) {
  if (!v.truthy()) return in.iterator({});
  const Arguments& a = bound.all();
  constexpr std::size_t kTest = by_attribute ? 1 : 0;
  if (by_attribute && a.plain.empty()) in.fail(Error::type, "an attribute is missing");
  const std::string name = a.plain.size() > kTest ? in.str(a.plain[kTest]) : "";
  const Arguments rest = from(a, kTest + 1);
  std::vector<Value> out;
  for (Value& one : in.items_of(v)) {
    const Value subject = by_attribute ? in.path(one, a.plain[0]) : one;
    const bool holds = a.plain.size() > kTest ? in.test(name, subject, rest) : subject.truthy();
    if (holds == wanted) out.push_back(std::move(one));
  }
  return in.iterator(std::move(out));
}

constexpr Filter kSelectFilters[] = {{"map", "*", map},
                                     {"select", "*", select<true, false>},
                                     {"reject", "*", select<false, false>},
                                     {"selectattr", "*", select<true, true>},
                                     {"rejectattr", "*", select<false, true>}};

}  // namespace

std::span<const Filter> select_filters() { return kSelectFilters; }

}  // namespace hearth
