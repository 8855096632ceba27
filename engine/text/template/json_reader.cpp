// A strict JSON reader with a depth limit.
#include <algorithm>
#include <charconv>

#include "engine/text/template/decimal.h"
#include "engine/text/template/error.h"
#include "engine/text/template/json.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

class JsonReader {
 public:
  JsonReader(std::string_view text, int max_depth) : text_(text), max_depth_(std::min(max_depth, Value::kMaxDepth)) {}

  Value read_all() {
    Value value = read(0);
    skip_space();
    if (at_ != text_.size()) fail("text after the value");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw TemplateError(TemplateError::Kind::syntax, "JSON: " + what + " at byte " + std::to_string(at_));
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  Value read(int depth) {
    skip_space();
    switch (peek()) {
      case '{':
        return read_object(depth + 1);
      case '[':
        return read_array(depth + 1);
      case '"':
        return read_string();
      case 't':
        if (word("true")) return true;
        break;
      case 'f':
        if (word("false")) return false;
        break;
      case 'n':
        if (word("null")) return Value::None{};
        break;
      default:
        return read_number();
    }
    fail("an unknown word");
  }

  Value read_object(int depth) {
    if (depth > max_depth_) fail("nested too deeply");
    ++at_;
    Dict dict;
    if (accept('}')) return dict;
    do {
      skip_space();
      if (peek() != '"') fail("expected a key");
      Value key = read_string();
      if (!accept(':')) fail("expected ':'");
      dict.set(std::move(key), read(depth));
    } while (accept(','));
    if (!accept('}')) fail("expected ',' or '}'");
    return dict;
  }

  Value read_array(int depth) {
    if (depth > max_depth_) fail("nested too deeply");
    ++at_;
    std::vector<Value> items;
    if (accept(']')) return Value::list({});
    do {
      items.push_back(read(depth));
    } while (accept(','));
    if (!accept(']')) fail("expected ',' or ']'");
    return Value::list(std::move(items));
  }

  char32_t read_hex() {
    unsigned code = 0;
    if (at_ + 4 > text_.size()) fail("a cut escape");
    const auto done = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, code, 16);
    if (done.ptr != text_.data() + at_ + 4) fail("a bad escape");
    at_ += 4;
    return code;
  }

  void read_escape(std::string& out) {
    const char c = peek();
    ++at_;
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
    if (const std::size_t i = kNames.find(c); i != kNames.npos) {
      out.push_back(kBytes[i]);
      return;
    }
    if (c != 'u') fail("an unknown escape");
    char32_t code = read_hex();
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      const std::size_t before = at_;
      at_ += 2;
      const char32_t low = read_hex();
      if (low >= 0xDC00 && low < 0xE000)
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      else
        at_ = before;
    }
    append_code_point(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
  }

  Value read_string() {
    ++at_;
    std::string out;
    while (true) {
      if (at_ >= text_.size()) fail("an open string");
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
      ++at_;
      if (c == '"') return out;
      if (c == '\\') {
        if (at_ >= text_.size()) fail("an open string");
        read_escape(out);
      } else {
        out.push_back(c);
      }
    }
  }

  std::size_t digits() {
    const std::size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    if (at_ == start) fail("expected a value");
    return at_ - start;
  }

  Value read_number() {
    const std::size_t start = at_;
    bool whole = true;
    if (peek() == '-') ++at_;
    const bool zero = peek() == '0';
    if (digits() > 1 && zero) fail("a number with a leading zero");
    if (peek() == '.') whole = false, ++at_, digits();
    if (peek() == 'e' || peek() == 'E') {
      whole = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      digits();
    }
    const char* first = text_.data() + start;
    const char* last = text_.data() + at_;
    std::int64_t integer = 0;
    if (whole && std::from_chars(first, last, integer).ec == std::errc{}) return integer;
    const bool negative = *first == '-';
    const std::optional<double> number = parse_decimal({first + negative, last});
    if (!number) fail("a bad number");
    return negative ? -*number : *number;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int max_depth_;
};

}  // namespace

Value parse_json(std::string_view text, int max_depth) { return JsonReader(text, max_depth).read_all(); }

}  // namespace hearth
