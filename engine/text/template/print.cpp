// Python's str() and repr() of a value.
#include <charconv>
#include <cmath>

#include "engine/text/template/error.h"
#include "engine/text/template/unicode.h"
#include "engine/text/template/value.h"

namespace hearth {
namespace {

// A shared sub-value can make the printed text exponentially longer than the value.
constexpr std::size_t kMaxPrinted = std::size_t{64} << 20;

void append_hex(std::string& out, char32_t code, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[(code >> shift) & 15u]);
}

void append_string_repr(std::string& out, std::string_view text) {
  const bool has_single = text.find('\'') != text.npos;
  const char quote = has_single && text.find('"') == text.npos ? '"' : '\'';
  out.push_back(quote);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t code = next_code_point(text, at);
    if (code == static_cast<char32_t>(quote) || code == '\\')
      out.push_back('\\'), out.push_back(static_cast<char>(code));
    else if (code == '\n')
      out += "\\n";
    else if (code == '\r')
      out += "\\r";
    else if (code == '\t')
      out += "\\t";
    else if (is_printable(code))
      out.append(text.substr(start, at - start));
    else if (code < 0x100)
      out += "\\x", append_hex(out, code, 2);
    else if (code < 0x10000)
      out += "\\u", append_hex(out, code, 4);
    else
      out += "\\U", append_hex(out, code, 8);
  }
  out.push_back(quote);
}

void append_repr(std::string& out, const Value& value);

void append_list_repr(std::string& out, const Value& value) {
  const List& list = value.list();
  if (list.type == List::Type::range) {
    out += "range(" + std::to_string(list.bounds[0]) + ", " + std::to_string(list.bounds[1]);
    if (list.bounds[2] != 1) out += ", " + std::to_string(list.bounds[2]);
    out += ")";
    return;
  }
  const bool view = list.type != List::Type::list && !value.is_tuple();
  if (view) out.append(type_name(value)) += "(";
  out += value.is_tuple() ? "(" : "[";
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out += ", ";
    append_repr(out, list.items[i]);
  }
  if (value.is_tuple() && list.items.size() == 1) out += ",";
  out += value.is_tuple() ? ")" : "]";
  if (view) out += ")";
}

void append_repr(std::string& out, const Value& value) {
  if (out.size() > kMaxPrinted) throw TemplateError(TemplateError::Kind::budget, "a printed value is too long");
  switch (value.kind()) {
    case Value::Kind::undefined:
      out += "Undefined";
      break;
    case Value::Kind::none:
      out += "None";
      break;
    case Value::Kind::boolean:
      out += value.boolean() ? "True" : "False";
      break;
    case Value::Kind::integer:
      out += std::to_string(value.integer());
      break;
    case Value::Kind::real:
      out += float_repr(value.real());
      break;
    case Value::Kind::string:
      append_string_repr(out, value.string());
      break;
    case Value::Kind::list:
      append_list_repr(out, value);
      break;
    case Value::Kind::dict: {
      bool first = true;
      out += "{";
      for (const auto& [key, item] : value.dict().items) {
        if (!first) out += ", ";
        first = false;
        append_repr(out, key);
        out += ": ";
        append_repr(out, item);
      }
      out += "}";
      break;
    }
    case Value::Kind::object:
      out += "<object>";
      break;
  }
}

}  // namespace

// Shortest text that reads back the same; an exponent below 1e-4 and from 1e16 on, as Python writes floats.
std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[400];
  const double size = std::abs(value);
  const bool plain = value == 0 || (size >= 1e-4 && size < 1e16);
  const auto done = std::to_chars(buffer, buffer + sizeof buffer, value,
                                  plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer, done.ptr);
  if (plain && text.find('.') == text.npos) text += ".0";
  return text;
}

std::string to_repr(const Value& value) {
  std::string out;
  append_repr(out, value);
  return out;
}

std::string to_text(const Value& value) {
  if (value.is_string()) return value.string();
  if (value.is_undefined()) return {};
  return to_repr(value);
}

}  // namespace hearth
