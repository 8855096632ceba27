// Attributes, items and slices.
#include <algorithm>

#include "engine/text/template/filters.h"
#include "engine/text/template/interpreter.h"
#include "engine/text/template/unicode.h"

namespace hearth {

Value Interpreter::attribute(const Value& subject, const std::string& name) {
  if (subject.is_undefined()) fail(Error::undefined, "attribute '" + name + "' of an undefined value");
  if (subject.is(Value::Kind::object)) return object_attribute(subject.object(), name);
  if (is_mutator(subject, name)) return {};
  if (find_method(subject, name)) return own(Object::Kind::method, Method{subject, name});
  if (subject.is_list() && subject.list().type == List::Type::group) {
    if (name == "grouper") return subject.list().items.at(0);
    if (name == "list") return subject.list().items.at(1);
  }
  const Value* found = subject.find(name);
  return found ? *found : Value();
}

Value Interpreter::item(const Value& subject, const Value& key) {
  if (subject.is_undefined()) fail(Error::undefined, "item of an undefined value");
  if (subject.is_dict()) {
    if (key.is_undefined() || (key.is_list() && !key.is_tuple()) || key.is_dict() || key.is(Value::Kind::object))
      return {};
    charge(key.cost());
    if (const Value* found = subject.dict().find(key)) return *found;
  } else if ((subject.is_list() || subject.is_string()) && key.is_integral()) {
    std::int64_t i = key.integer();
    if (subject.is_list()) {
      if (subject.list().type >= List::Type::keys) return {};
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
  if (!subject.is_string() && !(subject.is_list() && subject.list().type < List::Type::keys)) {
    fail(Error::type, "a " + std::string(type_name(subject)) + " cannot be sliced");
  }
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
  List out;
  std::string made;
  for (std::int64_t i = first; step > 0 ? i < last : i > last; i += step) {
    const auto k = static_cast<std::size_t>(i);
    if (subject.is_list())
      out.items.push_back(subject.list().items[k]);
    else
      made.append(subject.string(), offsets[k], offsets[k + 1] - offsets[k]);
  }
  charge(out.items.size() * 2);
  if (subject.is_string()) return text(std::move(made));
  if (subject.is_tuple()) out.type = List::Type::tuple;
  return out;
}

Value Interpreter::path(const Value& subject, const Value& attribute_path, const Value* absent) {
  const auto step = [&](const Value& from, const Value& key) {
    Value found = item(from, key);
    return absent != nullptr && found.is_undefined() ? *absent : found;
  };
  if (attribute_path.is_none() || attribute_path.is_undefined()) return subject;
  if (attribute_path.is_integral()) return step(subject, attribute_path);
  Value out = subject;
  const std::string names = str(attribute_path) + ".";
  for (std::size_t at = 0, dot; (dot = names.find('.', at)) != names.npos; at = dot + 1) {
    const std::string name = names.substr(at, dot - at);
    const bool number = !name.empty() && name.size() < 10 && name.find_first_not_of("0123456789") == name.npos;
    out = step(out, number ? Value(std::int64_t{std::stoi(name)}) : Value(name));
  }
  return out;
}

Value Interpreter::object_attribute(const Object& subject, const std::string& name) {
  switch (subject.kind) {
    case Object::Kind::space: {
      const auto& members = thing<Space>(subject).members;
      const auto found = members.find(name);
      return found == members.end() ? Value() : found->second;
    }
    case Object::Kind::macro:
      return macro_attribute(*thing<Macro>(subject).statement, name);
    case Object::Kind::loop:
      if (name == "cycle" || name == "changed") return own(Object::Kind::method, Method{subject, name});
      return loop_attribute(thing<Loop>(subject), name);
    case Object::Kind::cycler: {
      const Cycler& cycler = thing<Cycler>(subject);
      if (name == "current") return cycler.items[cycler.next];
      if (name == "next" || name == "reset") return own(Object::Kind::method, Method{subject, name});
      return {};
    }
    default:
      return {};
  }
}

Value Interpreter::loop_attribute(const Loop& loop, const std::string& name) {
  const std::size_t size = loop.items.size();
  if (name == "index") return loop.index + 1;
  if (name == "index0") return loop.index;
  if (name == "first") return loop.index == 0;
  if (name == "last") return loop.index + 1 == size;
  if (name == "length") return size;
  if (name == "revindex") return size - loop.index;
  if (name == "revindex0") return size - loop.index - 1;
  if (name == "depth") return loop.depth + 1;
  if (name == "depth0") return loop.depth;
  if (name == "previtem") return loop.index > 0 && loop.index <= size ? loop.items[loop.index - 1] : Value();
  if (name == "nextitem") return loop.index + 1 < size ? loop.items[loop.index + 1] : Value();
  return {};
}

Value Interpreter::macro_attribute(const Statement& statement, const std::string& name) {
  if (name == "name") return statement.text;
  if (name == "catch_varargs") return statement.takes_varargs;
  if (name == "catch_kwargs") return statement.takes_kwargs;
  if (name == "caller") return statement.takes_caller;
  if (name != "arguments") return {};
  std::vector<Value> names;
  for (const std::string& one : statement.names) names.emplace_back(one);
  return Value::tuple(std::move(names));
}

}  // namespace hearth
