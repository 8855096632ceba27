// What the audit log says: decisions, and what became of them.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

namespace hearth::audit {

using Json = nlohmann::ordered_json;

// The log cannot be written or read; one line that names the file.
class AuditError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Where a request was to be answered. A request that is sent again is a decision again: its bytes leave again.
struct Decision {
  std::string request;                         // "req_..."
  std::string client, repository;              // who asked, and for what; empty: unknown
  std::string task, rule;                      // "chat"; the rule that decided
  bool leaves = false;                         // to a remote provider; false: answered here
  std::string asked_model;                     // as the request named it
  std::string local_model;                     // that answers, or would have
  std::string remote, model, url;              // of the provider; empty where nothing leaves
  int attempt = 0;                             // counted from 1; 0 where nothing leaves
  uint64_t bytes = 0;                          // of the body that leaves
  std::string sha256;                          // of exactly these bytes
  std::string headers;                         // that the client chose and that leave too: "anthropic-beta: ..."
  std::map<std::string, uint64_t> redactions;  // by rule
  uint64_t reserved_tokens = 0;                // set aside until the outcome is known
  double reserved_cost = 0;
  std::optional<double> confidence, entropy;  // of the local model's first tokens, where they were looked at
};

// What became of a decision.
struct Outcome {
  uint64_t decision = 0;  // the row that this is about
  std::string result;     // "answered", "refused", "failed", "cut" (it broke off), "left" (the client went), "doubted"
  int status = 0;         // HTTP's, of the answer; 0: there was none
  uint64_t sent_head = 0, sent_body = 0;  // bytes that were handed to the connection
  uint64_t answer_bytes = 0;
  std::string answer_sha256;
  uint64_t prompt_tokens = 0, answer_tokens = 0;
  bool estimated = false;  // the tokens: the provider did not tell
  double cost = 0;         // money, in the unit of the prices
  double seconds = 0, first_byte_seconds = 0;
  std::string error;
};

// A row's content: one line of JSON, whose bytes are what the chain is made of. `number` is the row's, `time` in
// milliseconds since 1970.
std::string word(const Decision& decision, uint64_t number, int64_t time);
std::string word(const Outcome& outcome, uint64_t number, int64_t time);

// "2026-11-25T16:00:00.123Z", and back: also of "2026-11-25" and "2026-11-25T16:00:00Z"; nullopt for anything else.
std::string time_text(int64_t milliseconds);
std::optional<int64_t> read_time(const std::string& text);
// The same for the end of a period: a date alone means the end of that day.
std::optional<int64_t> read_end(const std::string& text);

}  // namespace hearth::audit
