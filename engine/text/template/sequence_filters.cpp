// Filters over sequences that keep their order.
#include <algorithm>

#include "engine/text/template/filters.h"
#include "engine/text/template/texts.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;

bool is_iterator(const Value& v) { return v.is(Value::Kind::object) && v.object().kind == Object::Kind::iterator; }

Value default_(Interpreter&, const Value& v, const Bound& a) {
  const bool replaced = v.is_undefined() || (a.truthy(1) && !v.truthy());
  return replaced ? a.value(0, "") : v;
}

Value length(Interpreter& in, const Value& v, const Bound&) {
  if (v.is_string()) return in.charge(v.string().size() / 16), text_length(v.string());
  if (v.is_list()) return v.list().items.size();
  if (v.is_dict()) return v.dict().items.size();
  if (v.is_undefined()) return 0;
  in.fail(Error::type, "a " + std::string(type_name(v)) + " has no length");
}

Value list(Interpreter& in, const Value& v, const Bound&) { return Value::list(in.items_of(v)); }

Value items(Interpreter& in, const Value& v, const Bound&) {
  if (v.is_undefined()) return in.iterator({});
  if (!v.is_dict()) in.fail(Error::type, "items needs a dict");
  return in.iterator(in.items_of(in.method(v, "items", {})));
}

Value first(Interpreter& in, const Value& v, const Bound&) {
  if (is_iterator(v)) return in.next_item(v.object());
  std::vector<Value> all = in.items_of(v);
  return all.empty() ? Value() : all.front();
}
Value last(Interpreter& in, const Value& v, const Bound&) {
  if (is_iterator(v)) in.fail(Error::type, "an iterator cannot be reversed");
  std::vector<Value> all = in.items_of(v);
  return all.empty() ? Value() : all.back();
}

Value joined(Interpreter& in, const std::vector<Value>& parts, const std::string& separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += in.str(parts[i]);
    in.limit_bytes(out.size());
  }
  return in.text(out);
}

Value reverse(Interpreter& in, const Value& v, const Bound&) {
  std::vector<Value> all = in.items_of(v);
  std::reverse(all.begin(), all.end());
  if (v.is_string()) return joined(in, all, "");
  return is_iterator(v) ? Value::list(std::move(all)) : in.iterator(std::move(all));
}

Value join(Interpreter& in, const Value& v, const Bound& a) {
  std::vector<Value> parts = in.items_of(v);
  if (a.given(1)) {
    for (Value& one : parts) one = in.path(one, *a.find(1));
  }
  return joined(in, parts, a.text(0));
}

Value sum(Interpreter& in, const Value& v, const Bound& a) {
  Value total = a.value(1, 0);
  for (const Value& one : in.items_of(v))
    total = in.arithmetic("+", total, a.given(0) ? in.path(one, *a.find(0)) : one);
  return total;
}

// Rows of `linecount` items.
Value batch(Interpreter& in, const Value& v, const Bound& a) {
  const std::int64_t size = a.integer(0);
  if (size < 1) in.fail(Error::type, "a batch needs a positive size");
  const auto wanted = static_cast<std::size_t>(size);
  std::vector<Value> rows, row;
  for (Value& one : in.items_of(v)) {
    if (row.size() == wanted) rows.push_back(Value::list(std::exchange(row, {})));
    row.push_back(std::move(one));
  }
  if (!row.empty()) {
    if (a.given(1)) in.charge(wanted);
    while (a.given(1) && row.size() < wanted) row.push_back(*a.find(1));
    rows.push_back(Value::list(std::move(row)));
  }
  return in.iterator(std::move(rows));
}

// `slices` columns, the first ones longer by one where it does not divide.
Value slice(Interpreter& in, const Value& v, const Bound& a) {
  const std::vector<Value> all = in.items_of(v);
  const std::int64_t count = a.integer(0);
  if (count < 1) in.fail(Error::type, "slice needs a positive count");
  in.charge(static_cast<std::uint64_t>(count) * 4);
  const auto columns = static_cast<std::size_t>(count);
  std::vector<Value> out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < columns; ++i) {
    const bool longer = i < all.size() % columns;
    const std::size_t size = all.size() / columns + longer;
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
    std::vector<Value> column(begin, begin + static_cast<std::ptrdiff_t>(size));
    if (a.given(1) && !longer) column.push_back(*a.find(1));
    out.push_back(Value::list(std::move(column)));
    at += size;
  }
  return in.iterator(std::move(out));
}

Value attr(Interpreter& in, const Value& v, const Bound& a) {
  if (v.is_undefined()) in.fail(Error::undefined, "attribute of an undefined value");
  const std::string name = a.text(0);
  if (v.is_dict() && !find_method(v, name)) return {};
  return in.attribute(v, name);
}

constexpr Filter kSequenceFilters[] = {{"default", "default_value boolean", default_},
                                       {"d", "default_value boolean", default_},
                                       {"length", "", length},
                                       {"count", "", length},
                                       {"list", "", list},
                                       {"items", "", items},
                                       {"first", "", first},
                                       {"last", "", last},
                                       {"reverse", "", reverse},
                                       {"join", "d attribute", join},
                                       {"sum", "attribute start", sum},
                                       {"batch", "linecount! fill_with", batch},
                                       {"slice", "slices! fill_with", slice},
                                       {"attr", "name!", attr}};

}  // namespace

std::span<const Filter> sequence_filters() { return kSequenceFilters; }

}  // namespace hearth
