// Filters, tests and strftime.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>

#include "engine/text/template/interpreter.h"
#include "engine/text/template/unicode.h"

namespace hearth {

std::string format_time(const std::string& format, const std::string& now) {
  std::tm t{};
  const std::time_t clock = std::time(nullptr);
  if (now.empty() || strptime(now.c_str(), "%Y-%m-%dT%H:%M:%S", &t) == nullptr) localtime_r(&clock, &t);
  char out[512];
  return std::string(out, std::strftime(out, sizeof out, format.substr(0, 200).c_str(), &t));
}

Value Interpreter::path(const Value& subject, const Value& attribute_path) {
  if (attribute_path.is_integral()) return item(subject, attribute_path);
  Value out = subject;
  const std::string p = to_text(attribute_path) + ".";
  for (std::size_t at = 0, dot; (dot = p.find('.', at)) != p.npos; at = dot + 1)
    out = item(out, p.substr(at, dot - at));
  return out;
}

Value Interpreter::filter(const std::string& name, const Value& v, const Arguments& a) {
  const auto arg = [&](std::size_t i, std::string_view key, Value absent = {}) {
    const Value* x = a.at(i, key);
    return x ? *x : absent;
  };
  const auto rest = [&](std::size_t n) {
    return Arguments{{a.plain.begin() + static_cast<std::ptrdiff_t>(std::min(n, a.plain.size())), a.plain.end()},
                     a.named};
  };
  if (name == "default" || name == "d")
    return v.is_undefined() || (arg(1, "boolean").truthy() && !v.truthy()) ? arg(0, "default_value", "") : v;
  if (name == "safe") return v;
  if (name == "string") return text(to_text(v));
  if (name == "length" || name == "count") {
    if (v.is_string()) return charge(v.string().size() / 16), text_length(v.string());
    return items_of(v).size();
  }
  if (name == "tojson") {
    JsonStyle style;
    if (const Value i = arg(0, "indent"); i.is_integral())
      style.indent = static_cast<int>(std::clamp<std::int64_t>(i.integer(), 0, 64));
    style.ascii = arg(9, "ensure_ascii").truthy();
    style.sort_keys = arg(9, "sort_keys").truthy();
    return text(dump_json(v, style, limits_.max_output_bytes));
  }
  if (name == "trim" || name == "upper" || name == "lower" || name == "title" || name == "capitalize")
    return method(to_text(v), name == "trim" ? "strip" : name, a);
  if (name == "replace") {
    const std::string s = to_text(v), from = to_text(arg(0, "old")), to = to_text(arg(1, "new"));
    charge_search(s.size(), from.size());
    if (from.empty()) fail(Error::type, "replace of an empty string is not supported");
    std::int64_t most = arg(2, "count").is_integral() ? arg(2, "count").integer() : INT64_MAX;
    std::string out;
    std::size_t at = 0;
    for (std::size_t hit; most-- != 0 && (hit = s.find(from, at)) != s.npos; at = hit + from.size()) {
      out.append(s, at, hit - at).append(to);
      if (out.size() > limits_.max_output_bytes) fail(Error::budget, "a text is too long");
    }
    return text(out.append(s, at, s.npos));
  }
  if (name == "indent") {
    const Value w = arg(0, "width", 4);
    const std::string pad =
        w.is_string() ? w.string()
                      : std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(integer(w), 0, 1000)), ' ');
    std::string out = arg(1, "first").truthy() ? pad : "";
    const std::string s = to_text(v);
    for (std::size_t i = 0; i < s.size(); ++i) {
      out += s[i];
      if (s[i] == '\n' && i + 1 < s.size() && (s[i + 1] != '\n' || arg(2, "blank").truthy())) out += pad;
      if (out.size() > limits_.max_output_bytes) fail(Error::budget, "a text is too long");
    }
    return text(out);
  }
  if (name == "escape" || name == "e") {
    std::string out;
    for (const char c : to_text(v))
      out += c == '&'    ? "&amp;"
             : c == '<'  ? "&lt;"
             : c == '>'  ? "&gt;"
             : c == '"'  ? "&#34;"
             : c == '\'' ? "&#39;"
                         : std::string(1, c);
    return text(out);
  }
  if (name == "int" || name == "float") {
    if (!v.is_string() && !v.is_number()) return arg(0, "default", 0);
    const double d = v.is_string() ? std::strtod(v.string().c_str(), nullptr) : v.real();
    if (name == "float") return d;
    return v.is_integral() ? Value(v.integer()) : std::abs(d) < 9e18 ? Value(static_cast<std::int64_t>(d)) : Value(0);
  }
  if (name == "abs")
    return v.is_integral() ? (v.integer() < 0 ? binary("-", 0, v) : v) : Value(std::abs(v.is_number() ? v.real() : 0));
  if (name == "round") {
    const double scale = std::pow(10.0, static_cast<double>(integer(arg(0, "precision", 0))));
    return v.is_number() ? Value(std::nearbyint(v.real() * scale) / scale) : v;
  }
  if (name == "items")
    return v.is_undefined() ? Value::list({})
           : v.is_dict()    ? method(v, "items", {})
                            : (fail(Error::type, "items of no mapping"), Value());
  if (name == "dictsort" && !v.is_dict()) fail(Error::type, "dictsort needs a dict");
  std::vector<Value> items = name == "dictsort" ? items_of(method(v, "items", {})) : items_of(v), out;
  if (name == "list") return Value::list(std::move(items));
  if (name == "first") return items.empty() ? Value() : items.front();
  if (name == "last") return items.empty() ? Value() : items.back();
  if (name == "reverse") {
    std::reverse(items.begin(), items.end());
    if (!v.is_string()) return Value::list(std::move(items));
    return filter("join", Value::list(std::move(items)), {});
  }
  const Value by = arg(name == "sum" ? 0 : 9, "attribute");
  if (name == "join") {
    const Value attr = arg(1, "attribute");
    const std::string sep = to_text(arg(0, "d", ""));
    std::string made;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) made += sep;
      made += to_text(attr.is_undefined() ? items[i] : path(items[i], attr));
      if (made.size() > limits_.max_output_bytes) fail(Error::budget, "a text is too long");
    }
    return text(made);
  }
  if (name == "sum") {
    Value total = arg(1, "start", 0);
    for (const Value& one : items) total = binary("+", total, by.is_undefined() ? one : path(one, by));
    return total;
  }
  if (name == "sort" || name == "dictsort" || name == "min" || name == "max" || name == "unique") {
    charge(items.size() * 16);
    const auto key = [&](const Value& one) {
      Value k = name == "dictsort" ? item(one, 0) : by.is_undefined() ? one : path(one, by);
      return k.is_string() && !arg(9, "case_sensitive").truthy() ? Value(lower_text(k.string())) : k;
    };
    if (name == "unique") {
      Dict seen;
      for (const Value& one : items)
        if (!seen.find(key(one))) seen.set(key(one), true), out.push_back(one);
      return Value::list(std::move(out));
    }
    const bool down = arg(name == "sort" ? 0 : 2, "reverse").truthy() || name == "max";
    std::stable_sort(items.begin(), items.end(), [&](const Value& x, const Value& y) {
      return down ? less(key(y), key(x)) : less(key(x), key(y));
    });
    if (name == "min" || name == "max") return items.empty() ? Value() : items.front();
    return Value::list(std::move(items));
  }
  if (name == "wordcount") return items_of(method(v, "split", {})).size();
  for (const Value& one : items) {
    if (name == "map") {
      const Value* attr = a.at(9, "attribute");
      Value made = attr ? path(one, *attr) : filter(to_text(arg(0, "")), one, rest(1));
      if (attr && made.is_undefined()) made = arg(9, "default");
      out.push_back(std::move(made));
    } else if (name == "batch") {
      fail(Error::type, "batch is not supported");
    } else {
      const bool attr = name == "selectattr" || name == "rejectattr";
      const Value subject = attr ? path(one, arg(0, "")) : one;
      const Value with = arg(attr ? 1 : 0, "");
      const bool yes = with.is_undefined() ? subject.truthy() : test(to_text(with), subject, rest(attr ? 2 : 1));
      if (yes == (name[0] == 's')) out.push_back(one);
    }
  }
  return Value::list(std::move(out));
}

