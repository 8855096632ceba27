// Fibers that are used again and again, switching to one another directly.
#pragma once

#include <boost/context/fiber.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

// AddressSanitizer's, where the program is built with it: it must know which stack is in use, and which is no more.
extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom, size_t bytes);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom, size_t* bytes);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* at, size_t bytes);
}

namespace hearth::simt {

struct Thread;

struct Fiber {
  boost::context::fiber context;  // where it goes on, while it does not run
  Thread* start = nullptr;        // what it is to run when it is woken from idling
  // For AddressSanitizer:
  const void* stack = nullptr;
  size_t stack_bytes = 0;
  void* fake_stack = nullptr;
};

// Of one operating system's thread at a time. `work` is called in a fiber whenever it is switched to from idling, and
// must itself call idle() and switch away before it returns.
class Fibers {
 public:
  explicit Fibers(std::function<void()> work);
  ~Fibers();  // all fibers idle
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;

  Fiber& outside() { return outside_; }  // whoever called first
  Fiber& running() { return *running_; }
  // One that idles; it no longer does.
  Fiber& take();
  void idle(Fiber& fiber) { idle_.push_back(&fiber); }
  void switch_to(Fiber& next);

 private:
  void arrived(boost::context::fiber&& from, Fiber& here);
  boost::context::fiber run(boost::context::fiber&& from, Fiber& here);

  std::function<void()> work_;
  Fiber outside_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  Fiber* running_ = &outside_;
  Fiber* left_ = nullptr;  // which fiber the last switch left
  bool ending_ = false;
};

inline void Fibers::arrived(boost::context::fiber&& from, Fiber& here) {
  const void* bottom = nullptr;
  size_t bytes = 0;
  if (__sanitizer_finish_switch_fiber != nullptr) __sanitizer_finish_switch_fiber(here.fake_stack, &bottom, &bytes);
  left_->context = std::move(from);
  left_->stack = bottom;
  left_->stack_bytes = bytes;
  running_ = &here;
}

// Inline, as are its callers: after a switch the processor guesses each return wrongly.
[[gnu::always_inline]] inline void Fibers::switch_to(Fiber& next) {
  Fiber& here = *running_;
  left_ = &here;
  if (__sanitizer_start_switch_fiber != nullptr)
    __sanitizer_start_switch_fiber(&here.fake_stack, next.stack, next.stack_bytes);
  boost::context::fiber from = std::move(next.context).resume();
  arrived(std::move(from), here);
}

}  // namespace hearth::simt
