// Filters that compare the items of a sequence: sorting, grouping, the least and the greatest.
#include <algorithm>

#include "engine/text/template/filters.h"
#include "engine/text/template/texts.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;

// An item and what it is compared by.
struct Keyed {
  Value key, item;
};

Value folded(Interpreter& in, const Value& key, bool case_sensitive) {
  return key.is_string() && !case_sensitive ? in.text(lower_text(key.string())) : key;
}

// The values at several paths, "role,name", or at one.
Value sort_key(Interpreter& in, const Value& item, const Value& attribute, bool case_sensitive) {
  if (!attribute.is_string()) return folded(in, in.path(item, attribute), case_sensitive);
  std::vector<Value> keys;
  const std::string paths = attribute.string() + ",";
  for (std::size_t at = 0, comma; (comma = paths.find(',', at)) != paths.npos; at = comma + 1) {
    keys.push_back(folded(in, in.path(item, paths.substr(at, comma - at)), case_sensitive));
  }
  return Value::list(std::move(keys));
}

void sort_keyed(Interpreter& in, std::vector<Keyed>& items, bool reverse) {
  std::stable_sort(items.begin(), items.end(), [&](const Keyed& a, const Keyed& b) {
    in.charge(1);
    return reverse ? in.less(b.key, a.key) : in.less(a.key, b.key);
  });
}

std::vector<Value> items_in(std::vector<Keyed> keyed) {
  std::vector<Value> out;
  for (Keyed& one : keyed) out.push_back(std::move(one.item));
  return out;
}

std::vector<Keyed> keyed_by(Interpreter& in, const Value& v, const Value& attribute, bool case_sensitive) {
  std::vector<Keyed> out;
  for (Value& one : in.items_of(v)) {
    Value key = folded(in, in.path(one, attribute), case_sensitive);
    out.push_back({std::move(key), std::move(one)});
  }
  return out;
}

Value sort(Interpreter& in, const Value& v, const Bound& a) {
  std::vector<Keyed> keyed;
  for (Value& one : in.items_of(v)) {
    Value key = sort_key(in, one, a.value(2), a.truthy(1));
    keyed.push_back({std::move(key), std::move(one)});
  }
  sort_keyed(in, keyed, a.truthy(0));
  return Value::list(items_in(std::move(keyed)));
}

Value dictsort(Interpreter& in, const Value& v, const Bound& a) {
  if (!v.is_dict()) in.fail(Error::type, "dictsort needs a dict");
  const std::string by = a.text(1, "key");
  if (by != "key" && by != "value") in.fail(Error::type, "dictsort is by key or by value");
  std::vector<Keyed> keyed = keyed_by(in, in.method(v, "items", {}), by == "key" ? 0 : 1, a.truthy(0));
  sort_keyed(in, keyed, a.truthy(2));
  return Value::list(items_in(std::move(keyed)));
}

Value unique(Interpreter& in, const Value& v, const Bound& a) {
  Dict seen;
  std::vector<Value> out;
  for (const Keyed& one : keyed_by(in, v, a.value(1), a.truthy(0))) {
    in.charge(one.key.cost());
    if (one.key.is_undefined() ? seen.find(Value::tuple({})) : seen.find(one.key)) continue;
    seen.set(one.key.is_undefined() ? Value::tuple({}) : one.key, true);
    out.push_back(one.item);
  }
  return in.iterator(std::move(out));
}

template <bool greatest>
Value extreme(Interpreter& in, const Value& v, const Bound& a) {
  const std::vector<Keyed> keyed = keyed_by(in, v, a.value(1), a.truthy(0));
  const Keyed* best = nullptr;
  for (const Keyed& one : keyed) {
    if (!best || (greatest ? in.less(best->key, one.key) : in.less(one.key, best->key))) best = &one;
  }
  return best ? best->item : Value();
}

Value groupby(Interpreter& in, const Value& v, const Bound& a) {
  const Value absent = a.value(1);
  const bool case_sensitive = a.truthy(2);
  const Value* const replacement = a.given(1) ? &absent : nullptr;
  std::vector<Keyed> keyed;
  for (Value& one : in.items_of(v)) {
    Value key = folded(in, in.path(one, *a.find(0), replacement), case_sensitive);
    keyed.push_back({std::move(key), std::move(one)});
  }
  sort_keyed(in, keyed, false);
  std::vector<Value> groups;
  for (std::size_t i = 0; i < keyed.size();) {
    const std::size_t first = i;
    std::vector<Value> members;
    for (; i < keyed.size() && in.same(keyed[i].key, keyed[first].key); ++i) members.push_back(keyed[i].item);
    if (members.empty()) members.push_back(keyed[i++].item);  // a key that is not even equal to itself
    List group;
    group.type = List::Type::group;
    group.items = {in.path(members[0], *a.find(0), replacement), Value::list(members)};
    in.charge(8);
    groups.emplace_back(std::move(group));
  }
  return Value::list(std::move(groups));
}

constexpr Filter kOrderFilters[] = {
    {"sort", "reverse case_sensitive attribute", sort}, {"dictsort", "case_sensitive by reverse", dictsort},
    {"unique", "case_sensitive attribute", unique},     {"min", "case_sensitive attribute", extreme<false>},
    {"max", "case_sensitive attribute", extreme<true>}, {"groupby", "attribute! default case_sensitive", groupby}};

}  // namespace

std::span<const Filter> order_filters() { return kOrderFilters; }

}  // namespace hearth
