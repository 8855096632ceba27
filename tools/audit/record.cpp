// The wording of rows.
#include "tools/audit/record.h"

#include <ctime>

namespace hearth::audit {
namespace {

constexpr size_t kDateLength = 10, kSecondsLength = 19;  // "2026-11-25T16:00:00"

std::string line(const Json& content) { return content.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json head_of(const char* kind, uint64_t number, int64_t time) {
  return {{"n", number}, {"kind", kind}, {"time", time_text(time)}};
}

}  // namespace

std::string word(const Decision& decision, uint64_t number, int64_t time) {
  Json row = head_of("decision", number, time);
  row["route"] = decision.leaves ? "remote" : "local";
  row["rule"] = decision.rule;
  row["request"] = decision.request;
  row["client"] = decision.client;
  row["repository"] = decision.repository;
  row["task"] = decision.task;
  row["asked_model"] = decision.asked_model;
  row["local_model"] = decision.local_model;
  if (decision.leaves) {
    row["remote"] = decision.remote;
    row["model"] = decision.model;
    row["url"] = decision.url;
    row["attempt"] = decision.attempt;
    row["bytes"] = decision.bytes;
    row["sha256"] = decision.sha256;
    if (!decision.headers.empty()) row["headers"] = decision.headers;
    row["redactions"] = decision.redactions;
    row["reserved_tokens"] = decision.reserved_tokens;
    row["reserved_cost"] = decision.reserved_cost;
  }
  if (decision.confidence) row["confidence"] = *decision.confidence;
  if (decision.entropy) row["entropy"] = *decision.entropy;
  return line(row);
}

std::string word(const Outcome& outcome, uint64_t number, int64_t time) {
  Json row = head_of("outcome", number, time);
  row["decision"] = outcome.decision;
  row["result"] = outcome.result;
  row["status"] = outcome.status;
  row["sent_head"] = outcome.sent_head;
  row["sent_body"] = outcome.sent_body;
  row["answer_bytes"] = outcome.answer_bytes;
  row["answer_sha256"] = outcome.answer_sha256;
  row["prompt_tokens"] = outcome.prompt_tokens;
  row["answer_tokens"] = outcome.answer_tokens;
  row["tokens_estimated"] = outcome.estimated;
  row["cost"] = outcome.cost;
  row["seconds"] = outcome.seconds;
  row["first_byte_seconds"] = outcome.first_byte_seconds;
  if (!outcome.error.empty()) row["error"] = outcome.error;
  return line(row);
}

std::string time_text(int64_t milliseconds) {
  int64_t seconds = milliseconds / 1000, rest = milliseconds % 1000;
  if (rest < 0) {
    rest += 1000;
    --seconds;
  }
  const std::time_t time = seconds;
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) return "";
  char text[48];
  const size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof(text) - length, ".%03dZ", static_cast<int>(rest));
  return text;
}

std::optional<int64_t> read_time(const std::string& text) {
  std::tm parts{};
  int fraction = 0;
  const char* rest = strptime(text.c_str(), "%Y-%m-%d", &parts);
  if (rest == nullptr) return std::nullopt;
  const bool has_clock = *rest == 'T';
  if (has_clock) {
    rest = strptime(rest, "T%H:%M:%S", &parts);
    if (rest == nullptr) return std::nullopt;
    if (*rest == '.') {
      int scale = 100;
      for (++rest; *rest >= '0' && *rest <= '9'; ++rest, scale /= 10) fraction += (*rest - '0') * scale;
    }
    if (*rest == 'Z') ++rest;
  }
  if (*rest != '\0') return std::nullopt;
  const int64_t time = int64_t{timegm(&parts)} * 1000 + fraction;
  // What does not read as it is written, as "26-11-30" and "2026-02-31", is no time.
  if (!text.starts_with(time_text(time).substr(0, has_clock ? kSecondsLength : kDateLength))) return std::nullopt;
  return time;
}

std::optional<int64_t> read_end(const std::string& text) {
  constexpr int64_t kDay = 86'400'000;
  const auto time = read_time(text);
  return time && text.size() == kDateLength ? *time + kDay : time;
}

}  // namespace hearth::audit
