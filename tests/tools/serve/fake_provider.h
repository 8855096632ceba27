// A remote provider that answers each connection with bytes that a test chose, and then closes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace hearth::serve {

class FakeProvider {
 public:
  // The answer to each connection in turn, "" to close without one; the last one answers all further ones.
  explicit FakeProvider(std::vector<std::string> answers);
  ~FakeProvider();

  std::string base_url() const;
  int connections() const { return connections_; }  // so far

 private:
  int listener_;
  uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

}  // namespace hearth::serve
