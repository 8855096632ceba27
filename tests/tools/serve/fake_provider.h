// A remote provider that answers each connection with bytes that a test chose, and then closes it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hearth::serve {

// At an answer's end: the connection stays open, and nothing more comes.
inline const std::string kThenStall = "\x01STALL";

// An answer of HTTP with this body, and one that streams it.
std::string http_answer(const std::string& body, const std::string& status = "200 OK");
std::string http_stream(const std::string& events);

class FakeProvider {
 public:
  // The answer to each connection in turn, "" to close without one; the last one answers all further ones.
  explicit FakeProvider(std::vector<std::string> answers);
  // The answer to a request with this body.
  explicit FakeProvider(std::function<std::string(const std::string& body)> answer);
  ~FakeProvider();

  std::string base_url() const;
  int connections() const { return connections_; }  // so far
  // The bodies of all requests so far, and what stood in front of them.
  std::vector<std::string> bodies() const;
  std::vector<std::string> heads() const;
  // Waits up to ten seconds for so many requests.
  bool asked(size_t times) const;

 private:
  void run();

  std::function<std::string(const std::string& body)> answer_;
  int listener_;
  uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::vector<std::string> bodies_, heads_;
  std::vector<int> stalled_;  // connections
  std::thread thread_;
};

}  // namespace hearth::serve
