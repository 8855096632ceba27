// The methods of dicts and lists, and the table of all methods.
#include <algorithm>
#include <array>

#include "engine/text/template/filters.h"
#include "engine/text/template/interpreter.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;
template <std::size_t size>
using Names = std::array<std::string_view, size>;

Value dict_get(Interpreter& in, const Value& self, const Bound& a) {
  in.charge(a.find(0)->cost());
  const Value* found = self.dict().find(*a.find(0));
  return found ? *found : a.value(1, Value::None{});
}

Value view(Interpreter& in, const Value& self, List::Type type) {
  in.charge(self.dict().items.size() * 3);
  List out;
  out.type = type;
  for (const auto& [key, value] : self.dict().items) {
    if (type == List::Type::items)
      out.items.push_back(Value::tuple({key, value}));
    else
      out.items.push_back(type == List::Type::keys ? key : value);
  }
  return out;
}
Value dict_items(Interpreter& in, const Value& self, const Bound&) { return view(in, self, List::Type::items); }
Value dict_keys(Interpreter& in, const Value& self, const Bound&) { return view(in, self, List::Type::keys); }
Value dict_values(Interpreter& in, const Value& self, const Bound&) { return view(in, self, List::Type::values); }
Value copy(Interpreter&, const Value& self, const Bound&) { return self; }

Value list_count(Interpreter& in, const Value& self, const Bound& a) {
  return static_cast<std::int64_t>(
      std::ranges::count_if(self.list().items, [&](const Value& one) { return in.same(one, *a.find(0)); }));
}

Value list_index(Interpreter& in, const Value& self, const Bound& a) {
  const auto& items = self.list().items;
  const auto size = static_cast<std::int64_t>(items.size());
  const auto bound = [&](std::size_t i, std::int64_t absent) {
    const std::int64_t at = a.integer(i, absent);
    return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
  };
  for (std::int64_t i = bound(1, 0), end = bound(2, size); i < end; ++i) {
    if (in.same(items[static_cast<std::size_t>(i)], *a.find(0))) return i;
  }
  in.fail(Error::type, "the value is not in the list");
}

constexpr Filter kDictMethods[] = {{"get", "key! default", dict_get},
                                   {"items", "", dict_items},
                                   {"keys", "", dict_keys},
                                   {"values", "", dict_values},
                                   {"copy", "", copy}};
constexpr Filter kListMethods[] = {
    {"count", "value!", list_count}, {"index", "value! start end", list_index}, {"copy", "", copy}};

constexpr Names<5> kDictMutators = {"clear", "pop", "popitem", "setdefault", "update"};
constexpr Names<8> kListMutators = {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"};

const Filter* find_in(std::span<const Filter> table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Filter::name);
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

const Filter* find_method(const Value& self, std::string_view name) {
  if (self.is_dict()) return find_in(kDictMethods, name);
  if (self.is_list()) {
    if (self.list().type >= List::Type::keys) return nullptr;
    const bool is_list = self.list().type == List::Type::list;
    return is_list || name != "copy" ? find_in(kListMethods, name) : nullptr;
  }
  if (!self.is_string()) return nullptr;
  for (const auto table : {text_methods(), search_methods(), split_methods()}) {
    if (const Filter* found = find_in(table, name)) return found;
  }
  return nullptr;
}

bool is_mutator(const Value& self, std::string_view name) {
  if (self.is_dict()) return std::ranges::find(kDictMutators, name) != kDictMutators.end();
  if (!self.is_list() || self.list().type != List::Type::list) return false;
  return std::ranges::find(kListMutators, name) != kListMutators.end();
}

}  // namespace hearth
