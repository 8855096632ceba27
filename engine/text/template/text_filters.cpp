// Filters that make a text: of any value, of a text, of JSON.
#include <algorithm>

#include "engine/text/template/filters.h"
#include "engine/text/template/format_spec.h"
#include "engine/text/template/format_text.h"
#include "engine/text/template/json.h"
#include "engine/text/template/texts.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;

Value string(Interpreter& in, const Value& v, const Bound&) { return in.text(in.str(v)); }

// A method of str on the text of any value.
template <const char* const& name>
Value as_method(Interpreter& in, const Value& v, const Bound& a) {
  return in.method(in.str(v), name, a.all());
}
constexpr const char* kUpper = "upper";
constexpr const char* kLower = "lower";
constexpr const char* kCapitalize = "capitalize";
constexpr const char* kStrip = "strip";

// Unlike str.title, words begin only behind white space, '-' and opening brackets.
Value title(Interpreter& in, const Value& v, const Bound&) {
  const std::string s = in.str(v);
  in.charge(s.size());
  std::string out;
  bool begins = true;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t start = at;
    const char32_t code = next_code_point(s, at);
    const std::string_view one = std::string_view(s).substr(start, at - start);
    out += begins ? upper_text(one) : lower_text(one);
    begins = is_python_space(code) ||
             (code < 0x80 && std::string_view("-({[<").find(static_cast<char>(code)) != std::string_view::npos);
  }
  return in.text(out);
}

Value replace(Interpreter& in, const Value& v, const Bound& a) {
  return in.text(replace_text(in, in.str(v), a.text(0), a.text(1), a.given(2) ? a.integer(2) : -1));
}

Value indent(Interpreter& in, const Value& v, const Bound& a) {
  if (v.is_undefined()) in.fail(Error::undefined, "an indented text is undefined");
  const std::int64_t width = a.find(0) && a.find(0)->is_string() ? 0 : a.integer(0, 4);
  if (width > 0) in.charge_bytes(static_cast<std::size_t>(width));
  const std::string pad = a.find(0) && a.find(0)->is_string()
                              ? a.string(0)
                              : std::string(static_cast<std::size_t>(std::max<std::int64_t>(0, width)), ' ');
  const std::string s = v.string() + "\n";
  in.charge(s.size() / 4);
  std::string out = a.truthy(1) ? pad : "";
  bool first = true;
  for (const std::string_view line : split_lines(s)) {
    if (!first) out += '\n';
    if (!first && (a.truthy(2) || !line.empty())) out += pad;
    out += line;
    first = false;
    in.limit_bytes(out.size());
  }
  return in.text(out);
}

Value center(Interpreter& in, const Value& v, const Bound& a) {
  return in.method(in.str(v), "center", {{a.value(0, 80)}, {}});
}

Value truncate(Interpreter& in, const Value& v, const Bound& a) {
  if (v.is_undefined()) return v;
  const std::string& s = v.string();
  const std::string end = a.text(2, "...");
  const std::int64_t length = a.integer(0, 255), leeway = a.given(3) ? a.integer(3) : 5;
  const auto offsets = code_point_offsets(s);
  const std::int64_t kept = length - static_cast<std::int64_t>(text_length(end));
  if (kept < 0 || leeway < 0) in.fail(Error::type, "truncate to less than its end");
  in.charge(s.size() / 4);
  if (static_cast<std::int64_t>(offsets.size()) - 1 - leeway <= length) return in.text(s);
  std::string out = s.substr(0, offsets[std::min(static_cast<std::size_t>(kept), offsets.size() - 1)]);
  if (!a.truthy(1)) out.resize(std::min(out.rfind(' '), out.size()));
  return in.text(out + end);
}

Value wordcount(Interpreter& in, const Value& v, const Bound&) {
  const std::string s = in.str(v);
  in.charge(s.size());
  std::int64_t words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < s.size();) {
    const bool word = is_word(next_code_point(s, at));
    words += word && !inside;
    inside = word;
  }
  return words;
}

Value format(Interpreter& in, const Value& v, const Bound& a) {
  if (a.all().named.empty()) return in.text(format_percent(in, in.str(v), Value::tuple(a.all().plain)));
  if (!a.all().plain.empty()) in.fail(Error::type, "format takes either positional or named values");
  Dict values;
  for (const auto& [name, value] : a.all().named) values.set(name, value);
  return in.text(format_percent(in, in.str(v), std::move(values)));
}

// The parameters are those of json.dumps as transformers passes them on.
Value tojson(Interpreter& in, const Value& v, const Bound& a) {
  JsonStyle style;
  style.ascii = a.truthy(0);
  if (a.given(1) && a.find(1)->is_string())
    style.indent = a.string(1);
  else if (a.given(1))
    style.indent = std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(a.integer(1), 0, 1000)), ' ');
  if (a.given(2)) {
    const std::vector<Value> separators = in.items_of(*a.find(2));
    if (separators.size() != 2) in.fail(Error::type, "tojson needs two separators");
    style.item_separator = separators[0].string(), style.key_separator = separators[1].string();
  }
  style.sort_keys = a.truthy(3);
  in.charge(v.cost());
  return in.text(dump_json(v, style, in.limits().max_output_bytes));
}

constexpr Filter kTextFilters[] = {{"string", "", string},
                                   {"upper", "", as_method<kUpper>},
                                   {"lower", "", as_method<kLower>},
                                   {"capitalize", "", as_method<kCapitalize>},
                                   {"trim", "chars", as_method<kStrip>},
                                   {"title", "", title},
                                   {"replace", "old! new! count", replace},
                                   {"indent", "width first blank", indent},
                                   {"center", "width", center},
                                   {"truncate", "length killwords end leeway", truncate},
                                   {"wordcount", "", wordcount},
                                   {"format", "*", format},
                                   {"tojson", "ensure_ascii indent separators sort_keys", tojson}};

}  // namespace

std::span<const Filter> text_filters() { return kTextFilters; }

}  // namespace hearth
