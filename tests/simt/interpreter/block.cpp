// Threads taking turns, and meeting at barriers and warp operations.
#include "tests/simt/interpreter/block.h"

#include <algorithm>
#include <utility>

namespace hearth::simt {

const char* name_of(Together what) {
  constexpr const char* kNames[] = {"nothing",
                                    "sync_block",
                                    "sync_some",
                                    "wait_phase",
                                    "sync_warp",
                                    "shuffle",
                                    "shuffle_xor",
                                    "shuffle_down",
                                    "shuffle_up",
                                    "warp_sum",
                                    "warp_max",
                                    "ballot",
                                    "any",
                                    "all",
                                    "ldmatrix_x1",
                                    "ldmatrix_x2",
                                    "ldmatrix_x4",
                                    "ldmatrix_x2_transposed",
                                    "ldmatrix_x4_transposed",
                                    "mma_m16n8k16_f16",
                                    "mma_m16n8k16_bf16",
                                    "mma_m16n8k32_s8",
                                    "mma_m16n8k32_u8s8",
                                    "its end"};
  return kNames[static_cast<size_t>(what)];
}

Block::Block(Memory& memory, std::vector<Report>& reports, uint32_t seed)
    : memory_(memory), reports_(reports), shuffled_(seed != 0), random_(seed), fibers_([this] { work(); }) {}

// These are inline for the sake of what Fibers::switch_to says.
[[gnu::always_inline]] inline Thread* Block::next_ready() {
  if (ready_count_ == 0) return nullptr;
  Thread*& first = ready_[first_ready_ % ready_.size()];
  if (shuffled_) std::swap(first, ready_[(first_ready_ + random_() % ready_count_) % ready_.size()]);
  ++first_ready_;
  --ready_count_;
  return first;
}

[[gnu::always_inline]] inline void Block::go_to(Thread& thread) {
  current = &thread;
  if (thread.fiber != nullptr) return fibers_.switch_to(*thread.fiber);
  Fiber& fiber = fibers_.take();
  fiber.start = &thread;
  fibers_.switch_to(fiber);
}

[[gnu::always_inline]] inline void Block::wait(Together what) {
  Thread& self = *current;
  self.waits_at = what;
  self.fiber = &fibers_.running();
  if (Thread* next = next_ready())
    go_to(*next);
  else
    fibers_.switch_to(fibers_.outside());
  self.fiber = nullptr;
  if (cancelled_) throw Cancelled{};
}

void Block::begin(const Launch& launch) {
  launch_ = &launch;
  told_.clear();
  const uint32_t count = launch.kernel->threads;
  threads_.resize(count);
  warps_.resize(count / 32);
}

bool Block::run(Index3 index) {
  index_ = index;
  const uint32_t count = threads();
  shared_.begin(launch_->dynamic_bytes);
  at_barrier_ = returned_ = 0;
  first_ready_ = ready_count_ = 0;
  cancelled_ = false;
  for (Warp& warp : warps_) warp.arrived = 0;
  phase_barriers_.clear();
  for (SomeBarrier& barrier : some_barriers_) barrier.waiting.clear();
  for (uint32_t i = 0; i < count; ++i) {
    Thread& thread = threads_[i];
    thread.index = i;
    thread.block = this;
    thread.fiber = nullptr;
    thread.waits_at = Together::nothing;
    thread.copies.clear();
    thread.group = 0;
    thread.has_waited = false;
    wake(thread);
  }
  while (Thread* thread = next_ready()) {
    go_to(*thread);
    if (ready_count_ == 0 && returned_ < count) explain_standstill();
  }
  current = nullptr;
  explain_copies();
  return !cancelled_;
}

// Runs threads that have not begun until one that has is next: threads that never wait need no switch.
void Block::work() {
  Fiber& here = fibers_.running();
  Thread* thread = here.start;
  while (thread != nullptr) {
    current = thread;
    run_thread(*thread);
    thread = next_ready();
    if (thread != nullptr && thread->fiber != nullptr) {
      fibers_.idle(here);
      current = thread;
      return fibers_.switch_to(*thread->fiber);
    }
  }
  fibers_.idle(here);
  fibers_.switch_to(fibers_.outside());
}

void Block::run_thread(Thread& thread) {
  bool ended = cancelled_;
  if (!ended) {
    try {
      launch_->kernel->body(launch_->parameters, launch_->constants);
      if (!thread.has_waited) too_early("returns");
      if (!thread.copies.empty()) throw found(Fault::copy_not_waited_for, "returns with asynchronous copies under way");
    } catch (const Found& what) {
      reports_.push_back(what.report);
      ended = true;
    } catch (const Cancelled&) {
    }
  }
  thread.waits_at = Together::returned;
  ++returned_;
  if (ended && !cancelled_) cancel();
}

void Block::cancel() {
  cancelled_ = true;
  ready_count_ = 0;
  for (Thread& thread : threads_)
    if (thread.waits_at != Together::returned) wake(thread);
}

void Block::pause(Together what) { wait(what); }

void Block::sync_block() {
  if (++at_barrier_ < threads()) return wait(Together::sync_block);
  at_barrier_ = 0;
  shared_.block_synced();
  for (Thread& thread : threads_)
    if (&thread != current) wake(thread);
}

void Block::sync_warp() {
  together(Together::sync_warp, 0, [](Block& block, LaneValues&) { block.shared_.warp_synced(current->index / 32); });
}

const LaneValues& Block::together(Together what, uint64_t value, void (*work)(Block&, LaneValues&)) {
  const uint32_t lane = current->index % 32, first = current->index - lane;
  Warp& warp = warps_[current->index / 32];
  if (warp.arrived == 0) {
    warp.what = what;
    warp.first = current->index;
  }
  if (warp.what != what)
    throw found(Fault::divergent_warp, std::string("calls ") + name_of(what) + " while thread " +
                                           std::to_string(warp.first) + " of its warp waits at " + name_of(warp.what));
  LaneValues& values = warp.values[warp.turn % 2];
  values[lane] = value;
  if (++warp.arrived < 32) {
    wait(what);
    return values;
  }
  warp.arrived = 0;
  ++warp.turn;
  if (work != nullptr) work(*this, values);
  for (uint32_t i = first; i < first + 32; ++i)
    if (i != first + lane) wake(threads_[i]);
  return values;
}

}  // namespace hearth::simt
