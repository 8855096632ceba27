// Python's json.dumps.
#include <algorithm>
#include <cmath>

#include "engine/text/template/error.h"
#include "engine/text/template/json.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, std::size_t max_bytes) : style_(style), max_bytes_(max_bytes) {
    item_ = style.item_separator.value_or(style.indent ? "," : ", ");
    key_ = style.key_separator.value_or(": ");
  }
  std::string take() { return std::move(out_); }

  void write(const Value& value, int level) {
    if (out_.size() > max_bytes_) throw TemplateError(TemplateError::Kind::budget, "a JSON text is too long");
    switch (value.kind()) {
      case Value::Kind::none:
        out_ += "null";
        return;
      case Value::Kind::boolean:
        out_ += value.boolean() ? "true" : "false";
        return;
      case Value::Kind::integer:
        out_ += std::to_string(value.integer());
        return;
      case Value::Kind::real:
        out_ += number(value.real());
        return;
      case Value::Kind::string:
        write_string(value.string());
        return;
      case Value::Kind::list:
        if (!value.is_tuple() && value.list().type != List::Type::list) break;
        write_list(value.list(), level);
        return;
      case Value::Kind::dict:
        write_dict(value.dict(), level);
        return;
      default:
        break;
    }
    throw TemplateError(TemplateError::Kind::type,
                        "an object of type " + std::string(type_name(value)) + " is not JSON serializable");
  }

 private:
  static std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return float_repr(value);
  }
  void line(int level) {
    if (!style_.indent) return;
    out_.push_back('\n');
    for (int i = 0; i < level && out_.size() <= max_bytes_; ++i) out_ += *style_.indent;
    if (out_.size() > max_bytes_) throw TemplateError(TemplateError::Kind::budget, "a JSON text is too long");
  }
  void write_list(const List& list, int level) {
    if (list.items.empty()) return void(out_ += "[]");
    out_.push_back('[');
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_ += item_;
      line(level + 1);
      write(list.items[i], level + 1);
    }
    line(level);
    out_.push_back(']');
  }
  void write_dict(const Dict& dict, int level) {
    if (dict.items.empty()) return void(out_ += "{}");
    std::vector<std::pair<std::string, const Value*>> items;
    for (const auto& [key, item] : dict.items) {
      const bool word = key.is_none() || key.is(Value::Kind::boolean);
      if (key.is_list()) throw TemplateError(TemplateError::Kind::type, "a tuple is no JSON key");
      items.emplace_back(word ? (key.is_none() ? "null" : key.boolean() ? "true" : "false") : to_text(key), &item);
    }
    if (style_.sort_keys) {
      std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    out_.push_back('{');
    bool first = true;
    for (const auto& [key, item] : items) {
      if (!first) out_ += item_;
      first = false;
      line(level + 1);
      write_string(key);
      out_ += key_;
      write(*item, level + 1);
    }
    line(level);
    out_.push_back('}');
  }
  void escape(char32_t unit) {
    out_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out_.push_back("0123456789abcdef"[(unit >> shift) & 15u]);
  }
  void write_string(std::string_view text) {
    constexpr std::string_view kBytes = "\"\\\b\f\n\r\t";
    constexpr std::string_view kNames = "\"\\bfnrt";
    out_.push_back('"');
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t start = at;
      const char32_t code = next_code_point(text, at);
      const std::size_t named = code < 0x80 ? kBytes.find(static_cast<char>(code)) : kBytes.npos;
      if (named != kBytes.npos)
        out_.push_back('\\'), out_.push_back(kNames[named]);
      else if (code < 0x20)
        escape(code);
      else if (code < 0x7F || !style_.ascii)
        out_.append(text.substr(start, at - start));
      else if (code < 0x10000)
        escape(code);
      else
        escape(0xD800 + ((code - 0x10000) >> 10)), escape(0xDC00 + ((code - 0x10000) & 0x3FF));
    }
    out_.push_back('"');
  }

  JsonStyle style_;
  std::size_t max_bytes_;
  std::string item_, key_, out_;
};

}  // namespace

std::string dump_json(const Value& value, const JsonStyle& style, std::size_t max_bytes) {
  JsonWriter writer(style, max_bytes);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace hearth
