// Filters for HTML and addresses. Nothing is escaped by itself, so that `safe` leaves a text as it is.
#include <algorithm>

#include "engine/text/template/filters.h"
#include "engine/text/template/texts.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&#34;";
    else if (c == '\'')
      out += "&#39;";
    else
      out.push_back(c);
  }
  return out;
}

Value escape(Interpreter& in, const Value& v, const Bound&) {
  const std::string s = in.str(v);
  in.charge_bytes(s.size() * 5);
  return in.text(escaped(s));
}
Value safe(Interpreter& in, const Value& v, const Bound&) { return in.text(in.str(v)); }

Value xmlattr(Interpreter& in, const Value& v, const Bound& a) {
  if (!v.is_dict()) in.fail(Error::type, "xmlattr needs a dict");
  std::string out;
  for (const auto& [key, value] : v.dict().items) {
    if (value.is_none() || value.is_undefined()) continue;
    const std::string name = in.str(key);
    const auto forbidden = [](char c) {
      return is_python_space(static_cast<unsigned char>(c)) || c == '/' || c == '>' || c == '=';
    };
    if (std::ranges::any_of(name, forbidden)) in.fail(Error::type, "a bad character in the name of an attribute");
    if (!out.empty()) out += ' ';
    out += escaped(name) + "=\"" + escaped(in.str(value)) + "\"";
    in.limit_bytes(out.size());
  }
  if (!out.empty() && a.truthy(0, true)) out.insert(0, 1, ' ');
  return in.text(out);
}

// Without <!-- comments --> and <tags>, white space collapsed, the five escapes read back.
Value striptags(Interpreter& in, const Value& v, const Bound&) {
  std::string s = in.str(v);
  in.charge(s.size());
  const auto drop = [&s](std::string_view open, std::string_view close) {
    std::string kept;
    std::size_t at = 0;
    for (std::size_t start; (start = s.find(open, at)) != s.npos;) {
      const std::size_t end = s.find(close, start);
      if (end == s.npos) break;
      kept.append(s, at, start - at);
      at = end + close.size();
    }
    s = kept.append(s, at, s.npos);
  };
  drop("<!--", "-->");
  drop("<", ">");
  std::string words;
  const Value split = in.method(s, "split", {});
  for (const Value& word : split.list().items) words += (words.empty() ? "" : " ") + word.string();
  constexpr std::pair<const char*, const char*> kEscapes[] = {{"&lt;", "<"},    {"&gt;", ">"},  {"&#34;", "\""},
                                                              {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const auto& [from, to] : kEscapes) words = replace_text(in, words, from, to, -1);
  return in.text(words);
}

std::string quoted(std::string_view text, bool query) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == '.' || c == '-' || c == '~' || (c == '/' && !query);
    const auto byte = static_cast<unsigned char>(c);
    if (plain)
      out.push_back(c);
    else if (c == ' ' && query)
      out.push_back('+');
    else
      out += {'%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15u]};
  }
  return out;
}

// A text, or the members of a dict or pairs of a list as a query.
Value urlencode(Interpreter& in, const Value& v, const Bound&) {
  if (!v.is_list() && !v.is_dict()) return in.text(quoted(in.str(v), false));
  std::string out;
  for (const Value& pair : in.items_of(v.is_dict() ? in.method(v, "items", {}) : v)) {
    const std::vector<Value> parts = in.items_of(pair);
    if (parts.size() != 2) in.fail(Error::type, "urlencode needs pairs");
    if (!out.empty()) out += '&';
    out += quoted(in.str(parts[0]), true) + "=" + quoted(in.str(parts[1]), true);
    in.limit_bytes(out.size());
  }
  return in.text(out);
}

constexpr Filter kMarkupFilters[] = {{"escape", "", escape},
                                     {"e", "", escape},
                                     {"forceescape", "", escape},
                                     {"safe", "", safe},
                                     {"xmlattr", "autospace", xmlattr},
                                     {"striptags", "", striptags},
                                     {"urlencode", "", urlencode}};

}  // namespace

std::span<const Filter> markup_filters() { return kMarkupFilters; }

}  // namespace hearth
