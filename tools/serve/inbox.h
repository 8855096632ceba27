// Bytes from a thread that asks a remote provider to the network thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "tools/serve/connection.h"

namespace hearth::serve {

// What arrived and was not told yet. Used by both threads.
class Inbox {
 public:
  static constexpr size_t kMostUntaken = 1 << 20;  // bytes that the client has not taken yet

  struct Content {
    std::optional<HttpReply> head;
    std::string bytes;
    bool ended = false;
    std::optional<ApiError> failure;
    std::string passed;  // the limit for which the answer ends here
  };

  explicit Inbox(std::function<void()> on_arrival) : on_arrival_(std::move(on_arrival)) {}

  // By the sender; false where the client has gone. Waits while too much is waiting.
  bool put(const std::function<void(Content&)>& add) {
    std::unique_lock lock(mutex_);
    taken_.wait(lock, [&] { return closed_ || content_.bytes.size() < kMostUntaken; });
    if (closed_) return false;
    add(content_);
    on_arrival_();
    return true;
  }
  bool open() const {
    const std::lock_guard lock(mutex_);
    return !closed_;
  }

  // By the receiver.
  Content take() {
    const std::lock_guard lock(mutex_);
    taken_.notify_one();
    return std::exchange(content_, {});
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    taken_.notify_one();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable taken_;
  std::function<void()> on_arrival_;
  Content content_;
  bool closed_ = false;
};

}  // namespace hearth::serve
