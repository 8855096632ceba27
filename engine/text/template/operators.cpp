// Arithmetic, comparison, membership and iteration as in Python.
#include <algorithm>
#include <cmath>

#include "engine/text/template/call.h"
#include "engine/text/template/interpreter.h"
#include "engine/text/template/unicode.h"

namespace hearth {

std::int64_t Interpreter::integer(const Value& v) {
  if (v.is_undefined()) fail(Error::undefined, "an integer is undefined");
  if (!v.is_integral()) fail(Error::type, "expected an integer, not " + std::string(type_name(v)));
  return v.integer();
}

Value Interpreter::binary(const std::string& op, const Value& a, const Value& b) {
  if (op == "~") {
    std::string left = to_text(a);
    return text(left += to_text(b));
  }
  if (a.is_undefined() || b.is_undefined()) fail(Error::undefined, "an operand of '" + op + "' is undefined");
  if (op == "+" && a.is_string() && b.is_string()) {
    charge_bytes(a.string().size() + b.string().size());
    return a.string() + b.string();
  }
  if (op == "+" && a.is_list() && b.is_list() && a.list().is_tuple == b.list().is_tuple) {
    charge(2 * (a.list().items.size() + b.list().items.size()));
    std::vector<Value> items = a.list().items;
    items.insert(items.end(), b.list().items.begin(), b.list().items.end());
    return a.list().is_tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
  }
  if (op == "*" && (a.is_integral() ? b : a).kind() >= Value::Kind::string && (a.is_integral() || b.is_integral())) {
    const Value& many = a.is_integral() ? b : a;
    const std::int64_t count = std::max<std::int64_t>(0, (a.is_integral() ? a : b).integer());
    if (count > 10'000'000) fail(Error::budget, "a repetition is too long");
    const auto n = static_cast<std::size_t>(count);
    if (many.is_string()) {
      charge_bytes(many.string().size() * n);
      std::string out;
      for (std::size_t i = 0; i < n && !many.string().empty(); ++i) out += many.string();
      return out;
    }
    if (many.is_list()) {
      charge(many.list().items.size() * n * 2);
      std::vector<Value> items;
      for (std::size_t i = 0; i < n && !many.list().items.empty(); ++i) {
        items.insert(items.end(), many.list().items.begin(), many.list().items.end());
      }
      return many.list().is_tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
    }
  }
  if (op == "%" && a.is_string()) return format_percent({*this, a, {}}, a.string(), b);
  if (!a.is_number() || !b.is_number()) {
    fail(Error::type, "'" + op + "' does not join " + std::string(type_name(a)) + " and " + std::string(type_name(b)));
  }
  const bool zero = b.real() == 0;
  if (zero && (op == "/" || op == "//" || op == "%")) fail(Error::type, "division by zero");
  if (op == "/") return a.real() / b.real();
  if (a.is_integral() && b.is_integral() && !(op == "**" && b.integer() < 0)) {
    const std::int64_t x = a.integer();
    const std::int64_t y = b.integer();
    std::int64_t out = 0;
    bool over = false;
    if (op == "+")
      over = __builtin_add_overflow(x, y, &out);
    else if (op == "-")
      over = __builtin_sub_overflow(x, y, &out);
    else if (op == "*")
      over = __builtin_mul_overflow(x, y, &out);
    else if (op == "**") {
      out = 1;
      if (y > 64 && (x > 1 || x < -1))
        over = true;
      else
        for (std::int64_t i = 0; i < (y > 64 ? 64 + y % 2 : y) && !over; ++i)
          over = __builtin_mul_overflow(out, x, &out);
    } else if (y == -1) {
      if (op == "//") over = __builtin_sub_overflow(std::int64_t{0}, x, &out);
    } else {
      const std::int64_t rest = x % y;
      const bool down = rest != 0 && (rest < 0) != (y < 0);
      out = op == "//" ? x / y - down : down ? rest + y : rest;
    }
    if (over) fail(Error::type, "an integer is too large");
    return out;
  }
  const double x = a.real();
  const double y = b.real();
  if (op == "+") return x + y;
  if (op == "-") return x - y;
  if (op == "*") return x * y;
  if (op == "//") return std::floor(x / y);
  if (op == "**") return std::pow(x, y);
  const double rest = std::fmod(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

bool Interpreter::same(const Value& a, const Value& b) {
  charge(std::min(a.cost(), b.cost()));
  return equal(a, b);
}

bool Interpreter::less(const Value& a, const Value& b) {
  if (a.is_undefined() || b.is_undefined()) fail(Error::undefined, "a compared value is undefined");
  if (a.is_number() && b.is_number()) {
    return a.is_integral() && b.is_integral() ? a.integer() < b.integer() : a.real() < b.real();
  }
  if (a.is_string() && b.is_string()) {
    charge(std::min(a.cost(), b.cost()));
    return a.string() < b.string();
  }
  if (a.is_list() && b.is_list()) {
    charge(std::min(a.cost(), b.cost()));
    const auto &x = a.list().items, &y = b.list().items;
    for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
      if (!same(x[i], y[i])) return less(x[i], y[i]);
    }
    return x.size() < y.size();
  }
  fail(Error::type, "no order between " + std::string(type_name(a)) + " and " + std::string(type_name(b)));
}

bool Interpreter::compare(const std::string& op, const Value& a, const Value& b) {
  if (op == "==") return same(a, b);
  if (op == "!=") return !same(a, b);
  if (op == "<") return less(a, b);
  if (op == ">") return less(b, a);
  if (op == "<=") return less(a, b) || same(a, b);
  if (op == ">=") return less(b, a) || same(a, b);
  return contains(b, a) == (op == "in");
}

bool Interpreter::contains(const Value& container, const Value& one) {
  if (container.is_undefined()) return false;
  if (container.is_string()) {
    if (!one.is_string()) fail(Error::type, "'in <string>' requires a string");
    charge_search(container.string().size(), one.string().size());
    return container.string().find(one.string()) != std::string::npos;
  }
  if (container.is_dict()) return container.dict().find(one) != nullptr;
  if (!container.is_list()) fail(Error::type, "a " + std::string(type_name(container)) + " holds no items");
  charge(container.list().items.size());
  for (const Value& other : container.list().items) {
    if (same(other, one)) return true;
  }
  return false;
}

std::vector<Value> Interpreter::items_of(const Value& value) {
  std::vector<Value> out;
  if (value.is_list())
    out = value.list().items;
  else if (value.is_dict())
    for (const auto& member : value.dict().items) out.push_back(member.first);
  else if (value.is_string()) {
    charge(value.string().size() * 2);
    for (std::size_t at = 0; at < value.string().size();) {
      const std::size_t start = at;
      next_code_point(value.string(), at);
      out.emplace_back(value.string().substr(start, at - start));
    }
  } else if (!value.is_undefined()) {
    fail(Error::type, "a " + std::string(type_name(value)) + " is not iterable");
  }
  charge(out.size());
  return out;
}

}  // namespace hearth
