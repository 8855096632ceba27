// Making fibers and switching.
#include "tests/simt/interpreter/fibers.h"

#include <boost/context/protected_fixedsize_stack.hpp>
#include <memory>
#include <utility>

namespace hearth::simt {
namespace {

constexpr size_t kStackBytes = 256 << 10;  // of which only what is used takes memory
// Fibers lie a whole number of pages apart: their stacks begin at different lines, else they would share few sets of
// the caches.
constexpr size_t kColours = 16, kColourBytes = 4096 / kColours;

using ProtectedStacks = boost::context::protected_fixedsize_stack;
// Leaves no marks of the sanitizer behind, where a file may be mapped next.
struct Stacks : ProtectedStacks {
  explicit Stacks(size_t bytes) : ProtectedStacks(bytes) {}
  void deallocate(boost::context::stack_context& stack) {
    if (__asan_unpoison_memory_region != nullptr)
      __asan_unpoison_memory_region(static_cast<std::byte*>(stack.sp) - stack.size, stack.size);
    ProtectedStacks::deallocate(stack);
  }
};

}  // namespace

Fibers::Fibers(std::function<void()> work) : work_(std::move(work)) {}

Fibers::~Fibers() {
  ending_ = true;
  for (const auto& fiber : fibers_) switch_to(*fiber);
}

boost::context::fiber Fibers::run(boost::context::fiber&& from, Fiber& here) {
  arrived(std::move(from), here);
  while (!ending_) work_();
  left_ = &here;
  if (__sanitizer_start_switch_fiber != nullptr)
    __sanitizer_start_switch_fiber(nullptr, outside_.stack, outside_.stack_bytes);
  return std::move(outside_.context);
}

Fiber& Fibers::take() {
  if (!idle_.empty()) {
    Fiber& fiber = *idle_.back();
    idle_.pop_back();
    return fiber;
  }
  Fiber& made = *fibers_.emplace_back(std::make_unique<Fiber>());
  Stacks allocator(kStackBytes);
  const boost::context::stack_context stack = allocator.allocate();
  const size_t unused = fibers_.size() % kColours * kColourBytes;
  made.stack = static_cast<std::byte*>(stack.sp) - stack.size;
  made.stack_bytes = stack.size;
  made.context = boost::context::fiber(
      std::allocator_arg,
      boost::context::preallocated(static_cast<std::byte*>(stack.sp) - unused, stack.size - unused, stack), allocator,
      [this, &made](boost::context::fiber&& from) { return run(std::move(from), made); });
  return made;
}

}  // namespace hearth::simt
