// Fibers that are used again and again, switching to one another directly.
#pragma once

#include <boost/context/fiber.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

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

}  // namespace hearth::simt
