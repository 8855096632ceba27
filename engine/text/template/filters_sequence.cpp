// Filters of sequences and mappings.
#include <algorithm>

#include "engine/text/template/call.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

constexpr std::size_t kNamed = Call::kNamedOnly;

Value or_default(const Call& call) {
  const Value& v = call.subject;
  return v.is_undefined() || (call.flag(1, "boolean") && !v.truthy()) ? call.value(0, "default_value", "") : v;
}

Value length(const Call& call) {
  const Value& v = call.subject;
  if (v.is_string()) return call.charge(v.string().size() / 16), text_length(v.string());
  return call.items().size();
}

Value list(const Call& call) { return Value::list(call.items()); }

Value first(const Call& call) {
  const auto items = call.items();
  return items.empty() ? Value() : items.front();
}

Value last(const Call& call) {
  const auto items = call.items();
  return items.empty() ? Value() : items.back();
}

Value reverse(const Call& call) {
  auto items = call.items();
  std::reverse(items.begin(), items.end());
  Value reversed = Value::list(std::move(items));
  return call.subject.is_string() ? call.filter("join", reversed) : reversed;
}

Value items(const Call& call) {
  if (call.subject.is_undefined()) return Value::list({});
  if (!call.subject.is_dict()) call.fail("items needs a mapping");
  return call.method(call.subject, "items");
}

// An attribute of objects and the methods of values, never a member of a mapping.
Value attribute(const Call& call) {
  const std::string name = call.text(0, "name");
  if (!call.subject.is(Value::Kind::object) && find_method(call.subject, name) == nullptr) return {};
  return call.path(call.subject, name);
}

Value folded(const Value& key, bool case_sensitive) {
  return key.is_string() && !case_sensitive ? Value(lower_text(key.string())) : key;
}

// The values that an attribute argument names, of each item; several names, separated by commas, make a tuple.
std::vector<Value> keys_of(const Call& call, const std::vector<Value>& items, const Value& attribute,
                           bool case_sensitive) {
  std::vector<std::string> names;
  if (attribute.is_string())
    for (const Value& name : split_text(attribute.string(), ",", INT64_MAX, false)) names.push_back(name.string());
  std::vector<Value> keys;
  for (const Value& one : items) {
    if (names.size() > 1) {
      std::vector<Value> parts;
      for (const std::string& name : names) parts.push_back(folded(call.path(one, name), case_sensitive));
      keys.push_back(Value::tuple(std::move(parts)));
    } else {
      const bool whole = attribute.is_undefined() || attribute.is_none();
      keys.push_back(folded(whole ? one : call.path(one, attribute), case_sensitive));
    }
  }
  return keys;
}

// The items in the order of their keys, equal ones as they came.
std::vector<Value> sorted(const Call& call, std::vector<Value> items, const std::vector<Value>& keys, bool down) {
  call.charge(items.size() * 16);
  std::vector<std::size_t> order(items.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return down ? call.less(keys[b], keys[a]) : call.less(keys[a], keys[b]);
  });
  std::vector<Value> out;
  for (const std::size_t i : order) out.push_back(std::move(items[i]));
  return out;
}

Value sort(const Call& call) {
  auto all = call.items();
  const auto keys = keys_of(call, all, call.value(2, "attribute"), call.flag(1, "case_sensitive"));
  return Value::list(sorted(call, std::move(all), keys, call.flag(0, "reverse")));
}

Value dictsort(const Call& call) {
  if (!call.subject.is_dict()) call.fail("dictsort needs a mapping");
  const std::string by = call.text(1, "by", "key");
  if (by != "key" && by != "value") call.fail("by must be key or value");
  auto all = call.items(call.method(call.subject, "items"));
  const auto keys = keys_of(call, all, by == "key" ? 0 : 1, call.flag(0, "case_sensitive"));
  return Value::list(sorted(call, std::move(all), keys, call.flag(2, "reverse")));
}

Value extreme(const Call& call, bool largest) {
  const auto all = call.items();
  const auto keys = keys_of(call, all, call.value(1, "attribute"), call.flag(0, "case_sensitive"));
  std::size_t best = 0;
  for (std::size_t i = 1; i < all.size(); ++i)
    if (largest ? call.less(keys[best], keys[i]) : call.less(keys[i], keys[best])) best = i;
  return all.empty() ? Value() : all[best];
}
Value smallest(const Call& call) { return extreme(call, false); }
Value largest(const Call& call) { return extreme(call, true); }

Value unique(const Call& call) {
  const auto all = call.items();
  const auto keys = keys_of(call, all, call.value(1, "attribute"), call.flag(0, "case_sensitive"));
  Dict seen;
  std::vector<Value> out;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (seen.find(keys[i]) == nullptr) seen.set(keys[i], true), out.push_back(all[i]);
  return Value::list(std::move(out));
}

