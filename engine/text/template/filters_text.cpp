// Filters that make texts.
#include <algorithm>

#include "engine/text/template/call.h"
#include "engine/text/template/json.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

template <const char* name>
Value as_method(const Call& call) {
  return call.method(to_text(call.subject), name, call.arguments);
}
constexpr char kStrip[] = "strip", kUpper[] = "upper", kLower[] = "lower", kCapitalize[] = "capitalize";

Value replace(const Call& call) {
  Arguments with{{call.text(0, "old"), to_text(call.value(1, "new"))}, {}};
  with.plain.emplace_back(call.integer(2, "count", -1));
  return call.method(to_text(call.subject), "replace", with);
}

// Every word: its first letter upper, the rest lower. Words end at white space and at - ( { [ <.
Value title(const Call& call) {
  const std::string s = to_text(call.subject);
  std::string out;
  bool first = true;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t start = at;
    const char32_t code = next_code_point(s, at);
    const std::string_view one = std::string_view(s).substr(start, at - start);
    const bool between =
        is_python_space(code) ||
        (code < 128 && std::string_view("-({[<").find(static_cast<char>(code)) != std::string_view::npos);
    out += between ? std::string(one) : first ? upper_text(one) : lower_text(one);
    first = between;
  }
  return call.made(std::move(out));
}

Value indent(const Call& call) {
  const Value width = call.value(0, "width", 4);
  const std::string pad =
      width.is_string()
          ? width.string()
          : std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(call.integer(0, "width", 4), 0, 1000)), ' ');
  const bool first = call.flag(1, "first"), blank = call.flag(2, "blank");
  const std::string s = to_text(call.subject);
  std::string out = first ? pad : "";
  const std::vector<std::string> lines = split_lines(s + "\n", false);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    if (i > 0 && (blank || !lines[i].empty())) out += pad;
    out += lines[i];
    call.check_size(out.size());
  }
  return call.made(std::move(out));
}

Value escape(const Call& call) {
  std::string out;
  for (const char c : to_text(call.subject))
    out += c == '&'    ? "&amp;"
           : c == '<'  ? "&lt;"
           : c == '>'  ? "&gt;"
           : c == '"'  ? "&#34;"
           : c == '\'' ? "&#39;"
                       : std::string(1, c);
  return call.made(std::move(out));
}

// The order of arguments is that of transformers, not Jinja's own: ensure_ascii, indent, separators, sort_keys.
Value to_json(const Call& call) {
  JsonStyle style;
  style.ascii = call.flag(0, "ensure_ascii");
  if (const Value indent = call.value(1, "indent"); indent.is_integral())
    style.indent = static_cast<int>(std::clamp<std::int64_t>(indent.integer(), 0, 64));
  if (const Value separators = call.value(2, "separators"); separators.is_list()) {
    const auto& both = separators.list().items;
    if (both.size() != 2 || !both[0].is_string() || !both[1].is_string()) call.fail("separators must be two strings");
    style.item_separator = both[0].string(), style.key_separator = both[1].string();
  }
  style.sort_keys = call.flag(3, "sort_keys");
  return call.made(dump_json(call.subject, style, call.most_bytes()));
}

Value join(const Call& call) {
  const Value attribute = call.value(1, "attribute");
  const std::string separator = to_text(call.value(0, "d", ""));
  std::string made;
  bool first = true;
  for (const Value& one : call.items()) {
    if (!std::exchange(first, false)) made += separator;
    made += to_text(attribute.is_undefined() || attribute.is_none() ? one : call.path(one, attribute));
    call.check_size(made.size());
  }
  return call.made(std::move(made));
}

Value center(const Call& call) {
  return call.method(to_text(call.subject), "center", {{call.integer(0, "width", 80)}, {}});
}

Value format(const Call& call) {
  const std::string pattern = to_text(call.subject);
  if (call.arguments.named.empty()) return format_percent(call, pattern, Value::tuple(call.arguments.plain));
  Dict named;
  for (const auto& [key, value] : call.arguments.named) named.set(Value(key), value);
  return format_percent(call, pattern, Value(std::move(named)));
}

Value truncate(const Call& call) {
  const std::string s = to_text(call.subject), end = call.text(2, "end", "...");
  const std::int64_t length = call.integer(0, "length", 255), leeway = call.integer(3, "leeway", 5);
  const auto offsets = code_point_offsets(s);
  const auto size = static_cast<std::int64_t>(offsets.size()) - 1, of_end = static_cast<std::int64_t>(text_length(end));
  if (length < of_end || leeway < 0) call.fail("truncate: a length below that of the end");
  if (size <= length + leeway) return call.made(s);
  std::string out = s.substr(0, offsets[static_cast<std::size_t>(length - of_end)]);
  if (!call.flag(1, "killwords"))
    if (const auto space = out.rfind(' '); space != out.npos) out.resize(space);
  return call.made(out + end);
}

bool is_word(char32_t code) { return code == '_' || (code >= '0' && code <= '9') || is_letter(code); }

Value word_count(const Call& call) {
  const std::string s = to_text(call.subject);
  std::int64_t words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < s.size();) {
    const bool now = is_word(next_code_point(s, at));
    if (now && !inside) ++words;
    inside = now;
  }
  return words;
}

// As a path, or as a part of a query: there a slash is quoted too, and a space is a plus.
std::string url_quoted(const std::string& text, bool path) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 ||
        std::string_view("_.-~").find(c) != std::string_view::npos || (c == '/' && path)) {
      out += c;
    } else if (c == ' ' && !path) {
      out += '+';
    } else {
      char code[4];
      std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += code;
    }
  }
  return out;
}

Value url_encode(const Call& call) {
  if (!call.subject.is_dict() && !call.subject.is_list()) return call.made(url_quoted(to_text(call.subject), true));
  std::string out;
  const auto append = [&](const Value& key, const Value& value) {
    if (!out.empty()) out += '&';
    out += url_quoted(to_text(key), false) + "=" + url_quoted(to_text(value), false);
    call.check_size(out.size());
  };
  if (call.subject.is_dict()) {
    for (const auto& [key, value] : call.subject.dict().items) append(key, value);
  } else {
    for (const Value& pair : call.subject.list().items) {
      if (!pair.is_list() || pair.list().items.size() != 2) call.fail("urlencode needs pairs");
      append(pair.list().items[0], pair.list().items[1]);
    }
  }
  return call.made(std::move(out));
}

Value string(const Call& call) { return call.made(to_text(call.subject)); }
Value same_value(const Call& call) { return call.subject; }

constexpr NamedFunction kTable[] = {
    {"capitalize", as_method<kCapitalize>},
    {"center", center},
    {"e", escape},
    {"escape", escape},
    {"forceescape", escape},
    {"format", format},
    {"indent", indent},
    {"join", join},
    {"lower", as_method<kLower>},
    {"replace", replace},
    {"safe", same_value},
    {"string", string},
    {"title", title},
    {"tojson", to_json},
    {"trim", as_method<kStrip>},
    {"truncate", truncate},
    {"upper", as_method<kUpper>},
    {"urlencode", url_encode},
    {"wordcount", word_count},
};

}  // namespace

std::span<const NamedFunction> text_filters() { return kTable; }

}  // namespace hearth
