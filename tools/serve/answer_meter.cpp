// Counting, and reading the usage at an answer's end.
#include "tools/serve/answer_meter.h"

#include <algorithm>

#include "tools/redact/shallow_json.h"

namespace hearth::serve {
namespace {

constexpr size_t kStartBytes = 16 << 10, kEndBytes = 64 << 10;

constexpr std::string_view kUsage = "\"usage\"";

// The object that stands behind the "usage" here; null where there is none.
redact::Json usage_at(const std::string& text, size_t at) {
  const size_t open = text.find_first_not_of(" \t\r\n:", at + kUsage.size());
  if (open == text.npos || text[open] != '{') return {};
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return redact::parse_shallow(std::string_view(text).substr(open, i + 1 - open));
  }
  return {};
}

redact::Json last_usage(const std::string& end) {
  for (size_t at = end.rfind(kUsage); at != end.npos && at > 0; at = end.rfind(kUsage, at - 1))
    if (redact::Json usage = usage_at(end, at); usage.is_object()) return usage;
  return {};
}

// The sum of the counts that are there.
uint64_t count_in(const redact::Json& usage, std::initializer_list<const char*> names) {
  uint64_t sum = 0;
  for (const char* name : names) {
    const auto found = usage.find(name);
    if (found != usage.end() && found->is_number_unsigned()) sum += found->get<uint64_t>();
  }
  return sum;
}

// In OpenAI's words or in Anthropic's, which count apart what a cache has to do with.
uint64_t prompt_tokens_in(const redact::Json& usage) {
  return count_in(usage, {"prompt_tokens", "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"});
}

}  // namespace

void AnswerMeter::add(std::string_view bytes) {
  if (bytes_ == 0 && !bytes.empty()) first_ = Clock::now();
  digest_.add(bytes);
  bytes_ += bytes.size();
  for (size_t at = 0; (at = bytes.find("data:", at)) != bytes.npos; at += 5) ++events_;
  if (start_.size() < kStartBytes) start_ += bytes.substr(0, kStartBytes - start_.size());
  end_ += bytes;
  if (end_.size() > 2 * kEndBytes) end_.erase(0, end_.size() - kEndBytes);
}

// A stream tells about a token an event.
uint64_t AnswerMeter::tokens_so_far() const { return events_ > 0 ? events_ : bytes_ / kBytesPerToken; }

void AnswerMeter::finish(uint64_t prompt_bytes, audit::Outcome& outcome) {
  const auto since = [&](Clock::time_point time) { return std::chrono::duration<double>(time - begun_).count(); };
  outcome.seconds = since(Clock::now());
  if (bytes_ > 0) outcome.first_byte_seconds = since(first_);
  outcome.answer_bytes = bytes_;
  outcome.answer_sha256 = digest_.hex();
  const redact::Json usage = last_usage(end_);
  if (usage.is_object()) {
    outcome.prompt_tokens = prompt_tokens_in(usage);
    // A stream of Anthropic's tells of the prompt at its beginning.
    const size_t first = start_.find(kUsage);
    if (outcome.prompt_tokens == 0 && first != start_.npos)
      if (const redact::Json told = usage_at(start_, first); told.is_object())
        outcome.prompt_tokens = prompt_tokens_in(told);
    outcome.answer_tokens = count_in(usage, {"completion_tokens", "output_tokens"});
    return;
  }
  // A refusal costs nothing. A request that was sent whole and had no answer may have been read and answered there.
  const bool unheard = outcome.status == 0 && prompt_bytes > 0 && outcome.sent_body >= prompt_bytes;
  if (outcome.status != 200 && !unheard) return;
  outcome.estimated = true;
  outcome.prompt_tokens = prompt_bytes / kBytesPerToken;
  outcome.answer_tokens = tokens_so_far();
}

}  // namespace hearth::serve
