// The way off this machine: the only one that the program has.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/audit/audit_log.h"
#include "tools/route/policy.h"
#include "tools/serve/anthropic/messages_hop.h"

namespace hearth::serve {

enum class RemoteApi { openai, anthropic };

// A provider elsewhere.
struct Remote {
  std::string name;
  std::string base_url;  // "https://api.example.com/v1"
  std::string key;       // empty: none is sent
  std::vector<std::string> models;
  double input_price = 0, output_price = 0;  // of a million tokens
  route::Limits limits = {};
  std::chrono::seconds silence{300};  // after which an answer is given up
  RemoteApi api = RemoteApi::openai;
  MessagesShape shape = {};  // where it speaks Anthropic's
  std::string proxy = {};    // empty: none, whatever the environment says
};

struct RemoteRequest {
  std::string url;
  std::string key;
  RemoteApi api = RemoteApi::openai;  // which says how the key is given
  std::string betas;                  // header anthropic-beta; empty: none
  std::string body;                   // JSON
  audit::Decision decision;           // by which it leaves; what leaves is filled in
  double input_price = 0, output_price = 0;
  std::chrono::seconds silence{300};
  std::string proxy = {};  // empty: none
};

// Called in the thread that sends. False from on_head and on_piece ends the transfer.
struct RemoteReceiver {
  std::function<bool(int status, const std::string& content_type, const std::string& retry_after)> on_head;
  std::function<bool(std::string_view piece)> on_piece;
  // The limit that so many tokens pass, estimated; not empty ends the transfer.
  std::function<std::string(uint64_t prompt_tokens, uint64_t answer_tokens)> passed;
  std::function<bool()> wanted;                           // asked about once a second
  std::function<std::string()> again;                     // the limit that a further attempt passes; not empty: none is
  std::function<void(const audit::Outcome&)> on_outcome;  // of each attempt
  std::function<void(const std::string&)> on_loss;        // why a row could not be written
};

// Whether this program was built with HEARTH_REMOTE.
bool can_send_off_machine();

// Writes a decision into the log, and once that is on the disk posts the body and hands on what comes back; then
// writes the outcome. Where the connection failed before anything came back it tries twice more, each with a record of
// its own, unless a limit forbids it. Returns when the answer has ended, is not wanted any more or passes a limit;
// throws ApiError: 502 and 504 where it broke off or never came, 503 where the log cannot be written, and then nothing
// has left.
void send_off_machine(const RemoteRequest& request, const RemoteReceiver& receiver, audit::AuditLog& log);

}  // namespace hearth::serve
