// Counting, and reading the usage at an answer's end.
#include "tools/serve/answer_meter.h"

#include <algorithm>

#include "tools/redact/shallow_json.h"

namespace hearth::serve {
namespace {

constexpr size_t kEndBytes = 64 << 10;
constexpr uint64_t kBytesPerToken = 4;  // of English and code, about

// The last object that stands behind "usage"; null where there is none.
redact::Json last_usage(const std::string& end) {
  for (size_t at = end.rfind("\"usage\""); at != end.npos && at > 0; at = end.rfind("\"usage\"", at - 1)) {
    size_t open = end.find_first_not_of(" \t\r\n:", at + 7);
    if (open == end.npos || end[open] != '{') continue;
    int depth = 0;
    for (size_t i = open; i < end.size(); ++i) {
      if (end[i] == '{') ++depth;
      if (end[i] == '}' && --depth == 0) return redact::parse_shallow(std::string_view(end).substr(open, i + 1 - open));
    }
  }
  return {};
}

uint64_t count_in(const redact::Json& usage, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = usage.find(name);
    if (found != usage.end() && found->is_number_unsigned()) return found->get<uint64_t>();
  }
  return 0;
}

}  // namespace

void AnswerMeter::add(std::string_view bytes) {
  if (bytes_ == 0 && !bytes.empty()) first_ = Clock::now();
  digest_.add(bytes);
  bytes_ += bytes.size();
  for (size_t at = 0; (at = bytes.find("data:", at)) != bytes.npos; at += 5) ++events_;
  end_ += bytes;
  if (end_.size() > 2 * kEndBytes) end_.erase(0, end_.size() - kEndBytes);
}

void AnswerMeter::finish(uint64_t prompt_bytes, audit::Outcome& outcome) {
  const auto since = [&](Clock::time_point time) { return std::chrono::duration<double>(time - begun_).count(); };
  outcome.seconds = since(Clock::now());
  if (bytes_ > 0) outcome.first_byte_seconds = since(first_);
  outcome.answer_bytes = bytes_;
  outcome.answer_sha256 = digest_.hex();
  const redact::Json usage = last_usage(end_);
  if (usage.is_object()) {
    outcome.prompt_tokens = count_in(usage, {"prompt_tokens", "input_tokens"});
    outcome.answer_tokens = count_in(usage, {"completion_tokens", "output_tokens"});
    return;
  }
  if (outcome.status != 200) return;  // a refusal costs nothing
  outcome.estimated = true;
  outcome.prompt_tokens = prompt_bytes / kBytesPerToken;
  outcome.answer_tokens = events_ > 0 ? events_ : bytes_ / kBytesPerToken;  // a stream tells about a token an event
}

}  // namespace hearth::serve
