// Follows a JSON value as it comes, byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

// Accepts exactly one JSON value, and more than RFC 8259 does in one point: control characters inside strings, which
// models write. Work per byte is constant; nesting deeper than kMostDepth is refused.
class JsonScanner {
 public:
  enum class Status : uint8_t { more, done, bad };
  static constexpr size_t kMostDepth = 64;

  // The next byte. After done or bad nothing may be pushed. A number or word at the outermost level is never done: its
  // end is what follows it.
  Status push(char byte);

  size_t depth() const { return open_.size(); }  // objects and arrays around the place behind the last byte
  bool in_string() const { return state_ == State::string || escape_ > 0; }
  bool in_key() const { return in_string() && key_; }
  // Whether the next byte that is no space begins the value of a key or an item.
  bool before_value() const { return state_ == State::value || state_ == State::first_item; }

 private:
  enum class State : uint8_t { value, first_item, first_key, key, colon, after, string, number, word };

  Status begin_value(char byte);
  Status close(char byte);
  Status after_value();

  std::string open_;  // '{' and '['
  State state_ = State::value;
  bool key_ = false;
  uint8_t escape_ = 0;  // bytes that an escape still wants
  uint8_t word_at_ = 0;
  std::string_view word_;
};

// The end of the JSON value that begins at `begin`, or npos where there is none.
size_t json_end(std::string_view text, size_t begin);

// The byte as it stands in a JSON string: control characters escaped.
void append_json_byte(std::string& out, char byte);
// A text as a JSON string.
std::string quoted_json(std::string_view text);

}  // namespace hearth
