// Events from the engine's thread, printed in this one.
#include "tools/run/print_answer.h"

#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace hearth {
namespace {

struct WaitingEvents {
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<Event> events;
};

class AnswerPrinter {
 public:
  void print(const Event& event) {
    if (!event.reasoning.empty()) {
      if (!std::exchange(thinking_, true)) thoughts() << (terminal_ ? "\x1b[2m" : "");
      thoughts() << event.reasoning << std::flush;
    }
    if (event.text.empty() && !event.result && !event.error) return;
    if (std::exchange(thinking_, false)) thoughts() << (terminal_ ? "\x1b[0m\n\n" : "\n") << std::flush;
    std::cout << event.text << std::flush;
  }

 private:
  std::ostream& thoughts() const { return terminal_ ? std::cout : std::cerr; }

  bool terminal_ = isatty(STDOUT_FILENO) != 0;
  bool thinking_ = false;
};

}  // namespace

Result print_answer(Engine& engine, const Request& request) {
  // Shared, for the engine may tell of the end when this function has thrown.
  const auto waiting = std::make_shared<WaitingEvents>();
  Running running = engine.start(request, [waiting](Event event) {
    const std::lock_guard lock(waiting->mutex);
    waiting->events.push_back(std::move(event));
    waiting->arrived.notify_one();
  });
  AnswerPrinter printer;
  while (true) {
    std::unique_lock lock(waiting->mutex);
    waiting->arrived.wait(lock, [&] { return !waiting->events.empty(); });
    Event event = std::move(waiting->events.front());
    waiting->events.pop_front();
    lock.unlock();
    printer.print(event);
    if (event.error) throw *event.error;
    if (event.result) return std::move(*event.result);
    if (!std::cout) running.cancel();
  }
}

}  // namespace hearth
