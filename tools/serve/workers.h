// Threads for work that would hold up the network thread: parsing, tokenizing, loading.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace hearth::serve {

class Workers {
 public:
  explicit Workers(size_t threads) : pool_(threads) {}
  ~Workers() { pool_.join(); }

  // Calls `work` in one of the threads; its result or exception comes back to the coroutine. What it returns must be
  // default-constructible.
  template <class Work>
  auto run(Work work) -> boost::asio::awaitable<decltype(work())> {
    using Result = decltype(work());
    auto task = [work = std::move(work)]() mutable -> boost::asio::awaitable<Result> { co_return work(); };
    co_return co_await boost::asio::co_spawn(pool_.get_executor(), std::move(task), boost::asio::use_awaitable);
  }

  template <class Work>
  void start(Work work) {
    boost::asio::post(pool_, std::move(work));
  }

 private:
  boost::asio::thread_pool pool_;
};

}  // namespace hearth::serve
