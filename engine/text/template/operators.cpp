// Arithmetic, comparison, membership and iteration as in Python.
#include <algorithm>
#include <cmath>

#include "engine/text/template/format_text.h"
#include "engine/text/template/interpreter.h"
#include "engine/text/template/unicode.h"

namespace hearth {

std::string Interpreter::str(const Value& value) {
  charge(1 + value.cost());
  return to_text(value);
}

std::int64_t Interpreter::integer(const Value& v) {
  if (v.is_undefined()) fail(Error::undefined, "an integer is undefined");
  if (!v.is_integral()) fail(Error::type, "expected an integer, not " + std::string(type_name(v)));
  return v.integer();
}

double Interpreter::real(const Value& v) {
  if (v.is_undefined()) fail(Error::undefined, "a number is undefined");
  if (!v.is_number()) fail(Error::type, "expected a number, not " + std::string(type_name(v)));
  return v.real();
}

namespace {

bool same_sequence_type(const Value& a, const Value& b) {
  return a.is_list() && b.is_list() && (a.list().type == b.list().type || (a.is_tuple() && b.is_tuple())) &&
         (a.is_tuple() || a.list().type == List::Type::list);
}

// Python's modulo and floor division take the sign of the divisor.
double float_modulo(double x, double y) {
  const double rest = std::fmod(x, y);
  if (rest == 0) return std::copysign(0.0, y);
  return (rest < 0) != (y < 0) ? rest + y : rest;
}
double float_floor_divide(double x, double y) {
  const double quotient = (x - float_modulo(x, y)) / y;
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

// False where the result does not fit.
bool integer_power(std::int64_t base, std::int64_t exponent, std::int64_t& out) {
  out = 1;
  if (base == 0 || base == 1) return out = exponent == 0 ? 1 : base, true;
  if (base == -1) return out = exponent % 2 == 0 ? 1 : -1, true;
  for (std::int64_t i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(out, base, &out)) return false;
  }
  return true;
}

// For numbers of 64 bits; false where the result does not fit. `y` is neither 0 for a division nor negative for a
// power.
bool integer_arithmetic(const std::string& op, std::int64_t x, std::int64_t y, std::int64_t& out) {
  if (op == "+") return !__builtin_add_overflow(x, y, &out);
  if (op == "-") return !__builtin_sub_overflow(x, y, &out);
  if (op == "*") return !__builtin_mul_overflow(x, y, &out);
  if (op == "**") return integer_power(x, y, out);
  if (y == -1) return op == "%" ? (out = 0, true) : !__builtin_sub_overflow(std::int64_t{0}, x, &out);
  const std::int64_t rest = x % y;
  const bool down = rest != 0 && (rest < 0) != (y < 0);
  out = op == "//" ? x / y - down : down ? rest + y : rest;
  return true;
}

}  // namespace

Value Interpreter::arithmetic(const std::string& op, const Value& a, const Value& b) {
  if (op == "~") {
    std::string left = str(a);
    return text(left += str(b));
  }
  if (op == "%" && a.is_string()) return text(format_percent(*this, a.string(), b));
  if (a.is_undefined() || b.is_undefined()) fail(Error::undefined, "an operand of '" + op + "' is undefined");
  if (op == "+" && a.is_string() && b.is_string()) {
    charge_bytes(a.string().size() + b.string().size());
    return a.string() + b.string();
  }
  if (op == "+" && same_sequence_type(a, b)) {
    charge(2 * (a.list().items.size() + b.list().items.size()));
    std::vector<Value> items = a.list().items;
    items.insert(items.end(), b.list().items.begin(), b.list().items.end());
    return a.is_tuple() ? Value::tuple(std::move(items)) : Value::list(std::move(items));
  }
  if (op == "*" && a.is_integral() && !b.is_number()) return repeated(b, a.integer());
  if (op == "*" && b.is_integral() && !a.is_number()) return repeated(a, b.integer());
  if (!a.is_number() || !b.is_number()) {
    fail(Error::type, "'" + op + "' does not join " + std::string(type_name(a)) + " and " + std::string(type_name(b)));
  }
  const bool divides = op == "/" || op == "//" || op == "%" || (op == "**" && a.real() == 0 && b.real() < 0);
  if (divides && (op == "**" || b.real() == 0)) fail(Error::type, "division by zero");
  if (op == "/") return a.real() / b.real();
  if (a.is_integral() && b.is_integral() && !(op == "**" && b.integer() < 0)) {
    std::int64_t out = 0;
    if (!integer_arithmetic(op, a.integer(), b.integer(), out)) fail(Error::type, "an integer is too large");
    return out;
  }
  return float_arithmetic(op, a.real(), b.real());
}

Value Interpreter::float_arithmetic(const std::string& op, double x, double y) {
  if (op == "+") return x + y;
  if (op == "-") return x - y;
  if (op == "*") return x * y;
  if (op == "//") return float_floor_divide(x, y);
  if (op == "%") return float_modulo(x, y);
  const double power = std::pow(x, y);
  if (std::isnan(power) && !std::isnan(x) && !std::isnan(y)) fail(Error::type, "a power is no real number");
  if (std::isinf(power) && !std::isinf(x) && !std::isinf(y)) fail(Error::type, "a number is too large");
  return power;
}

Value Interpreter::repeated(const Value& many, std::int64_t count) {
  constexpr std::int64_t kMostTimes = 10'000'000;
  if (count > kMostTimes) fail(Error::budget, "a repetition is too long");
  const auto times = static_cast<std::size_t>(std::max<std::int64_t>(0, count));
  if (many.is_string()) {
    charge_bytes(many.string().size() * times);
    std::string out;
    for (std::size_t i = 0; i < times && !many.string().empty(); ++i) out += many.string();
    return out;
  }
  if (!same_sequence_type(many, many)) fail(Error::type, "a " + std::string(type_name(many)) + " cannot be repeated");
  charge(many.list().items.size() * times * 2);
  std::vector<Value> items;
  for (std::size_t i = 0; i < times && !many.list().items.empty(); ++i) {
    items.insert(items.end(), many.list().items.begin(), many.list().items.end());
  }
  return many.is_tuple() ? Value::tuple(std::move(items)) : Value::list(std::move(items));
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
  if (same_sequence_type(a, b)) {
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
  if (container.is_dict()) return charge(one.cost()), container.dict().find(one) != nullptr;
  for (const Value& other : items_of(container)) {
    if (same(other, one)) return true;
  }
  return false;
}

std::vector<Value> Interpreter::items_of(const Value& value) {
  std::vector<Value> out;
  if (value.is_list()) {
    charge(value.list().items.size());
    return value.list().items;
  }
  if (value.is(Value::Kind::object) && value.object().kind == Object::Kind::iterator) {
    out = rest_of(value.object());
  } else if (value.is_dict()) {
    for (const auto& member : value.dict().items) out.push_back(member.first);
  } else if (value.is_string()) {
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
