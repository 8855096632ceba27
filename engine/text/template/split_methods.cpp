// Methods of str that take it apart.
#include <algorithm>

#include "engine/text/template/filters.h"
#include "engine/text/template/interpreter.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;

// The byte where the last character of a text that is not empty begins.
std::size_t last_character(std::string_view text) {
  for (std::size_t back = std::min<std::size_t>(4, text.size()); back > 1; --back) {
    std::size_t at = text.size() - back;
    next_code_point(text, at);
    if (at == text.size()) return text.size() - back;
  }
  return text.size() - 1;
}

std::vector<Value> split_words(std::string_view text, std::int64_t most) {
  std::vector<Value> out;
  text = strip_text(text, true, false);
  while (!text.empty()) {
    std::size_t end = text.size();
    for (std::size_t at = 0; most > 0 && at < text.size();) {
      const std::size_t before = at;
      if (!is_python_space(next_code_point(text, at))) continue;
      end = before;
      break;
    }
    if (most-- <= 0) end = text.size();
    out.emplace_back(text.substr(0, end));
    text = strip_text(text.substr(end), true, false);
  }
  return out;
}

// From the right; the pieces come last to first.
std::vector<Value> split_words_back(std::string_view text, std::int64_t most) {
  std::vector<Value> out;
  text = strip_text(text, false, true);
  while (!text.empty()) {
    std::size_t start = text.size();
    while (most > 0 && start > 0) {
      const std::size_t before = last_character(text.substr(0, start));
      std::size_t at = before;
      if (is_python_space(next_code_point(text, at))) break;
      start = before;
    }
    if (most-- <= 0) start = 0;
    out.emplace_back(text.substr(start));
    text = strip_text(text.substr(0, start), false, true);
  }
  return out;
}

std::vector<Value> split_at(std::string_view text, std::string_view by, std::int64_t most) {
  std::vector<Value> out;
  for (std::size_t at; most > 0 && (at = text.find(by)) != text.npos; --most) {
    out.emplace_back(text.substr(0, at));
    text.remove_prefix(at + by.size());
  }
  out.emplace_back(text);
  return out;
}

std::vector<Value> split_back_at(std::string_view text, std::string_view by, std::int64_t most) {
  std::vector<Value> out;
  for (std::size_t at; most > 0 && (at = text.rfind(by)) != text.npos; --most) {
    out.emplace_back(text.substr(at + by.size()));
    text = text.substr(0, at);
  }
  out.emplace_back(text);
  return out;
}

template <bool back>
Value split(Interpreter& in, const Value& self, const Bound& a) {
  const std::string& s = self.string();
  const std::int64_t asked = a.integer(1, -1);
  const std::int64_t most = asked < 0 ? INT64_MAX : asked;
  std::vector<Value> out;
  if (!a.given(0)) {
    in.charge(s.size());
    out = back ? split_words_back(s, most) : split_words(s, most);
  } else {
    if (a.string(0).empty()) in.fail(Error::type, "empty separator");
    in.charge_search(s.size(), a.string(0).size());
    out = back ? split_back_at(s, a.string(0), most) : split_at(s, a.string(0), most);
  }
  if (back) std::reverse(out.begin(), out.end());
  in.charge(out.size() * 4);
  return Value::list(std::move(out));
}

Value lines(Interpreter& in, const Value& self, const Bound& a) {
  std::vector<Value> out;
  for (const std::string_view line : split_lines(self.string(), a.truthy(0))) out.emplace_back(line);
  in.charge(out.size() * 4);
  return Value::list(std::move(out));
}

template <bool back>
Value partition(Interpreter& in, const Value& self, const Bound& a) {
  const std::string& s = self.string();
  const std::string& by = a.string(0);
  if (by.empty()) in.fail(Error::type, "empty separator");
  in.charge_search(s.size(), by.size());
  const std::size_t at = back ? s.rfind(by) : s.find(by);
  if (at != s.npos) return Value::tuple({s.substr(0, at), by, s.substr(at + by.size())});
  return back ? Value::tuple({"", "", self}) : Value::tuple({self, "", ""});
}

constexpr Filter kSplitMethods[] = {{"split", "sep maxsplit", split<false>},
                                    {"rsplit", "sep maxsplit", split<true>},
                                    {"splitlines", "keepends", lines},
                                    {"partition", "sep!", partition<false>},
                                    {"rpartition", "sep!", partition<true>}};

}  // namespace

std::span<const Filter> split_methods() { return kSplitMethods; }

}  // namespace hearth
