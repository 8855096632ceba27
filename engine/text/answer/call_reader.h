// Reads one call as it comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/text/answer/format.h"
#include "engine/text/answer/json_scanner.h"
#include "engine/text/answer/tools.h"

namespace hearth {

// The body of a call, from its first byte on. Work in all is linear in the text.
class CallReader {
 public:
  enum class Status : uint8_t { more, done, bad };

  virtual ~CallReader() = default;

  // Reads on in a text that only grows from call to call; `last`: it will not. After done or bad not to be called.
  virtual Status read(std::string_view text, bool last) = 0;
  size_t at() const { return at_; }  // bytes that were read
  // Empty until it is known.
  const std::string& name() const { return name_; }
  // Where the text behind the name begins, in front of the arguments; 0: not known, or the arguments came first.
  size_t name_end() const { return name_end_; }
  // What is known of the JSON object so far; with done all of it.
  const std::string& arguments() const { return arguments_; }

 protected:
  size_t at_ = 0, name_end_ = 0;
  std::string name_, arguments_;
};

// The format and the tools must outlive the reader.
std::unique_ptr<CallReader> make_call_reader(const CallFormat& format, const Tools& tools);

// Arguments as one JSON object, as a JSON string that holds one, or null for none.
class ArgumentsReader {
 public:
  using Status = CallReader::Status;
  // Reads on from `at`, and appends to `out`. With `last` the text ends here.
  Status read(std::string_view text, size_t& at, std::string& out, bool last);

 private:
  JsonScanner scanner_;
  size_t begin_ = std::string::npos;
};

// The object in a JSON string, "{}" for an empty one and for null; empty where there is none.
std::string arguments_in_text(std::string_view json);

// Whether a byte can be part of a tool's name.
bool is_tool_name(char byte);

}  // namespace hearth
