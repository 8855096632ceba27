// Calls as a JSON object, or as a name and one.
#include "engine/text/answer/call_reader.h"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/text/answer/parameter_reader.h"
#include "engine/text/answer/python_reader.h"
#include "engine/text/template/error.h"
#include "engine/text/template/json.h"

namespace hearth {
namespace {

bool is_blank(char c) { return kAnswerSpace.find(c) != std::string_view::npos; }

std::optional<std::string> decoded(std::string_view json) {
  try {
    const Value value = parse_json(json);
    if (value.is_string()) return value.string();
  } catch (const TemplateError&) {
  }
  return std::nullopt;
}

class ObjectReader : public CallReader {
 public:
  ObjectReader(const CallFormat& format, const Tools& tools) : format_(format), tools_(tools) {}

  Status read(std::string_view text, bool) override {
    for (; at_ < text.size(); ++at_) {
      const Status status = push(text);
      if (status != Status::more) return status;
    }
    return Status::more;
  }

 private:
  bool names_call() const {
    return key_ == format_.name_key || key_ == "name" || key_ == "tool_name" || key_ == "function";
  }
  bool names_arguments() const {
    constexpr std::array kUsual = {"arguments", "parameters", "args", "input"};
    return key_ == format_.arguments_key || std::ranges::find(kUsual, key_) != kUsual.end() ||
           (format_.name_is_key && tools_.contains(key_));
  }

  Status push(std::string_view text) {
    const char byte = text[at_];
    const bool was_key = scanner_.in_key(), was_string = scanner_.in_string();
    const bool value_begins = scanner_.before_value() && !is_blank(byte) && scanner_.depth() == level_ && level_ > 0;
    const JsonScanner::Status status = scanner_.push(byte);
    if (status == JsonScanner::Status::bad) return Status::bad;
    if (level_ == 0) level_ = 1;
    if (scanner_.in_key() && !was_key) begin_ = at_;
    if (was_key && !scanner_.in_string() && scanner_.depth() == level_) {
      const auto key = decoded(text.substr(begin_, at_ + 1 - begin_));
      if (!key) return Status::bad;
      key_ = *key;
    }
    if (value_begins && !begin_value(byte)) return Status::bad;
    if (copies_) {
      if (was_string && scanner_.in_string())
        append_json_byte(arguments_, byte);
      else
        arguments_ += byte;
      copies_ = scanner_.depth() > level_;
    } else if (was_string && !was_key && !scanner_.in_string() && scanner_.depth() == level_) {
      end_string(text.substr(begin_, at_ + 1 - begin_));
    }
    if (level_ == 2 && scanner_.depth() < 2) level_ = 1;
    return status == JsonScanner::Status::done ? finish() : Status::more;
  }

  bool begin_value(char byte) {
    begin_ = at_;
    if (names_arguments() && arguments_.empty()) {
      if (format_.name_is_key && name_.empty() && tools_.contains(key_)) {
        name_ = key_;
        name_end_ = at_;
      }
      copies_ = byte == '{';
      return byte == '{' || byte == '"' || byte == 'n';
    }
    if (key_ == "function" && byte == '{' && level_ == 1) level_ = 2;
    return true;
  }

  void end_string(std::string_view json) {
    if (names_call() && name_.empty()) {
      name_ = decoded(json).value_or("");
      if (arguments_.empty()) name_end_ = at_ + 1;
    } else if (names_arguments() && arguments_.empty()) {
      arguments_ = arguments_in_text(json);
    }
    if (names_arguments() && arguments_.empty()) no_object_ = true;
  }

  Status finish() {
    ++at_;
    if (name_.empty() || no_object_) return Status::bad;
    if (arguments_.empty()) arguments_ = "{}";
    return Status::done;
  }

  const CallFormat& format_;
  const Tools& tools_;
  JsonScanner scanner_;
  size_t level_ = 0;  // depth of the object whose keys count
  size_t begin_ = 0;  // of the key or value that is being read
  std::string key_;
  bool copies_ = false, no_object_ = false;
};

class NamedReader : public CallReader {
 public:
  explicit NamedReader(const CallFormat& format) : format_(format) {}

  Status read(std::string_view text, bool last) override {
    if (name_.empty()) {
      size_t end = at_;
      while (end < text.size() && is_tool_name(text[end])) ++end;
      if (end == text.size()) return last ? Status::bad : Status::more;
      if (end == at_) return Status::bad;
      const WordsMatch match = match_words(text, end, format_.name_end);
      if (match.kind == WordsMatch::Kind::partial && !last) return Status::more;
      name_ = plain_name(text.substr(at_, end - at_));
      at_ = name_end_ = match.kind == WordsMatch::Kind::yes ? match.end : end;
      if (name_.empty()) return Status::bad;
    }
    return arguments_reader_.read(text, at_, arguments_, last);
  }

 private:
  // Without what some formats put around: functions.NAME:0.
  std::string plain_name(std::string_view written) const {
    if (!format_.name_prefix.empty() && written.starts_with(format_.name_prefix))
      written.remove_prefix(format_.name_prefix.size());
    const size_t colon = written.rfind(':');
    if (colon != std::string_view::npos && written.find_first_not_of("0123456789", colon + 1) == written.npos)
      written = written.substr(0, colon);
    return std::string(written);
  }

  const CallFormat& format_;
  ArgumentsReader arguments_reader_;
};

}  // namespace

bool is_tool_name(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         std::string_view("_-.:/@$").find(byte) != std::string_view::npos;
}

std::string arguments_in_text(std::string_view json) {
  const std::string inner = json == "null" ? "" : decoded(json).value_or("-");
  const std::string_view object = trim(inner);
  if (object.empty()) return "{}";
  return object[0] == '{' && json_end(object, 0) == object.size() ? std::string(object) : "";
}

CallReader::Status ArgumentsReader::read(std::string_view text, size_t& at, std::string& out, bool last) {
  if (begin_ == std::string::npos) {
    while (at < text.size() && is_blank(text[at])) ++at;
    if (at == text.size()) return last ? Status::bad : Status::more;
    if (text[at] != '{' && text[at] != '"') return Status::bad;
    begin_ = at;
  }
  const bool object = text[begin_] == '{';
  for (; at < text.size(); ++at) {
    const bool was_string = scanner_.in_string();
    const JsonScanner::Status status = scanner_.push(text[at]);
    if (status == JsonScanner::Status::bad) return Status::bad;
    if (object && was_string && scanner_.in_string())
      append_json_byte(out, text[at]);
    else if (object)
      out += text[at];
    if (status != JsonScanner::Status::done) continue;
    ++at;
    if (!object) out = arguments_in_text(text.substr(begin_, at - begin_));
    return out.empty() ? Status::bad : Status::done;
  }
  return last ? Status::bad : Status::more;
}

std::unique_ptr<CallReader> make_call_reader(const CallFormat& format, const Tools& tools) {
  switch (format.body) {
    case CallFormat::Body::named:
      return std::make_unique<NamedReader>(format);
    case CallFormat::Body::parameters:
      return std::make_unique<ParameterReader>(format, tools);
    case CallFormat::Body::python:
      return std::make_unique<PythonReader>(tools);
    default:
      return std::make_unique<ObjectReader>(format, tools);
  }
}

}  // namespace hearth
