// Values: construction, keys, equality.
#include "engine/text/template/value.h"

#include <algorithm>
#include <cmath>

#include "engine/text/template/error.h"

namespace hearth {

namespace {

// A template may raise any text; an error is one line.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

}  // namespace

TemplateError::TemplateError(Kind kind, const std::string& message, int line)
    : std::runtime_error(one_line(line > 0 ? "template line " + std::to_string(line) + ": " + message : message)),
      kind_(kind),
      line_(line),
      bare_(message) {}

namespace {

int nested(int depth) {
  if (depth > Value::kMaxDepth) throw TemplateError(TemplateError::Kind::budget, "values are nested too deeply");
  return depth;
}

std::uint64_t affordable(std::uint64_t cost) {
  if (cost > Value::kMaxCost) throw TemplateError(TemplateError::Kind::budget, "a value is too large");
  return cost;
}

// One text per class of equal keys.
std::string key_text(const Value& key) {
  switch (key.kind()) {
    case Value::Kind::string:
      return "s" + key.string();
    case Value::Kind::boolean:
    case Value::Kind::integer:
      return "n" + std::to_string(key.integer());
    case Value::Kind::real: {
      const double number = key.real();
      if (std::floor(number) == number && std::abs(number) < 9e18) {
        return "n" + std::to_string(static_cast<std::int64_t>(number));
      }
      return "n" + float_repr(number);
    }
    case Value::Kind::none:
      return "0";
    case Value::Kind::list:
      if (key.is_tuple()) {
        if (key.cost() > Value::kMaxKeyCost) throw TemplateError(TemplateError::Kind::budget, "a key is too large");
        std::string text = "(";
        for (const Value& item : key.list().items) {
          const std::string one = key_text(item);
          text += std::to_string(one.size()) + ":" + one;
        }
        return text;
      }
      [[fallthrough]];
    default:
      throw TemplateError(TemplateError::Kind::type, "unhashable key of type " + std::string(type_name(key)));
  }
}

}  // namespace

Value::Value(List list) {
  int deepest = 0;
  for (const Value& item : list.items) deepest = std::max(deepest, item.depth());
  list.depth = nested(deepest + 1);
  for (const Value& item : list.items) list.cost = affordable(list.cost + item.cost());
  data_ = std::make_shared<const List>(std::move(list));
}

Value::Value(Dict dict) {
  int deepest = 0;
  for (const auto& [key, item] : dict.items) deepest = std::max({deepest, key.depth(), item.depth()});
  dict.depth = nested(deepest + 1);
  dict.cost = 0;  // a copy brings that of its original
  for (const auto& [key, item] : dict.items) dict.cost = affordable(dict.cost + key.cost() + item.cost());
  data_ = std::make_shared<const Dict>(std::move(dict));
}

Value Value::list(std::vector<Value> items) {
  List list;
  list.items = std::move(items);
  return list;
}
Value Value::tuple(std::vector<Value> items) {
  List list;
  list.items = std::move(items), list.type = List::Type::tuple;
  return list;
}

bool Value::is_tuple() const {
  return is_list() && (list().type == List::Type::tuple || list().type == List::Type::group);
}

namespace {

template <class Held, class Data>
const Held& held(const Data& data, const Value& value, const char* expected) {
  if (const Held* found = std::get_if<Held>(&data)) return *found;
  throw TemplateError(TemplateError::Kind::type,
                      std::string("expected ") + expected + ", not " + std::string(type_name(value)));
}

}  // namespace

bool Value::boolean() const { return held<bool>(data_, *this, "a boolean"); }
std::int64_t Value::integer() const {
  return is(Kind::boolean) ? std::int64_t{boolean()} : held<std::int64_t>(data_, *this, "an integer");
}
double Value::real() const {
  return is_integral() ? static_cast<double>(integer()) : held<double>(data_, *this, "a number");
}
const std::string& Value::string() const { return *held<std::shared_ptr<const std::string>>(data_, *this, "a string"); }
const List& Value::list() const { return *held<std::shared_ptr<const List>>(data_, *this, "a list"); }
const Dict& Value::dict() const { return *held<std::shared_ptr<const Dict>>(data_, *this, "a dict"); }
const Object& Value::object() const { return held<Object>(data_, *this, "an object"); }

const Value* Value::find(std::string_view key) const {
  if (!is_dict()) return nullptr;
  std::string text = "s";
  text += key;
  const auto found = dict().index.find(text);
  return found == dict().index.end() ? nullptr : &dict().items[found->second].second;
}

bool Value::truthy() const {
  switch (kind()) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
      return boolean();
    case Kind::integer:
      return integer() != 0;
    case Kind::real:
      return real() != 0;
    case Kind::string:
      return !string().empty();
    case Kind::list:
      return !list().items.empty();
    case Kind::dict:
      return !dict().items.empty();
    case Kind::object:
      return true;
  }
  return false;
}

int Value::depth() const {
  if (is_list()) return list().depth;
  if (is_dict()) return dict().depth;
  return 0;
}

std::uint64_t Value::cost() const {
  if (is_list()) return 1 + list().cost;
  if (is_dict()) return 1 + dict().cost;
  return is_string() ? 1 + string().size() / 16 : 1;
}

void Dict::set(Value key, Value value) {
  const auto [place, fresh] = index.emplace(key_text(key), items.size());
  if (fresh)
    items.emplace_back(std::move(key), std::move(value));
  else
    items[place->second].second = std::move(value);
}

const Value* Dict::find(const Value& key) const {
  if (key.is_undefined()) return nullptr;
  const auto found = index.find(key_text(key));
  return found == index.end() ? nullptr : &items[found->second].second;
}

namespace {

std::string_view list_type_name(const Value& value) {
  switch (value.list().type) {
    case List::Type::list:
      return "list";
    case List::Type::tuple:
    case List::Type::group:
      return "tuple";
    case List::Type::range:
      return "range";
    case List::Type::keys:
      return "dict_keys";
    case List::Type::values:
      return "dict_values";
    case List::Type::items:
      return "dict_items";
  }
  return "list";
}

}  // namespace

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::undefined:
      return "Undefined";
    case Value::Kind::none:
      return "NoneType";
    case Value::Kind::boolean:
      return "bool";
    case Value::Kind::integer:
      return "int";
    case Value::Kind::real:
      return "float";
    case Value::Kind::string:
      return "str";
    case Value::Kind::list:
      return list_type_name(value);
    case Value::Kind::dict:
      return "dict";
    case Value::Kind::object:
      return "object";
  }
  return "object";
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) return a.integer() == b.integer();
    return a.real() == b.real();
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Value::Kind::string:
      return a.string() == b.string();
    case Value::Kind::object:
      return a.object() == b.object();
    case Value::Kind::list: {
      const List& x = a.list();
      const List& y = b.list();
      if (&x == &y) return true;
      return (x.type == y.type || (a.is_tuple() && b.is_tuple())) && x.items.size() == y.items.size() &&
             std::equal(x.items.begin(), x.items.end(), y.items.begin(), equal);
    }
    case Value::Kind::dict: {
      const Dict& x = a.dict();
      const Dict& y = b.dict();
      if (&x == &y) return true;
      if (x.items.size() != y.items.size()) return false;
      return std::all_of(x.items.begin(), x.items.end(), [&](const auto& item) {
        const Value* other = y.find(item.first);
        return other != nullptr && equal(item.second, *other);
      });
    }
    default:
      return true;  // undefined and none
  }
}

}  // namespace hearth
