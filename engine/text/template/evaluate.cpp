// Evaluation of expressions, calls, attributes and slices.
#include <algorithm>

#include "engine/text/template/call.h"
#include "engine/text/template/interpreter.h"
#include "engine/text/template/strftime.h"
#include "engine/text/template/unicode.h"

namespace hearth {
using E = Expression::Kind;

Value Interpreter::evaluate(const Expression& e) {
  charge(1);
  if (++depth_ > limits_.max_depth) fail(Error::budget, "the template recurses too deeply");
  line_ = e.line;
  Value out = evaluate_node(e);
  --depth_;
  return out;
}

Value Interpreter::evaluate_node(const Expression& e) {
  const auto part = [&](std::size_t i) { return e.parts[i] ? evaluate(*e.parts[i]) : Value(); };
  switch (e.kind) {
    case E::literal:
      return e.literal;
    case E::name:
      return lookup(e.text);
    case E::list:
    case E::tuple: {
      std::vector<Value> items;
      for (std::size_t i = 0; i < e.parts.size(); ++i) items.push_back(part(i));
      return e.kind == E::list ? Value::list(std::move(items)) : Value::tuple(std::move(items));
    }
    case E::dict: {
      Dict dict;
      for (std::size_t i = 0; i < e.parts.size(); i += 2) {
        Value key = part(i);
        dict.set(std::move(key), part(i + 1));
      }
      return dict;
    }
    case E::negate:
    case E::plus: {
      const Value value = part(0);
      if (value.is_undefined()) fail(Error::undefined, "an operand is undefined");
      if (!value.is_number()) fail(Error::type, "bad operand for a sign");
      if (value.is(Value::Kind::real)) return e.kind == E::negate ? -value.real() : value.real();
      return e.kind == E::negate ? binary("-", 0, value) : Value(value.integer());
    }
    case E::negation:
      return !part(0).truthy();
    case E::both: {
      Value left = part(0);
      return left.truthy() ? part(1) : left;
    }
    case E::either: {
      Value left = part(0);
      return left.truthy() ? left : part(1);
    }
    case E::choice:
      return part(0).truthy() ? part(1) : part(2);
    case E::binary: {
      const Value left = part(0);
      return binary(e.text, left, part(1));
    }
    case E::compare: {
      Value left = part(0);
      for (std::size_t i = 0; i < e.operators.size(); ++i) {
        Value right = part(i + 1);
        if (!compare(e.operators[i], left, right)) return false;
        left = std::move(right);
      }
      return true;
    }
    case E::attribute:
      return attribute(part(0), e.text);
    case E::item: {
      const Value subject = part(0);
      return item(subject, part(1));
    }
    case E::slice: {
      const auto bound = [&](std::size_t i) { return e.parts[i] ? part(i) : Value(Value::None{}); };
      const Value subject = part(0);
      return slice(subject, bound(1), bound(2), bound(3));
    }
    case E::call:
      return call(e, nullptr);
    case E::filter:
    case E::test: {
      const Value subject = part(0);
      const Arguments arguments = arguments_of(e);
      const Call one{*this, subject, arguments};
      return e.kind == E::test ? one.test(e.text, subject, arguments) : one.filter(e.text, subject, arguments);
    }
  }
  return {};
}

Value Interpreter::lookup(const std::string& name) {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    const auto found = scope->names.find(name);
    if (found != scope->names.end()) return found->second;
  }
  if (const Value* value = context_.find(name)) return *value;
  for (const char* one : {"range", "namespace", "dict", "raise_exception", "strftime_now"}) {
    if (name != one) continue;
    builtins_.push_back(name);
    return Object{Object::Kind::builtin, static_cast<std::uint32_t>(builtins_.size() - 1)};
  }
  return {};
}

Arguments Interpreter::arguments_of(const Expression& e) {
  Arguments out;
  for (std::size_t i = 1; i < e.parts.size(); ++i) out.plain.push_back(evaluate(*e.parts[i]));
  for (const auto& [key, value] : e.named) out.named.emplace_back(key, evaluate(*value));
  return out;
}

