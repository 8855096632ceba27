// Methods of strings, dicts and lists.
#include <algorithm>
#include <set>

#include "engine/text/template/interpreter.h"
#include "engine/text/template/unicode.h"

namespace hearth {

bool is_method(const Value& self, const std::string& name) {
  static const std::set<std::string_view> kString = {
      "strip",   "lstrip", "rstrip", "split", "rsplit",     "splitlines", "startswith", "endswith",
      "replace", "upper",  "lower",  "title", "capitalize", "find",       "join",       "count"};
  if (self.is_string()) return kString.count(name) > 0;
  if (self.is_dict()) return name == "items" || name == "keys" || name == "values" || name == "get";
  return self.is_list() && (name == "count" || name == "index");
}

Value Interpreter::method(const Value& self, const std::string& name, const Arguments& a) {
  const auto arg = [&](std::size_t i, std::string_view key = "") {
    const Value* v = a.at(i, key);
    return v ? *v : Value();
  };
  std::vector<Value> out;
  if (self.is_dict()) {
    if (name == "get") {
      const Value* found = self.dict().find(arg(0));
      return found ? *found : a.plain.size() > 1 ? a.plain[1] : Value(Value::None{});
    }
    charge(self.dict().items.size() * 3);
    for (const auto& [key, value] : self.dict().items) {
      out.push_back(name == "keys" ? key : name == "values" ? value : Value::tuple({key, value}));
    }
    return Value::list(std::move(out));
  }
  if (self.is_list()) {
    std::size_t count = 0;
    const auto& items = self.list().items;
    charge(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!same(items[i], arg(0))) continue;
      if (name == "index") return i;
      ++count;
    }
    if (name == "index") fail(Error::type, "the value is not in the list");
    return count;
  }
  const std::string& s = self.string();
  charge(1 + s.size() / 4);
  const auto word = [&](std::size_t i, std::string_view key = "") -> std::string {
    const Value v = arg(i, key);
    if (!v.is_string()) fail(Error::type, name + " needs a string");
    return v.string();
  };
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    const bool all = a.plain.empty() || a.plain[0].is_none();
    const std::string chars = all ? "" : word(0);
    const std::string_view view = chars;
    return text(std::string(strip_text(s, name != "rstrip", name != "lstrip", all ? nullptr : &view)));
  }
  if (name == "upper") return text(upper_text(s));
  if (name == "lower") return text(lower_text(s));
  if (name == "title") return text(title_text(s));
  if (name == "capitalize") return text(capitalize_text(s));
  if (name == "startswith" || name == "endswith") {
    const std::vector<Value> options = arg(0).is_list() ? arg(0).list().items : std::vector<Value>{word(0)};
    for (const Value& v : options) {
      if (!v.is_string()) fail(Error::type, name + " needs strings");
      if (name == "startswith" ? s.starts_with(v.string()) : s.ends_with(v.string())) return true;
    }
    return false;
  }
  if (name == "join") return filter("join", arg(0), Arguments{{self}, {}});
  if (name == "replace") return filter("replace", self, a);
  if (name == "find") {
    const std::string what = word(0);
    charge_search(s.size(), what.size());
    const std::size_t at = s.find(what);
    return at == s.npos ? Value(-1) : Value(text_length(std::string_view(s).substr(0, at)));
  }
  if (name == "count") {
    const std::string what = word(0);
    if (what.empty()) return text_length(s) + 1;
    charge_search(s.size(), what.size());
    std::size_t count = 0;
    for (std::size_t at = 0; (at = s.find(what, at)) != s.npos; at += what.size()) ++count;
    return count;
  }
  if (name == "splitlines") {
    for (std::size_t at = 0; at < s.size();) {
      std::size_t end = s.find_first_of("\r\n", at);
      if (end == s.npos) end = s.size();
      out.emplace_back(s.substr(at, end - at));
      at = end + (s.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    }
    return charge(out.size() * 4), Value::list(std::move(out));
  }
  const Value limit = arg(1, "maxsplit");
  std::int64_t most = limit.is_undefined() || integer(limit) < 0 ? INT64_MAX : limit.integer();
  charge(s.size() / 2);
  if (arg(0, "sep").is_undefined() || arg(0, "sep").is_none()) {
    std::string_view rest = strip_text(s, true, name == "split" || most == INT64_MAX);
    while (!rest.empty()) {
      std::size_t at = 0, start = 0;
      while (most > 0 && at < rest.size()) {
        start = at;
        if (is_python_space(next_code_point(rest, at))) break;
        start = at;
      }
      if (most-- <= 0) start = rest.size();
      out.emplace_back(rest.substr(0, start));
      rest = strip_text(rest.substr(start), true, false);
    }
    return Value::list(std::move(out));
  }
  const std::string by = word(0, "sep");
  if (by.empty()) fail(Error::type, "empty separator");
  charge_search(s.size(), by.size());
  std::size_t from = 0, to = s.size();
  if (name == "split") {
    for (std::size_t at; most-- > 0 && (at = s.find(by, from)) != s.npos; from = at + by.size())
      out.emplace_back(s.substr(from, at - from));
    out.emplace_back(s.substr(from));
  } else {
    for (std::size_t at; most-- > 0 && to >= by.size() && (at = s.rfind(by, to - by.size())) != s.npos; to = at) {
      out.emplace_back(s.substr(at + by.size(), to - at - by.size()));
    }
    out.emplace_back(s.substr(0, to));
    std::reverse(out.begin(), out.end());
  }
  charge(out.size() * 4);
  return Value::list(std::move(out));
}

}  // namespace hearth
