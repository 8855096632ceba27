// Where models come from, on this machine: answers each path as a test says, in ranges, and remembers what was asked.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hearth::fetch {

struct Asking {
  std::string target;                                 // "/path?query"
  std::string head;                                   // all lines
  std::string header(const std::string& name) const;  // name in lower case; empty where absent
  size_t number = 0;                                  // how many were asked for this path before
};

struct Answering {
  int status = 200;
  std::vector<std::string> headers;
  std::string body;
  size_t send = SIZE_MAX;  // bytes of the body after which the connection is closed
  bool stalls = false;     // instead of closing it, nothing more comes
};

class FakeOrigin {
 public:
  using Handler = std::function<Answering(const Asking&)>;

  FakeOrigin();
  ~FakeOrigin();
  FakeOrigin(const FakeOrigin&) = delete;
  FakeOrigin& operator=(const FakeOrigin&) = delete;

  std::string url(const std::string& path = "") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  // Answers `path`; its query is not looked at. Others are answered with 404.
  void on(const std::string& path, Handler handler);
  void on(const std::string& path, std::string body);
  // What was asked for a path so far, in order.
  std::vector<Asking> asked(const std::string& path) const;
  size_t connections() const { return connections_; }

 private:
  void accept_all();
  void serve(int connection);
  Answering answer(Asking asking);

  int listener_;
  uint16_t port_ = 0;
  std::atomic<bool> ending_ = false;
  std::atomic<size_t> connections_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, Handler> handlers_;
  std::map<std::string, std::vector<Asking>> asked_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// The part of `body` that a Range header asks for, with its status and headers; all of it where there is none.
Answering in_ranges(const Asking& asking, const std::string& body);

// Pieces of the two protocols.
std::string listing_entry(const std::string& path, const std::string& body);
std::string manifest_layer(const std::string& kind, const std::string& body);
std::string manifest_of(const std::vector<std::string>& layers);

}  // namespace hearth::fetch
