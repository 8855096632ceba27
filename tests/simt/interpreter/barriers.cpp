// Barriers that not all threads of a block take part in, and the copies that end at them.
#include <algorithm>

#include "tests/simt/interpreter/block.h"

namespace hearth::simt {

void Block::sync_some(uint32_t barrier, uint32_t count) {
  if (barrier == 0 || barrier >= some_barriers_.size() || count == 0 || count % 32 != 0 || count > threads())
    throw found(Fault::bad_launch, "calls sync_some(" + std::to_string(barrier) + ", " + std::to_string(count) + ")");
  shared_.keep_known(threads());
  SomeBarrier& at = some_barriers_[barrier];
  if (at.waiting.empty()) {
    at.count = count;
    at.known.assign(threads(), 0);
  }
  if (at.count != count)
    throw found(Fault::divergent_barrier, "calls sync_some for " + std::to_string(count) + " threads while thread " +
                                              std::to_string(at.waiting[0]->index) + " waits there for " +
                                              std::to_string(at.count));
  shared_.release(current->index, at.known);
  at.waiting.push_back(current);
  if (at.waiting.size() < count) return pause(Together::sync_some);
  for (Thread* thread : at.waiting) {
    shared_.acquire(thread->index, at.known);
    if (thread != current) wake(*thread);
  }
  at.waiting.clear();
}

void Block::init_barrier(uint32_t array, int64_t offset, uint32_t arrivals) {
  touch(Touch::write, array, offset, 8, 8, current->index);
  shared_.keep_known(threads());
  const uint32_t at = shared_[array].begin + static_cast<uint32_t>(offset);
  std::erase_if(phase_barriers_, [&](const PhaseBarrier& barrier) { return barrier.offset == at; });
  PhaseBarrier& made = phase_barriers_.emplace_back();
  made.offset = at;
  made.arrivals = made.missing = arrivals;
  made.arriving.assign(threads(), 0);
  made.known = made.arriving;
}

PhaseBarrier& Block::barrier_at(uint32_t array, int64_t offset) {
  touch(Touch::read, array, offset, 8, 8, current->index);  // reports what comes before init_barrier
  const uint32_t at = shared_[array].begin + static_cast<uint32_t>(offset);
  const auto barrier = std::ranges::find(phase_barriers_, at, &PhaseBarrier::offset);
  if (barrier == phase_barriers_.end())
    throw found(Fault::uninitialised, "uses " + place_of(array, at) + ", which is no barrier yet");
  return *barrier;
}

// Copies end as late as can be: when the phase is waited for, or the next begins. False: the phase goes on.
bool Block::end_phase(PhaseBarrier& barrier) {
  int64_t copied = 0;
  for (const PhaseBarrier::Copy& copy : barrier.copies) copied += copy.bytes;
  if (barrier.missing != 0 || copied != barrier.bytes) return false;
  for (const PhaseBarrier::Copy& copy : barrier.copies) {
    shared_.end_copy(copy.to, reinterpret_cast<const std::byte*>(copy.from), copy.bytes, copy.bytes, copy.thread);
    shared_.release(copy.thread, barrier.arriving);
  }
  barrier.known = barrier.arriving;
  barrier.copies.clear();
  barrier.missing = barrier.arrivals;
  barrier.bytes = 0;
  ++barrier.phase;
  for (Thread* thread : barrier.waiting) wake(*thread);
  barrier.waiting.clear();
  return true;
}

void Block::arrive(uint32_t array, int64_t offset, uint32_t bytes) {
  PhaseBarrier& barrier = barrier_at(array, offset);
  if (barrier.missing == 0 && !end_phase(barrier))
    throw found(Fault::divergent_barrier, "arrives at " + place_of(array, barrier.offset) + " once more than " +
                                              std::to_string(barrier.arrivals) + " times in a phase");
  shared_.release(current->index, barrier.arriving);
  --barrier.missing;
  barrier.bytes += bytes;
  if (!barrier.waiting.empty()) end_phase(barrier);
}

void Block::wait_phase(uint32_t array, int64_t offset, uint32_t parity) {
  for (;;) {
    PhaseBarrier& barrier = barrier_at(array, offset);
    if (barrier.phase % 2 != parity % 2 || (end_phase(barrier) && barrier.phase % 2 != parity % 2))
      return shared_.acquire(current->index, barrier.known);
    barrier.waiting.push_back(current);
    pause(Together::wait_phase);
  }
}

void Block::copy_bulk(uint32_t array, int64_t offset, Address from, const Range* range, uint32_t bytes,
                      uint32_t barrier_array, int64_t barrier_offset) {
  if (bytes == 0 || bytes % 16 != 0)
    throw found(Fault::misaligned, "copies " + std::to_string(bytes) + " bytes at once");
  if (from % 16 != 0) misaligned(memory_.describe(from, bytes), 16);
  if (range == nullptr || from < range->begin || from + bytes > range->end) out_of_bounds("copies", from, bytes, range);
  PhaseBarrier& barrier = barrier_at(barrier_array, barrier_offset);
  touch(Touch::write, array, offset, bytes, 16, current->index);
  const uint32_t to = shared_[array].begin + static_cast<uint32_t>(offset);
  shared_.begin_copy(to, bytes);
  barrier.copies.push_back({to, bytes, current->index, from});
  if (!barrier.waiting.empty()) end_phase(barrier);
}

void Block::explain_copies() {
  if (cancelled_) return;
  for (const PhaseBarrier& barrier : phase_barriers_)
    if (!barrier.copies.empty()) {
      add(Fault::copy_not_waited_for,
          place() + " ends with bulk copies under way, begun by thread " + std::to_string(barrier.copies[0].thread));
      cancelled_ = true;
      return;
    }
}

}  // namespace hearth::simt
