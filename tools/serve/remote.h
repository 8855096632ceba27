// The way off this machine: the only one that the program has.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::serve {

// A provider elsewhere that speaks OpenAI's API.
struct Remote {
  std::string name;
  std::string base_url;  // "https://api.example.com/v1"
  std::string key;       // empty: none is sent
  std::vector<std::string> models;
};

struct RemoteRequest {
  std::string url;
  std::string key;
  std::string body;  // JSON
};

// Called in the thread that sends. False from either ends the transfer.
struct RemoteReceiver {
  std::function<bool(int status, const std::string& content_type, const std::string& retry_after)> on_head;
  std::function<bool(std::string_view piece)> on_piece;
  std::function<bool()> wanted;  // asked about once a second
};

// Whether this program was built with HEARTH_REMOTE.
bool can_send_off_machine();

// Posts the body and hands on what comes back. Where the connection failed before anything came back it tries twice
// more. Returns when the
// answer has ended or is not wanted any more; throws ApiError (502, 504) where it broke off or never came.
void send_off_machine(const RemoteRequest& request, const RemoteReceiver& receiver);

}  // namespace hearth::serve
