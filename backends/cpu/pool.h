// A pool of threads that run one function together and meet at barriers.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "backends/cpu/team_size.h"

namespace hearth::cpu {

// Threads wait by spinning for some tens of microseconds and then sleep, so that an idle pool costs nothing and a
// machine with more threads than cores still gets on.
class Pool {
 public:
  // Throws std::system_error where a thread cannot be started.
  explicit Pool(uint32_t threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  uint32_t threads() const noexcept { return threads_; }

  // Calls work(thread) for thread = 0 to threads() - 1 at the same time, 0 on the calling thread, and returns when all
  // have returned. `work` may not throw. Calls from several threads take turns.
  template <class F>
  void run(const F& work) {
    run(Team::all, call<F>, &work);
  }
  // The same with the first team() threads, which are fewer while other programs hold them up: for work that is
  // divided anew each time.
  template <class F>
  void run_step(const F& work) {
    run(Team::unhindered, call<F>, &work);
  }
  // work(0) alone: for what is done before the others would have woken. They are left asleep.
  template <class F>
  void run_alone(const F& work) {
    run(Team::one, call<F>, &work);
  }
  // Within work: how many threads take part.
  uint32_t team() const noexcept { return team_; }
  // Within work: waits until all threads have come here. What they wrote before is seen by all after.
  void barrier() noexcept;

 private:
  using Work = void (*)(const void* context, uint32_t thread);
  enum class Team : uint8_t { all, unhindered, one };
  template <class F>
  static void call(const void* context, uint32_t thread) {
    (*static_cast<const F*>(context))(thread);
  }
  // Where a thread waits for work.
  struct alignas(64) Seat {
    std::atomic<uint32_t> runs = 0;  // changes when there is work
  };
  void run(Team team, Work work, const void* context);
  void serve(uint32_t thread) noexcept;
  void stop() noexcept;
  // As barrier; this and the next give for how many nanoseconds the thread slept.
  uint64_t meet() noexcept;
  uint64_t wait_for_change(const std::atomic<uint32_t>& value, uint32_t old) const noexcept;

  const uint32_t threads_;
  const uint32_t spins_;
  std::mutex one_run_at_a_time_;
  TeamSize team_size_;
  uint32_t team_;  // changes only between runs
  Work work_ = nullptr;
  const void* context_ = nullptr;
  bool stopping_ = false;
  const std::unique_ptr<Seat[]> seats_;
  alignas(64) std::atomic<uint32_t> arrived_ = 0;  // at the barrier
  alignas(64) std::atomic<uint32_t> barriers_ = 0;
  alignas(64) std::atomic<uint64_t> slept_ = 0;  // nanoseconds of this run, of all threads, at its barriers
  std::vector<std::thread> workers_;
};

// The cores that this process may use, as far as the system tells: two threads of one core count once.
uint32_t available_cores();

}  // namespace hearth::cpu
