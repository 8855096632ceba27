// Responses that clients may go on from or ask for again, in memory and bounded.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "tools/serve/json.h"

namespace hearth::serve {

// Thread-safe. The oldest is forgotten first.
class ResponseStore {
 public:
  explicit ResponseStore(size_t most_responses = 1024, size_t most_bytes = size_t{64} << 20)
      : most_responses_(most_responses), most_bytes_(most_bytes) {}

  // `input`: all items in front of its output, also those of responses that it goes on from.
  void keep(const Json& response, const Json& input);
  std::optional<Json> response(const std::string& id) const;
  // The items that a conversation has after the response.
  std::optional<Json> conversation(const std::string& id) const;
  // An item of any response, by its id.
  std::optional<Json> item(const std::string& id) const;
  bool forget(const std::string& id);

 private:
  struct Entry {
    Json response, input;
    size_t bytes = 0;
  };
  void drop(const std::string& id);

  const size_t most_responses_, most_bytes_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by the responses' ids
  std::deque<std::string> order_;         // the oldest first
  size_t bytes_ = 0;
};

// One for each API key, so that nobody reads another's. Thread-safe.
class ResponseStores {
 public:
  // Lives as long as this. `key`: one of the server's; empty where it has none.
  ResponseStore& of(const std::string& key);

 private:
  std::mutex mutex_;
  std::map<std::string, ResponseStore> stores_;
};

}  // namespace hearth::serve