Value group_by(const Call& call) {
  auto all = call.items();
  const Value by = call.value(0, "attribute"), absent = call.value(1, "default");
  const bool case_sensitive = call.flag(2, "case_sensitive");
  std::vector<Value> keys;
  for (const Value& one : all) {
    const Value key = call.path(one, by);
    keys.push_back(key.is_undefined() ? absent : key);
  }
  std::vector<Value> pairs, compared;
  for (std::size_t i = 0; i < all.size(); ++i) {
    pairs.push_back(Value::tuple({keys[i], all[i]}));
    compared.push_back(folded(keys[i], case_sensitive));
  }
  std::vector<Value> out, group;
  Value key;
  const auto finish = [&] {
    if (!group.empty()) out.push_back(Value::group(key, Value::list(std::exchange(group, {}))));
  };
  for (const Value& pair : sorted(call, std::move(pairs), compared, false)) {
    const auto& both = pair.list().items;
    if (group.empty() || !call.same(folded(key, case_sensitive), folded(both[0], case_sensitive))) {
      finish();
      key = both[0];
    }
    group.push_back(both[1]);
  }
  finish();
  return Value::list(std::move(out));
}

Value batch(const Call& call) {
  const std::int64_t size = call.integer(0, "linecount");
  const Value fill = call.value(1, "fill_with");
  std::vector<Value> out, row;
  for (const Value& one : call.items()) {
    if (size >= 0 && row.size() == static_cast<std::size_t>(size)) out.push_back(Value::list(std::exchange(row, {})));
    row.push_back(one);
  }
  if (!row.empty()) {
    if (size > 100000) call.fail("batch: the rows are too long");
    if (!fill.is_undefined() && !fill.is_none())
      while (row.size() < static_cast<std::size_t>(std::max<std::int64_t>(size, 0)))
        call.charge(1), row.push_back(fill);
    out.push_back(Value::list(std::move(row)));
  }
  return Value::list(std::move(out));
}

Value slice(const Call& call) {
  const std::int64_t asked = call.integer(0, "slices");
  if (asked <= 0 || asked > 100000) call.fail("slice: a wrong number of slices");
  const auto count = static_cast<std::size_t>(asked);
  const Value fill = call.value(1, "fill_with");
  const auto all = call.items();
  call.charge(count);
  const std::size_t each = all.size() / count, longer = all.size() % count;
  std::vector<Value> out;
  for (std::size_t i = 0, begin = 0; i < count; ++i) {
    const std::size_t size = each + (i < longer ? 1 : 0);
    std::vector<Value> part(all.begin() + static_cast<std::ptrdiff_t>(begin),
                            all.begin() + static_cast<std::ptrdiff_t>(begin + size));
    if (!fill.is_undefined() && !fill.is_none() && i >= longer && longer > 0) part.push_back(fill);
    out.push_back(Value::list(std::move(part)));
    begin += size;
  }
  return Value::list(std::move(out));
}

Value map(const Call& call) {
  std::vector<Value> out;
  const Value* by = call.arguments.at(kNamed, "attribute");
  const std::string name = by != nullptr ? "" : call.text(0, "filter");
  for (const Value& one : call.items()) {
    if (by == nullptr) {
      out.push_back(call.filter(name, one, call.rest(1)));
      continue;
    }
    Value made = call.path(one, *by);
    if (made.is_undefined()) made = call.value(kNamed, "default");
    out.push_back(std::move(made));
  }
  return Value::list(std::move(out));
}

// select, reject, and by an attribute.
template <bool wanted, bool by_attribute>
Value choose(const Call& call) {
  constexpr std::size_t kTest = by_attribute ? 1 : 0;
  std::vector<Value> out;
  const bool plain = !call.given(kTest, "");
  const std::string name = plain ? "" : call.text(kTest, "test");
  if (by_attribute && !call.given(0, "")) call.fail("an attribute is needed");
  for (const Value& one : call.items()) {
    const Value subject = by_attribute ? call.path(one, call.value(0, "")) : one;
    if ((plain ? subject.truthy() : call.test(name, subject, call.rest(kTest + 1))) == wanted) out.push_back(one);
  }
  return Value::list(std::move(out));
}

constexpr NamedFunction kTable[] = {
    {"attr", attribute},
    {"batch", batch},
    {"count", length},
    {"d", or_default},
    {"default", or_default},
    {"dictsort", dictsort},
    {"first", first},
    {"groupby", group_by},
    {"items", items},
    {"last", last},
    {"length", length},
    {"list", list},
    {"map", map},
    {"max", largest},
    {"min", smallest},
    {"reject", choose<false, false>},
    {"rejectattr", choose<false, true>},
    {"reverse", reverse},
    {"select", choose<true, false>},
    {"selectattr", choose<true, true>},
    {"slice", slice},
    {"sort", sort},
    {"unique", unique},
};

}  // namespace

std::span<const NamedFunction> sequence_filters() { return kTable; }

}  // namespace hearth
