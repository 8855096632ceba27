// The functions that every template sees.
#include <array>

#include "engine/text/template/interpreter.h"
#include "engine/text/template/time.h"

namespace hearth {

const Interpreter::Function* Interpreter::find_function(std::string_view name) const {
  static constexpr std::array<Function, 7> kFunctions = {{{"range", &Interpreter::make_range},
                                                          {"namespace", &Interpreter::make_namespace},
                                                          {"dict", &Interpreter::make_dict},
                                                          {"joiner", &Interpreter::make_joiner},
                                                          {"cycler", &Interpreter::make_cycler},
                                                          {"raise_exception", &Interpreter::raise_exception},
                                                          {"strftime_now", &Interpreter::strftime_now}}};
  for (const Function& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

Value Interpreter::make_range(const Arguments& arguments) {
  constexpr std::size_t kLongest = 100000;  // as Jinja's sandbox
  const Bound bound("range", "start! stop step", arguments);
  const bool one = bound.find(1) == nullptr;
  const std::int64_t from = one ? 0 : bound.integer(0);
  const std::int64_t to = bound.integer(one ? 0 : 1);
  const std::int64_t step = bound.integer(2, 1);
  if (step == 0) fail(Error::type, "range with step 0");
  List list;
  list.type = List::Type::range, list.bounds = {from, to, step};
  for (std::int64_t i = from; step > 0 ? i < to : i > to;) {
    if (list.items.size() >= kLongest) fail(Error::budget, "a range is too long");
    charge(2);
    list.items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return list;
}

// What Python's dict() makes of its arguments.
Dict Interpreter::dict_of(const Arguments& arguments) {
  Dict dict;
  if (arguments.plain.size() > 1) fail(Error::type, "dict takes one positional argument");
  for (const Value& one : arguments.plain) {
    if (one.is_dict()) {
      charge(one.cost() * 2);
      dict = one.dict();
      continue;
    }
    for (const Value& pair : items_of(one)) {
      const std::vector<Value> parts = items_of(pair);
      if (parts.size() != 2) fail(Error::type, "a member of a dict needs a key and a value");
      charge(parts[0].cost());
      dict.set(parts[0], parts[1]);
    }
  }
  charge(arguments.named.size() * 4);
  for (const auto& [key, value] : arguments.named) dict.set(key, value);
  return dict;
}

Value Interpreter::make_dict(const Arguments& arguments) { return dict_of(arguments); }

Value Interpreter::make_namespace(const Arguments& arguments) {
  Space space;
  for (const auto& [key, value] : dict_of(arguments).items) space.members[str(key)] = value;
  return own(Object::Kind::space, std::move(space));
}

Value Interpreter::make_joiner(const Arguments& arguments) {
  return own(Object::Kind::joiner, Joiner{Bound("joiner", "sep", arguments).text(0, ", ")});
}

Value Interpreter::make_cycler(const Arguments& arguments) {
  if (arguments.plain.empty()) fail(Error::type, "nothing to cycle");
  return own(Object::Kind::cycler, Cycler{arguments.plain});
}

Value Interpreter::raise_exception(const Arguments& arguments) {
  fail(Error::raised, Bound("raise_exception", "message!", arguments).text(0));
}

Value Interpreter::strftime_now(const Arguments& arguments) {
  const Bound bound("strftime_now", "format!", arguments);
  charge(bound.string(0).size());
  return text(format_time(bound.string(0), limits_.now));
}

}  // namespace hearth
