// Which sessions were sent away, so that they stay where they went.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <string>

namespace hearth::route {

// Holds the newest 4096 sessions, each for an hour after its last request. For one thread.
class Sessions {
 public:
  using Clock = std::chrono::steady_clock;

  void sent(const std::string& session, Clock::time_point now);
  // It goes on here: its remote failed.
  void came_back(const std::string& session);
  bool left(const std::string& session, Clock::time_point now);

 private:
  struct Entry {
    std::string session;
    Clock::time_point last;
  };
  std::list<Entry> newest_first_;
  std::map<std::string, std::list<Entry>::iterator> by_name_;
};

}  // namespace hearth::route
