// Methods of strings, mappings and sequences.
#include <algorithm>

#include "engine/text/template/call.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

Value get(const Call& call) {
  const Value* found = call.subject.dict().find(call.value(0, "key"));
  return found != nullptr ? *found : call.value(1, "default", Value::None{});
}

enum class Part { keys, values, items };
template <Part part>
Value members(const Call& call) {
  const auto& all = call.subject.dict().items;
  call.charge(all.size() * 3);
  std::vector<Value> out;
  for (const auto& [key, value] : all)
    out.push_back(part == Part::keys ? key : part == Part::values ? value : Value::tuple({key, value}));
  return Value::list(std::move(out));
}

Value copy(const Call& call) { return call.subject; }

Value count_equal(const Call& call) {
  std::int64_t count = 0;
  for (const Value& one : call.items()) count += call.same(one, call.value(0, "value")) ? 1 : 0;
  return count;
}

Value index_of(const Call& call) {
  const auto all = call.items();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (call.same(all[i], call.value(0, "value"))) return i;
  call.fail("the value is not in the list");
}

constexpr NamedFunction kMapping[] = {{"copy", copy},
                                      {"get", get},
                                      {"items", members<Part::items>},
                                      {"keys", members<Part::keys>},
                                      {"values", members<Part::values>}};
constexpr NamedFunction kSequence[] = {{"copy", copy}, {"count", count_equal}, {"index", index_of}};

}  // namespace

CallFunction find_method(const Value& self, std::string_view name) {
  if (self.is_dict()) return find_in(kMapping, name);
  if (self.is_list()) return self.list().is_tuple && name == "copy" ? nullptr : find_in(kSequence, name);
  if (!self.is_string()) return nullptr;
  if (const CallFunction found = find_in(text_methods(), name)) return found;
  return find_in(splitting_methods(), name);
}

}  // namespace hearth
