// A list in the order of use, and an index.
#include "tools/route/sessions.h"

namespace hearth::route {
namespace {

constexpr size_t kMost = 4096;
constexpr std::chrono::hours kStay{1};

}  // namespace

void Sessions::sent(const std::string& session, Clock::time_point now) {
  if (session.empty()) return;
  came_back(session);
  newest_first_.push_front({session, now});
  by_name_[session] = newest_first_.begin();
  if (by_name_.size() <= kMost) return;
  by_name_.erase(newest_first_.back().session);
  newest_first_.pop_back();
}

void Sessions::came_back(const std::string& session) {
  const auto found = by_name_.find(session);
  if (found == by_name_.end()) return;
  newest_first_.erase(found->second);
  by_name_.erase(found);
}

bool Sessions::left(const std::string& session, Clock::time_point now) {
  const auto found = by_name_.find(session);
  if (found == by_name_.end()) return false;
  if (now - found->second->last <= kStay) return true;
  came_back(session);
  return false;
}

}  // namespace hearth::route
