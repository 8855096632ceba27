// Brings the events of one request's choices from the engine's thread to the network thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "hearth/hearth.h"

namespace hearth::serve {

// An event of the choice with this index.
struct Answer {
  uint32_t choice;
  Event event;
};

class Answers : public std::enable_shared_from_this<Answers> {
 public:
  // on_arrival is called in the network thread until close(); on_overflow when more than kMostWaiting events have
  // arrived that nobody took.
  Answers(boost::asio::io_context& io, std::function<void()> on_arrival, std::function<void()> on_overflow)
      : io_(io), on_arrival_(std::move(on_arrival)), on_overflow_(std::move(on_overflow)) {}

  // Starts all choices. In any thread, once. Throws Error where one cannot be started; close() ends the others.
  void start(Engine& engine, const std::vector<Request>& requests) {
    for (uint32_t choice = 0; choice < requests.size(); ++choice)
      running_.push_back(engine.start(requests[choice], [self = shared_from_this(), choice](Event event) {
        boost::asio::post(self->io_, [self, choice, event = std::move(event)]() mutable {
          self->arrive({choice, std::move(event)});
        });
      }));
  }

  // From here on in the network thread.
  bool empty() const { return arrived_.empty(); }
  std::deque<Answer> take() { return std::exchange(arrived_, {}); }
  // Ends what still runs; nothing arrives any more.
  void close() {
    closed_ = true;
    for (Running& running : running_) running.cancel();
    running_.clear();  // they hold this through what they call
  }

 private:
  static constexpr size_t kMostWaiting = 16 << 10;

  void arrive(Answer answer) {
    if (closed_) return;
    arrived_.push_back(std::move(answer));
    if (arrived_.size() > kMostWaiting) return on_overflow_();
    on_arrival_();
  }

  boost::asio::io_context& io_;
  std::function<void()> on_arrival_, on_overflow_;
  std::vector<Running> running_;
  std::deque<Answer> arrived_;
  bool closed_ = false;
};

}  // namespace hearth::serve
