// Python's literals to JSON.
#include "engine/text/answer/python_reader.h"

#include <optional>

#include "engine/text/answer/words.h"

namespace hearth {
namespace {

class Literals {
 public:
  explicit Literals(std::string_view text) : text_(text) {}

  // KEY=VALUE, ... up to the end of the text; nullopt where it is none.
  std::optional<std::string> keywords() {
    std::string out = "{";
    while (true) {
      skip();
      if (at_ == text_.size()) return out + "}";
      const size_t begin = at_;
      while (at_ < text_.size() && is_tool_name(text_[at_])) ++at_;
      const std::string_view key = text_.substr(begin, at_ - begin);
      if (key.empty() || !accept('=')) return std::nullopt;
      out += (out.size() > 1 ? ", " : "") + quoted_json(key) + ": ";
      if (!value(out, 0)) return std::nullopt;
      skip();
      if (at_ < text_.size() && !accept(',')) return std::nullopt;
    }
  }

 private:
  void skip() {
    while (at_ < text_.size() && kAnswerSpace.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool accept(char byte) {
    skip();
    if (at_ == text_.size() || text_[at_] != byte) return false;
    ++at_;
    return true;
  }

  bool value(std::string& out, size_t depth) {
    skip();
    if (at_ == text_.size() || depth > JsonScanner::kMostDepth) return false;
    switch (text_[at_]) {
      case '"':
      case '\'':
        return string(out);
      case '[':
      case '(':
        return items(out, text_[at_] == '[' ? ']' : ')', depth);
      case '{':
        return pairs(out, depth);
      default:
        return word(out);
    }
  }

  bool string(std::string& out) {
    const char quote = text_[at_++];
    out += '"';
    for (; at_ < text_.size(); ++at_) {
      const char byte = text_[at_];
      if (byte == quote) {
        ++at_;
        out += '"';
        return true;
      }
      if (byte == '\\' && at_ + 1 < text_.size()) {
        const char named = text_[++at_];
        const bool same = std::string_view("\\\"bfnrtu").find(named) != std::string_view::npos;
        if (same) out += '\\';
        if (!same && named != '\'') out += "\\\\";
        append_json_byte(out, named);
      } else {
        if (byte == '"') out += '\\';
        append_json_byte(out, byte);
      }
    }
    return false;
  }

  bool items(std::string& out, char close, size_t depth) {
    ++at_;
    out += '[';
    for (bool first = true; !accept(close); first = false) {
      if (!first && !accept(',')) return false;
      if (!first && accept(close)) break;
      if (!first) out += ", ";
      if (!value(out, depth + 1)) return false;
    }
    out += ']';
    return true;
  }

  bool pairs(std::string& out, size_t depth) {
    ++at_;
    out += '{';
    for (bool first = true; !accept('}'); first = false) {
      if (!first && !accept(',')) return false;
      if (!first && accept('}')) break;
      if (!first) out += ", ";
      skip();
      if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '\'') || !string(out) || !accept(':'))
        return false;
      out += ": ";
      if (!value(out, depth + 1)) return false;
    }
    out += '}';
    return true;
  }

  bool word(std::string& out) {
    const size_t begin = at_;
    while (at_ < text_.size() && (is_tool_name(text_[at_]) || text_[at_] == '+')) ++at_;
    const std::string json =
        parameter_json(text_.substr(begin, at_ - begin), json_kind::kNumber | json_kind::kBoolean | json_kind::kNull);
    out += json;
    return json[0] != '"';
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

CallReader::Status PythonReader::read(std::string_view text, bool last) {
  if (open_ == std::string::npos) {
    while (at_ < text.size() && is_tool_name(text[at_])) ++at_;
    if (at_ == text.size()) return last ? Status::bad : Status::more;
    if (at_ == 0 || text[at_] != '(') return Status::bad;
    open_ = at_;
    constexpr std::string_view kMethod = ".call";
    std::string_view name = text.substr(0, at_);
    if (name.ends_with(kMethod) && !tools_.contains(name)) name.remove_suffix(kMethod.size());
    name_ = name;
  }
  for (; at_ < text.size(); ++at_) {
    const char byte = text[at_];
    if (quote_ != 0) {
      if (!escaped_ && byte == quote_) quote_ = 0;
      escaped_ = !escaped_ && byte == '\\';
    } else if (byte == '"' || byte == '\'') {
      quote_ = byte;
    } else if (byte == '(' || byte == '[' || byte == '{') {
      ++depth_;
    } else if ((byte == ')' || byte == ']' || byte == '}') && --depth_ == 0) {
      const auto json = Literals(text.substr(open_ + 1, at_ - open_ - 1)).keywords();
      if (!json || json_end(*json, 0) != json->size()) return Status::bad;
      arguments_ = *json;
      ++at_;
      return Status::done;
    }
  }
  return last ? Status::bad : Status::more;
}

}  // namespace hearth
