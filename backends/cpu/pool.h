// A pool of threads that run one function together and meet at barriers.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

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
    run([](const void* context, uint32_t thread) { (*static_cast<const F*>(context))(thread); }, &work);
  }
  // work(0) alone: for what is done before the others would have woken. They are left asleep.
  template <class F>
  void run_alone(const F& work) {
    const std::lock_guard lock(one_run_at_a_time_);
    team_ = 1;
    work(0);
    team_ = threads_;
  }
  // Within work: how many threads take part.
  uint32_t team() const noexcept { return team_; }
  // Within work: waits until all threads have come here. What they wrote before is seen by all after.
  void barrier() noexcept;

 private:
  using Work = void (*)(const void* context, uint32_t thread);
  void run(Work work, const void* context);
  void serve(uint32_t thread) noexcept;
  void stop() noexcept;
  void wait_for_change(const std::atomic<uint32_t>& value, uint32_t old) const noexcept;

  const uint32_t threads_;
  const uint32_t spins_;
  std::mutex one_run_at_a_time_;
  uint32_t team_;  // changes only between runs
  Work work_ = nullptr;
  const void* context_ = nullptr;
  bool stopping_ = false;
  alignas(64) std::atomic<uint32_t> runs_ = 0;     // changes when there is work
  alignas(64) std::atomic<uint32_t> arrived_ = 0;  // at the barrier
  alignas(64) std::atomic<uint32_t> barriers_ = 0;
  std::vector<std::thread> workers_;
};

// The cores that this process may use, as far as the system tells: two threads of one core count once.
uint32_t available_cores();

}  // namespace hearth::cpu
