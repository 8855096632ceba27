// Calls: of macros, loops, methods, filters and tests.
#include <algorithm>

#include "engine/text/template/filters.h"
#include "engine/text/template/interpreter.h"

namespace hearth {

Value Interpreter::call(const Value& function, const Arguments& arguments) {
  if (function.is_undefined()) fail(Error::undefined, "a called value is undefined");
  if (!function.is(Value::Kind::object))
    fail(Error::type, "a " + std::string(type_name(function)) + " is not callable");
  const Object object = function.object();
  switch (object.kind) {
    case Object::Kind::function:
      return (this->*thing<Function>(object).call)(arguments);
    case Object::Kind::macro:
      return call_macro(thing<Macro>(object), arguments);
    case Object::Kind::loop:
      return call_loop(object, arguments);
    case Object::Kind::method: {
      const Method& bound = thing<Method>(object);
      if (bound.self.is(Value::Kind::object)) return object_method(bound.self.object(), bound.name, arguments);
      return method(bound.self, bound.name, arguments);
    }
    case Object::Kind::joiner: {
      Joiner& joiner = thing<Joiner>(object);
      return std::exchange(joiner.used, true) ? joiner.separator : std::string();
    }
    default:
      fail(Error::type, "an object is not callable");
  }
}

Value Interpreter::method(const Value& self, const std::string& name, const Arguments& arguments) {
  const Filter* found = find_method(self, name);
  if (!found) fail(Error::undefined, "a " + std::string(type_name(self)) + " has no method '" + name + "'");
  charge(1 + (self.is_string() ? self.string().size() / 4 : 0));
  return found->apply(*this, self, Bound(name, found->parameters, arguments));
}

Value Interpreter::filter(const std::string& name, const Value& subject, const Arguments& arguments) {
  const Filter* found = find_filter(name);
  if (!found) fail(Error::type, "unknown filter '" + name + "'");
  charge(1);
  return found->apply(*this, subject, Bound(name, found->parameters, arguments));
}

bool Interpreter::test(const std::string& name, const Value& subject, const Arguments& arguments) {
  const Test* found = find_test(name);
  if (!found) fail(Error::type, "unknown test '" + name + "'");
  charge(1);
  return found->holds(*this, subject, Bound(name, found->parameters, arguments));
}

Value Interpreter::call_macro(const Macro& macro, const Arguments& arguments) {
  if (++depth_ > limits_.max_depth) fail(Error::budget, "the template recurses too deeply");
  const Statement& statement = *macro.statement;
  const Entered entered(*this, nested(macro.scope));
  bind_parameters(statement, arguments);
  std::string made;
  run_captured(statement.body, made);
  --depth_;
  return text(std::move(made));
}

// Into the scope of the call, as Jinja's macros take them: what is left over is varargs, kwargs and caller where the
// body names these, else an error.
void Interpreter::bind_parameters(const Statement& statement, const Arguments& arguments) {
  const auto& names = statement.names;
  auto& scope = scope_->names;
  charge(arguments.named.size() * names.size() / 8);
  if (arguments.plain.size() > names.size() && !statement.takes_varargs)
    fail(Error::type, "too many arguments for '" + statement.text + "'");
  std::vector<Value> extra;
  for (std::size_t i = 0; i < arguments.plain.size(); ++i) {
    if (i < names.size())
      scope[names[i]] = arguments.plain[i];
    else
      extra.push_back(arguments.plain[i]);
  }
  Dict others;
  Value caller;
  for (const auto& [name, value] : arguments.named) {
    const auto place = std::ranges::find(names, name);
    if (place != names.end()) {
      if (!scope.emplace(name, value).second)
        fail(Error::type, "'" + statement.text + "' got two values for '" + name + "'");
    } else if (name == "caller" && statement.takes_caller) {
      caller = value;
    } else if (statement.takes_kwargs) {
      others.set(name, value);
    } else {
      fail(Error::type, "'" + statement.text + "' takes no argument '" + name + "'");
    }
  }
  if (statement.takes_caller && std::ranges::find(names, "caller") == names.end()) scope["caller"] = caller;
  if (statement.takes_varargs) scope["varargs"] = Value::tuple(std::move(extra));
  if (statement.takes_kwargs) scope["kwargs"] = others;
  const std::size_t required = names.size() - statement.defaults.size();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (scope.contains(names[i])) continue;
    scope[names[i]] = i < required ? Value() : evaluate(*statement.defaults[i - required]);
  }
}

// loop(items) in a recursive loop: the same loop over other items.
Value Interpreter::call_loop(const Object& object, const Arguments& arguments) {
  const Statement& statement = *thing<Loop>(object).statement;
  const ScopePtr outer = thing<Loop>(object).scope;
  const int depth = thing<Loop>(object).depth + 1;
  if (!statement.recursive) fail(Error::type, "only a recursive loop can be called");
  const Bound bound("loop", "items!", arguments);
  std::string made;
  std::string* const out = std::exchange(out_, &made);
  loop(statement, outer, *bound.find(0), depth);
  out_ = out;
  return text(std::move(made));
}

Value Interpreter::object_method(const Object& self, const std::string& name, const Arguments& arguments) {
  if (self.kind == Object::Kind::cycler) {
    Cycler& cycler = thing<Cycler>(self);
    if (name == "reset") return cycler.next = 0, Value::None{};
    const Value current = cycler.items[cycler.next];
    cycler.next = (cycler.next + 1) % cycler.items.size();
    return current;
  }
  Loop& loop = thing<Loop>(self);
  if (name == "cycle") {
    if (arguments.plain.empty()) fail(Error::type, "nothing to cycle");
    return arguments.plain[loop.index % arguments.plain.size()];
  }
  const Value values = Value::tuple(arguments.plain);
  if (!loop.last_seen.is_undefined() && same(loop.last_seen, values)) return false;
  loop.last_seen = values;
  return true;
}

Value Interpreter::iterator(std::vector<Value> items) {
  charge(items.size());
  return own(Object::Kind::iterator, Iterator{std::move(items), 0});
}

Value Interpreter::next_item(const Object& object) {
  Iterator& iterator = thing<Iterator>(object);
  return iterator.next < iterator.items.size() ? iterator.items[iterator.next++] : Value();
}

std::vector<Value> Interpreter::rest_of(const Object& object) {
  Iterator& iterator = thing<Iterator>(object);
  std::vector<Value> rest(iterator.items.begin() + static_cast<std::ptrdiff_t>(iterator.next), iterator.items.end());
  iterator = {};
  return rest;
}

}  // namespace hearth