Value Interpreter::call(const Expression& e, const Value* caller) {
  const Expression& callee = *e.parts[0];
  Value function;
  if (callee.kind == E::attribute) {
    const Value self = evaluate(*callee.parts[0]);
    if (const CallFunction method = find_method(self, callee.text)) {
      const Arguments arguments = arguments_of(e);
      return method({*this, self, arguments});
    }
    function = attribute(self, callee.text);
    if (function.is_undefined()) fail(Error::undefined, "no attribute '" + callee.text + "' to call");
  } else {
    function = evaluate(callee);
  }
  if (function.is_undefined()) fail(Error::undefined, "'" + callee.text + "' is undefined");
  if (!function.is(Value::Kind::object))
    fail(Error::type, "a " + std::string(type_name(function)) + " is not callable");
  const Arguments arguments = arguments_of(e);
  const Object object = function.object();
  switch (object.kind) {
    case Object::Kind::builtin:
      return call_builtin(std::string(builtins_[object.id]), arguments);
    case Object::Kind::macro:
      return call_body(*macros_[object.id], arguments, caller ? *caller : Value(), &root_);
    case Object::Kind::caller:
      if (callers_[object.id].scope == nullptr) fail(Error::type, "the caller's block has ended");
      return call_body(*callers_[object.id].statement, arguments, {}, callers_[object.id].scope);
    case Object::Kind::method: {
      const auto bound = methods_[object.id];
      if (bound.first.is(Value::Kind::object)) return call_of_loop(bound.second, bound.first.object().id, arguments);
      return find_method(bound.first, bound.second)({*this, bound.first, arguments});
    }
    default:
      fail(Error::type, "an object is not callable");
  }
}

Value Interpreter::call_of_loop(const std::string& name, std::size_t id, const Arguments& arguments) {
  if (id >= loops_.size()) fail(Error::type, "the loop has ended");
  Loop& loop = loops_[id];
  if (name == "changed") {
    const Value now = Value::tuple(arguments.plain);
    const bool changed = !loop.seen || !same(*loop.seen, now);
    loop.seen = now;
    return changed;
  }
  if (arguments.plain.empty()) fail(Error::type, "nothing to cycle");
  return arguments.plain[loop.index % arguments.plain.size()];
}

Value Interpreter::call_builtin(const std::string& name, const Arguments& a) {
  if (name == "raise_exception") fail(Error::raised, a.plain.empty() ? "" : to_text(a.plain[0]));
  if (name == "strftime_now") return text(format_time(a.plain.empty() ? "" : to_text(a.plain[0]), limits_.now));
  if (name == "range") {
    if (a.plain.empty()) fail(Error::type, "range needs an end");
    const std::int64_t from = a.plain.size() > 1 ? integer(a.plain[0]) : 0;
    const std::int64_t to = integer(a.plain[a.plain.size() > 1 ? 1 : 0]);
    const std::int64_t step = a.plain.size() > 2 ? integer(a.plain[2]) : 1;
    if (step == 0) fail(Error::type, "range with step 0");
    std::vector<Value> items;
    std::int64_t i = from;
    while (step > 0 ? i < to : i > to) {
      if (items.size() >= 100000) fail(Error::budget, "a range is too long");
      charge(2);
      items.emplace_back(i);
      if (__builtin_add_overflow(i, step, &i)) break;
    }
    return Value::list(std::move(items));
  }
  std::vector<std::pair<Value, Value>> members;
  for (const Value& one : a.plain) {
    if (!one.is_dict()) fail(Error::type, name + " takes a dict");
    members.insert(members.end(), one.dict().items.begin(), one.dict().items.end());
  }
  for (const auto& [key, value] : a.named) members.emplace_back(Value(key), value);
  charge(members.size() * 4);
  if (name == "dict") {
    Dict dict;
    for (auto& [key, value] : members) dict.set(key, value);
    return dict;
  }
  spaces_.emplace_back();
  for (auto& [key, value] : members) spaces_.back()[to_text(key)] = value;
  return Object{Object::Kind::space, static_cast<std::uint32_t>(spaces_.size() - 1)};
}