bool Interpreter::test(const std::string& name, const Value& v, const Arguments& a) {
  using K = Value::Kind;
  const Value x = a.plain.empty() ? Value() : a.plain[0];
  if (name == "defined") return !v.is_undefined();
  if (name == "undefined") return v.is_undefined();
  if (name == "none") return v.is_none();
  if (name == "string") return v.is_string();
  if (name == "mapping") return v.is_dict();
  if (name == "iterable" || name == "sequence") return v.is_list() || v.is_dict() || v.is_string() || v.is_undefined();
  if (name == "number") return v.is_number();
  if (name == "integer") return v.is(K::integer);
  if (name == "float") return v.is(K::real);
  if (name == "boolean") return v.is(K::boolean);
  if (name == "true" || name == "false") return v.is(K::boolean) && v.boolean() == (name == "true");
  if (name == "callable")
    return v.is(K::object) && v.object().kind != Object::Kind::space && v.object().kind != Object::Kind::loop;
  if (name == "upper")
    return v.is_string() && upper_text(v.string()) == v.string() && lower_text(v.string()) != v.string();
  if (name == "lower")
    return v.is_string() && lower_text(v.string()) == v.string() && upper_text(v.string()) != v.string();
  if (name == "odd" || name == "even") return (integer(v) % 2 != 0) == (name == "odd");
  if (name == "divisibleby") return same(binary("%", v, x), 0);
  if (name == "in") return contains(x, v);
  if (name == "sameas") return v.kind() == x.kind() && same(v, x);
  if (name == "ne") return !same(v, x);
  if (name == "lt" || name == "lessthan") return less(v, x);
  if (name == "gt" || name == "greaterthan") return less(x, v);
  if (name == "le") return compare("<=", v, x);
  if (name == "ge") return compare(">=", v, x);
  if (name == "eq" || name == "equalto" || name == "==") return same(v, x);
  fail(Error::type, "unknown test '" + name + "'");
}

}  // namespace hearth
