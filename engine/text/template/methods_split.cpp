// Methods that cut texts into parts.
#include <algorithm>

#include "engine/text/template/call.h"
#include "engine/text/template/unicode.h"

namespace hearth {

std::vector<Value> split_text(const std::string& s, const std::string& by, std::int64_t most, bool from_right) {
  std::vector<Value> out;
  if (!by.empty()) {
    std::size_t from = 0, to = s.size();
    if (from_right) {
      for (std::size_t at; most-- > 0 && to >= by.size() && (at = s.rfind(by, to - by.size())) != s.npos; to = at)
        out.emplace_back(s.substr(at + by.size(), to - at - by.size()));
      out.emplace_back(s.substr(0, to));
      std::reverse(out.begin(), out.end());
    } else {
      for (std::size_t at; most-- > 0 && (at = s.find(by, from)) != s.npos; from = at + by.size())
        out.emplace_back(s.substr(from, at - from));
      out.emplace_back(s.substr(from));
    }
    return out;
  }
  // Runs of white space separate; each word is [begin, end).
  std::vector<std::pair<std::size_t, std::size_t>> words;
  bool inside = false;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t start = at;
    const bool space = is_python_space(next_code_point(s, at));
    if (!space && !inside) words.emplace_back(start, at);
    if (!space) words.back().second = at;
    inside = !space;
  }
  const std::size_t parts = words.size(), cuts = static_cast<std::size_t>(std::min<std::int64_t>(most, INT32_MAX));
  if (parts <= cuts) {
    for (const auto& [begin, end] : words) out.emplace_back(s.substr(begin, end - begin));
  } else if (from_right) {  // the first part keeps its beginning
    out.emplace_back(s.substr(0, words[parts - cuts - 1].second));
    for (std::size_t i = parts - cuts; i < parts; ++i)
      out.emplace_back(s.substr(words[i].first, words[i].second - words[i].first));
  } else {  // the last part keeps its end
    for (std::size_t i = 0; i < cuts; ++i) out.emplace_back(s.substr(words[i].first, words[i].second - words[i].first));
    out.emplace_back(s.substr(words[cuts].first));
  }
  return out;
}

// Python's line boundaries.
std::vector<std::string> split_lines(const std::string& s, bool keep_ends) {
  const auto ends_line = [](char32_t code) {
    return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 || code == 0x2028 ||
           code == 0x2029;
  };
  std::vector<std::string> out;
  for (std::size_t at = 0, begin = 0; at < s.size();) {
    const std::size_t end = at;
    const char32_t code = next_code_point(s, at);
    if (ends_line(code)) {
      if (code == '\r' && at < s.size() && s[at] == '\n') ++at;
      out.push_back(s.substr(begin, (keep_ends ? at : end) - begin));
      begin = at;
    } else if (at == s.size()) {
      out.push_back(s.substr(begin));
    }
  }
  return out;
}

namespace {

template <bool from_right>
Value split(const Call& call) {
  const std::string& s = call.subject.string();
  const std::int64_t most = call.integer(1, "maxsplit", -1);
  const Value separator = call.value(0, "sep");
  const bool spaces = separator.is_undefined() || separator.is_none();
  const std::string by = spaces ? "" : call.text(0, "sep");
  if (!spaces && by.empty()) call.fail("empty separator");
  call.charge_search(s.size(), by.size());
  call.charge(s.size() / 2);
  auto out = split_text(s, by, most < 0 ? INT64_MAX : most, from_right);
  call.charge(out.size() * 4);
  return Value::list(std::move(out));
}

Value split_into_lines(const Call& call) {
  call.charge(call.subject.string().size());
  std::vector<Value> out;
  for (std::string& line : split_lines(call.subject.string(), call.flag(0, "keepends")))
    out.emplace_back(std::move(line));
  return Value::list(std::move(out));
}

template <bool from_right>
Value partition(const Call& call) {
  const std::string &s = call.subject.string(), by = call.text(0, "sep");
  if (by.empty()) call.fail("empty separator");
  call.charge_search(s.size(), by.size());
  const std::size_t at = from_right ? s.rfind(by) : s.find(by);
  if (at == s.npos) return from_right ? Value::tuple({"", "", s}) : Value::tuple({s, "", ""});
  return Value::tuple({s.substr(0, at), by, s.substr(at + by.size())});
}

constexpr NamedFunction kTable[] = {
    {"partition", partition<false>}, {"rpartition", partition<true>},  {"rsplit", split<true>},
    {"split", split<false>},         {"splitlines", split_into_lines},
};

}  // namespace

std::span<const NamedFunction> splitting_methods() { return kTable; }

}  // namespace hearth
