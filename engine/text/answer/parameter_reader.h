// Calls whose parameters stand between markers one by one: text in, one JSON object out.
#pragma once

#include <cstdint>

#include "engine/text/answer/call_reader.h"

namespace hearth {

// The values' kinds come from the schemas of the tools; values that can only be strings are told as they come.
class ParameterReader : public CallReader {
 public:
  ParameterReader(const CallFormat& format, const Tools& tools) : format_(format), tools_(tools) {}

  Status read(std::string_view text, bool last) override;

 private:
  enum class State : uint8_t { name, between, key, value };
  // Whether a step has done something: then there may be a next one.
  enum class Step : uint8_t { on, wait, done, bad };

  Step read_name(std::string_view text, bool last);
  Step read_between(std::string_view text, bool last);
  Step read_key(std::string_view text, bool last);
  Step read_value(std::string_view text, bool last);
  // Where the value ends, from `from` on; npos where it does not yet. `after`: behind the closing words.
  size_t find_close(std::string_view text, bool last, size_t& after, bool& waits);
  void add_text(std::string_view text);

  const CallFormat& format_;
  const Tools& tools_;
  State state_ = State::name;
  std::string key_;
  uint8_t kinds_ = 0;
  size_t searched_ = 0;  // where the search for the value's end goes on
  bool streams_ = false;
};

}  // namespace hearth