Value Interpreter::attribute(const Value& subject, const std::string& name) {
  if (subject.is_undefined()) fail(Error::undefined, "attribute '" + name + "' of an undefined value");
  if (find_method(subject, name) != nullptr) {
    methods_.emplace_back(subject, name);
    return Object{Object::Kind::method, static_cast<std::uint32_t>(methods_.size() - 1)};
  }
  if (const Value* found = subject.find(name)) return *found;
  if (subject.is_list() && subject.list().is_group && (name == "grouper" || name == "list"))
    return subject.list().items[name == "grouper" ? 0 : 1];
  if (!subject.is(Value::Kind::object)) return {};
  const Object object = subject.object();
  if (object.kind == Object::Kind::space) {
    const auto found = spaces_[object.id].find(name);
    return found == spaces_[object.id].end() ? Value() : found->second;
  }
  if (object.kind != Object::Kind::loop || object.id >= loops_.size()) return {};
  const Loop& loop = loops_[object.id];
  const std::size_t size = loop.items.size();
  if (name == "index") return loop.index + 1;
  if (name == "index0") return loop.index;
  if (name == "first") return loop.index == 0;
  if (name == "last") return loop.index + 1 == size;
  if (name == "length") return size;
  if (name == "revindex") return size - loop.index;
  if (name == "revindex0") return size - loop.index - 1;
  if (name == "depth") return 1;
  if (name == "depth0") return 0;
  if (name == "previtem") return loop.index > 0 ? loop.items[loop.index - 1] : Value();
  if (name == "nextitem") return loop.index + 1 < size ? loop.items[loop.index + 1] : Value();
  if (name != "cycle" && name != "changed") return {};
  methods_.emplace_back(subject, name);
  return Object{Object::Kind::method, static_cast<std::uint32_t>(methods_.size() - 1)};
}

Value Interpreter::item(const Value& subject, const Value& key) {
  if (subject.is_undefined()) fail(Error::undefined, "item of an undefined value");
  if (subject.is_dict()) {
    if (!key.is_list()) {
      if (const Value* found = subject.dict().find(key)) return *found;
    }
  } else if ((subject.is_list() || subject.is_string()) && key.is_integral()) {
    std::int64_t i = key.integer();
    if (subject.is_list()) {
      const auto& items = subject.list().items;
      if (i < 0) i += static_cast<std::int64_t>(items.size());
      return i >= 0 && i < static_cast<std::int64_t>(items.size()) ? items[static_cast<std::size_t>(i)] : Value();
    }
    charge(subject.string().size() / 8 + 1);
    const auto offsets = code_point_offsets(subject.string());
    const auto length = static_cast<std::int64_t>(offsets.size()) - 1;
    if (i < 0) i += length;
    if (i < 0 || i >= length) return {};
    const auto k = static_cast<std::size_t>(i);
    return subject.string().substr(offsets[k], offsets[k + 1] - offsets[k]);
  }
  return key.is_string() ? attribute(subject, key.string()) : Value();
}

Value Interpreter::slice(const Value& subject, const Value& from, const Value& to, const Value& by) {
  if (subject.is_undefined()) fail(Error::undefined, "slice of an undefined value");
  if (!subject.is_list() && !subject.is_string()) fail(Error::type, "this value cannot be sliced");
  std::vector<std::size_t> offsets;
  if (subject.is_string()) charge(subject.string().size() / 4 + 1), offsets = code_point_offsets(subject.string());
  const auto length = static_cast<std::int64_t>(subject.is_list() ? subject.list().items.size() : offsets.size() - 1);
  const std::int64_t step = by.is_none() ? 1 : std::clamp<std::int64_t>(integer(by), -length - 1, length + 1);
  if (step == 0) fail(Error::type, "slice step is zero");
  const auto bound = [&](const Value& value, std::int64_t absent) {
    if (value.is_none()) return absent;
    std::int64_t i = integer(value);
    if (i < 0) i = i < -length ? -1 : i + length;
    if (i < 0) return step < 0 ? std::int64_t{-1} : std::int64_t{0};
    return std::min(i, step < 0 ? length - 1 : length);
  };
  const std::int64_t first = bound(from, step < 0 ? length - 1 : 0);
  const std::int64_t last = bound(to, step < 0 ? -1 : length);
  std::vector<Value> items;
  std::string out;
  for (std::int64_t i = first; step > 0 ? i < last : i > last; i += step) {
    const auto k = static_cast<std::size_t>(i);
    if (subject.is_list())
      items.push_back(subject.list().items[k]);
    else
      out.append(subject.string(), offsets[k], offsets[k + 1] - offsets[k]);
  }
  charge(items.size() * 2);
  if (subject.is_string()) return text(std::move(out));
  return subject.list().is_tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

}  // namespace hearth
