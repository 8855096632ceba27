// The lexer: white space control, comments, raw blocks, and the tokens inside tags.
#include "engine/text/template/lexer.h"

#include <algorithm>
#include <cctype>

#include "engine/text/template/error.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

using Kind = TemplateToken::Kind;

class Lexer {
 public:
  explicit Lexer(std::string_view source) {
    for (std::size_t i = 0; i < source.size(); ++i) {
      if (source[i] == '\r') {
        text_.push_back('\n');
        if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      } else {
        text_.push_back(source[i]);
      }
    }
    if (!text_.empty() && text_.back() == '\n') text_.pop_back();
  }

  std::vector<TemplateToken> run() {
    while (at_ < text_.size()) {
      std::size_t open = at_;
      while ((open = text_.find('{', open)) != text_.npos) {
        const char next = open + 1 < text_.size() ? text_[open + 1] : '\0';
        if (next == '{' || next == '%' || next == '#') break;
        ++open;
      }
      if (open == text_.npos) {
        add_text(text_.substr(at_));
        break;
      }
      const char type = text_[open + 1];
      const char sign = open + 2 < text_.size() ? text_[open + 2] : '\0';
      add_text(left_trimmed(text_.substr(at_, open - at_), sign, type != '{'));
      move_to(open + 2);
      if (sign == '-' || sign == '+') move_to(at_ + 1);
      if (type == '#')
        comment();
      else if (type == '%' && raw_begins())
        raw();
      else
        tag(type == '{');
    }
    add(Kind::end, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw TemplateError(TemplateError::Kind::syntax, what, line_);
  }
  void add(Kind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }
  void add_text(std::string text) {
    if (!text.empty()) add(Kind::text, std::move(text));
  }
  void move_to(std::size_t to) {
    for (; at_ < to && at_ < text_.size(); ++at_) line_ += text_[at_] == '\n';
    line_start_ = at_ > 0 && text_[at_ - 1] == '\n';
  }
  bool at(std::string_view word) const { return std::string_view(text_).substr(at_, word.size()) == word; }
  void skip_space() {
    std::size_t to = at_;
    while (to < text_.size() && std::isspace(static_cast<unsigned char>(text_[to]))) ++to;
    move_to(to);
  }
  std::string left_trimmed(std::string text, char sign, bool block) const {
    if (sign == '-') return std::string(strip_text(text, false, true));
    if (sign == '+' || !block) return text;
    const std::size_t newline = text.rfind('\n');
    if (newline == text.npos && !(line_start_ || at_ == 0)) return text;
    const std::size_t start = newline == text.npos ? 0 : newline + 1;
    if (strip_text(std::string_view(text).substr(start), true, false).empty()) text.resize(start);
    return text;
  }
  // After the closing mark: '-' removes all white space, nothing or no '+' one newline.
  void after_block(bool minus, bool plus) {
    if (minus)
      skip_space();
    else if (!plus && at("\n"))
      move_to(at_ + 1);
  }
  void comment() {
    const std::size_t close = text_.find("#}", at_);
    if (close == text_.npos) fail("a comment is not closed");
    const char sign = close > at_ ? text_[close - 1] : '\0';
    move_to(close + 2);
    after_block(sign == '-', sign == '+');
  }
  bool raw_begins() {
    std::size_t i = at_;
    const auto space = [&] {
      while (i < text_.size() && std::isspace(static_cast<unsigned char>(text_[i]))) ++i;
    };
    space();
    if (text_.compare(i, 3, "raw") != 0) return false;
    i += 3;
    space();
    const bool minus = text_.compare(i, 3, "-%}") == 0;
    if (!minus && text_.compare(i, 2, "%}") != 0) return false;
    move_to(i + (minus ? 3 : 2));
    if (minus) skip_space();
    return true;
  }
  void raw() {
    for (std::size_t open = at_; (open = text_.find("{%", open)) != text_.npos; open += 2) {
      std::size_t i = open + 2;
      const char sign = i < text_.size() ? text_[i] : '\0';
      if (sign == '-' || sign == '+') ++i;
      while (i < text_.size() && std::isspace(static_cast<unsigned char>(text_[i]))) ++i;
      if (text_.compare(i, 6, "endraw") != 0) continue;
      i += 6;
      while (i < text_.size() && std::isspace(static_cast<unsigned char>(text_[i]))) ++i;
      const char close = i < text_.size() ? text_[i] : '\0';
      if (close == '-' || close == '+') ++i;
      if (text_.compare(i, 2, "%}") != 0) continue;
      add_text(left_trimmed(text_.substr(at_, open - at_), sign, true));
      move_to(i + 2);
      after_block(close == '-', close == '+');
      return;
    }
    fail("a raw block is not closed");
  }

  void tag(bool print) {
    add(print ? Kind::print_begin : Kind::block_begin, "");
    std::string open;  // brackets still open
    while (true) {
      skip_space();
      if (at_ >= text_.size()) fail("a tag is not closed");
      if (open.empty()) {
        const std::string_view close = print ? "}}" : "%}";
        const char sign = text_[at_];
        const bool signed_close = (sign == '-' || (sign == '+' && !print)) && text_.compare(at_ + 1, 2, close) == 0;
        if (signed_close || at(close)) {
          add(print ? Kind::print_end : Kind::block_end, "");
          move_to(at_ + (signed_close ? 3 : 2));
          if (!print)
            after_block(signed_close && sign == '-', signed_close && sign == '+');
          else if (signed_close)
            skip_space();
          return;
        }
      }
      token(open);
    }
  }

  void token(std::string& open) {
    const char c = text_[at_];
    const auto word = [](char x) { return std::isalnum(static_cast<unsigned char>(x)) || x == '_' || (x & 0x80); };
    if (c == '"' || c == '\'') return string(c);
    if (std::isdigit(static_cast<unsigned char>(c))) return number();
    if (word(c)) {
      std::size_t end = at_;
      while (end < text_.size() && word(text_[end])) ++end;
      add(Kind::name, text_.substr(at_, end - at_));
      return move_to(end);
    }
    for (const std::string_view op : {"**", "//", "==", "!=", "<=", ">="}) {
      if (at(op)) {
        add(Kind::op, std::string(op));
        return move_to(at_ + 2);
      }
    }
    if (std::string_view("+-*/%~<>=()[]{}|,.:").find(c) == std::string_view::npos) fail("an unexpected character");
    if (c == '(' || c == '[' || c == '{') open.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c) fail(std::string("an unexpected '") + c + "'");
      open.pop_back();
    }
    add(Kind::op, std::string(1, c));
    move_to(at_ + 1);
  }

  void number() {
    std::size_t i = at_;
    std::string digits;
    bool real = false;
    const auto digit = [&](std::size_t k) {
      return k < text_.size() && std::isdigit(static_cast<unsigned char>(text_[k]));
    };
    if (text_[i] == '0' && i + 1 < text_.size() &&
        std::string_view("xXoObB").find(text_[i + 1]) != std::string_view::npos) {
      digits = {'0', static_cast<char>(text_[i + 1] | 32)};
      for (i += 2; i < text_.size() && (std::isxdigit(static_cast<unsigned char>(text_[i])) || text_[i] == '_'); ++i) {
        if (text_[i] != '_') digits.push_back(text_[i]);
      }
      add(Kind::integer, digits);
      return move_to(i);
    }
    const auto run = [&] {
      for (; digit(i) || (i < text_.size() && text_[i] == '_' && digit(i + 1)); ++i) {
        if (text_[i] != '_') digits.push_back(text_[i]);
      }
    };
    run();
    if (i < text_.size() && text_[i] == '.' && digit(i + 1)) real = true, digits.push_back('.'), ++i, run();
    if (i < text_.size() && (text_[i] == 'e' || text_[i] == 'E')) {
      const bool sign = i + 1 < text_.size() && (text_[i + 1] == '-' || text_[i + 1] == '+');
      if (digit(i + 1 + sign)) {
        real = true, digits.push_back('e');
        if (sign) digits.push_back(text_[i + 1]);
        i += 1 + sign, run();
      }
    }
    if (!real && digits[0] == '0' && digits.find_first_not_of('0') != digits.npos) fail("a number with a leading zero");
    add(real ? Kind::real : Kind::integer, digits);
    move_to(i);
  }

  void string(char quote) {
    std::string out;
    std::size_t i = at_ + 1;
    for (; i < text_.size() && text_[i] != quote; ++i) {
      if (text_[i] != '\\' || i + 1 >= text_.size()) {
        out.push_back(text_[i]);
        continue;
      }
      const char c = text_[++i];
      constexpr std::string_view kNames = "\\'\"abfnrtv";
      constexpr std::string_view kBytes = "\\'\"\a\b\f\n\r\t\v";
      const std::size_t hex = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
      if (const std::size_t named = kNames.find(c); named != kNames.npos) {
        out.push_back(kBytes[named]);
      } else if (c >= '0' && c <= '7') {
        char32_t code = 0;
        const std::size_t end = std::min(i + 3, text_.size());
        for (; i < end && text_[i] >= '0' && text_[i] <= '7'; ++i)
          code = code * 8 + static_cast<char32_t>(text_[i] - '0');
        append_code_point(out, code);
        --i;
      } else if (hex > 0) {
        char32_t code = 0;
        for (std::size_t k = 0; k < hex; ++k) {
          const char h = ++i < text_.size() ? text_[i] : 'z';
          if (!std::isxdigit(static_cast<unsigned char>(h))) fail("a bad escape in a string");
          code = code * 16 + static_cast<char32_t>(h <= '9' ? h - '0' : (h | 32) - 'a' + 10);
        }
        if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) fail("a bad escape in a string");
        append_code_point(out, code);
      } else if (c != '\n') {
        out.push_back('\\'), out.push_back(c);
      }
    }
    if (i >= text_.size()) fail("a string is not closed");
    add(Kind::string, std::move(out));
    move_to(i + 1);
  }

  std::string text_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_start_ = true;
  std::vector<TemplateToken> tokens_;
};

}  // namespace

std::vector<TemplateToken> lex_template(std::string_view source) { return Lexer(source).run(); }

}  // namespace hearth
