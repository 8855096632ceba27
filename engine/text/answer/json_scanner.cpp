// A pushdown automaton; numbers are checked by their characters only, for they are parsed again when they are whole.
#include "engine/text/answer/json_scanner.h"

namespace hearth {
namespace {

constexpr std::string_view kJsonSpace = " \t\r\n";
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";

bool among(char byte, std::string_view set) { return set.find(byte) != std::string_view::npos; }

}  // namespace

JsonScanner::Status JsonScanner::after_value() {
  state_ = State::after;
  return open_.empty() ? Status::done : Status::more;
}

JsonScanner::Status JsonScanner::close(char byte) {
  const char opened = byte == '}' ? '{' : byte == ']' ? '[' : 0;
  if (open_.empty() || open_.back() != opened) return Status::bad;
  open_.pop_back();
  return after_value();
}

JsonScanner::Status JsonScanner::begin_value(char byte) {
  switch (byte) {
    case '{':
    case '[':
      if (open_.size() == kMostDepth) return Status::bad;
      open_ += byte;
      state_ = byte == '{' ? State::first_key : State::first_item;
      return Status::more;
    case '"':
      state_ = State::string;
      key_ = false;
      return Status::more;
    case 't':
    case 'f':
    case 'n':
      word_ = byte == 't' ? "true" : byte == 'f' ? "false" : "null";
      word_at_ = 1;
      state_ = State::word;
      return Status::more;
    default:
      if (!among(byte, "-0123456789")) return Status::bad;
      state_ = State::number;
      return Status::more;
  }
}

JsonScanner::Status JsonScanner::push(char byte) {
  if (state_ == State::string) {
    if (escape_ == 1) {
      if (!among(byte, "\"\\/bfnrtu")) return Status::bad;
      escape_ = byte == 'u' ? 5 : 0;
      return Status::more;
    }
    if (escape_ > 1) {
      if (!among(byte, kHexDigits)) return Status::bad;
      if (--escape_ == 1) escape_ = 0;
      return Status::more;
    }
    if (byte == '\\') escape_ = 1;
    if (byte != '"') return Status::more;
    if (!key_) return after_value();
    state_ = State::colon;
    return Status::more;
  }
  if (state_ == State::word && word_at_ < word_.size()) {
    if (byte != word_[word_at_++]) return Status::bad;
    return Status::more;
  }
  if (state_ == State::number && among(byte, "+-.eE0123456789")) return Status::more;
  if (state_ == State::number || state_ == State::word) state_ = State::after;
  if (among(byte, kJsonSpace)) return Status::more;
  switch (state_) {
    case State::value:
      return begin_value(byte);
    case State::first_item:
      return byte == ']' ? close(byte) : begin_value(byte);
    case State::first_key:
    case State::key:
      if (byte == '}' && state_ == State::first_key) return close(byte);
      if (byte != '"') return Status::bad;
      state_ = State::string;
      key_ = true;
      return Status::more;
    case State::colon:
      state_ = State::value;
      return byte == ':' ? Status::more : Status::bad;
    default:
      if (byte != ',' || open_.empty()) return close(byte);
      state_ = open_.back() == '{' ? State::key : State::value;
      return Status::more;
  }
}

size_t json_end(std::string_view text, size_t begin) {
  JsonScanner scanner;
  for (size_t at = begin; at < text.size(); ++at) {
    const JsonScanner::Status status = scanner.push(text[at]);
    if (status == JsonScanner::Status::done) return at + 1;
    if (status == JsonScanner::Status::bad) break;
  }
  return std::string_view::npos;
}

void append_json_byte(std::string& out, char byte) {
  constexpr std::string_view kNamed = "\b\f\n\r\t";
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto code = static_cast<unsigned char>(byte);
  if (code >= 0x20) {
    out += byte;
  } else if (const size_t at = kNamed.find(byte); at != std::string_view::npos) {
    out += '\\';
    out += "bfnrt"[at];
  } else {
    out += "\\u00";
    out += kHex[code / 16];
    out += kHex[code % 16];
  }
}

std::string quoted_json(std::string_view text) {
  std::string out = "\"";
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') out += '\\';
    append_json_byte(out, byte);
  }
  return out + '"';
}

}  // namespace hearth
