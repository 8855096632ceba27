// Lets a coroutine sleep until something happens or time passes.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

namespace hearth::serve {

// For one sleeper; all functions are called in the network thread.
class Signal {
 public:
  explicit Signal(const boost::asio::any_io_executor& executor) : timer_(executor) {}

  void notify() {
    notified_ = true;
    timer_.cancel();
  }

  // False where `time` passed and nobody notified. A notification from before counts.
  boost::asio::awaitable<bool> wait_for(std::chrono::steady_clock::duration time) {
    if (!notified_) {
      timer_.expires_after(time);
      boost::system::error_code ignored;
      co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
    co_return std::exchange(notified_, false);
  }

 private:
  boost::asio::steady_timer timer_;
  bool notified_ = false;
};

}  // namespace hearth::serve
