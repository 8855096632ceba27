// Spinning, parking, and the one barrier.
#include "backends/cpu/pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <string>

namespace hearth::cpu {
namespace {

using Clock = std::chrono::steady_clock;

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

uint32_t available_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return std::max(1u, std::thread::hardware_concurrency());
  std::set<std::string> cores;  // by the list of the threads that share them
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    std::string siblings;
    if (!(file >> siblings)) siblings = "alone " + std::to_string(cpu);
    cores.insert(siblings);
  }
  return std::max<uint32_t>(1, static_cast<uint32_t>(cores.size()));
}

Pool::Pool(uint32_t threads)
    : threads_(threads),
      spins_(threads <= std::thread::hardware_concurrency() ? 3000 : 10),
      team_size_(threads),
      team_(threads),
      seats_(std::make_unique<Seat[]>(threads)) {
  try {
    for (uint32_t thread = 1; thread < threads; ++thread) workers_.emplace_back([this, thread] { serve(thread); });
  } catch (...) {
    stop();
    throw;
  }
}

Pool::~Pool() { stop(); }

void Pool::stop() noexcept {
  stopping_ = true;
  for (uint32_t thread = 1; thread < threads_; ++thread) {
    seats_[thread].runs.fetch_add(1, std::memory_order_release);
    seats_[thread].runs.notify_one();
  }
  for (std::thread& worker : workers_) worker.join();
}

uint64_t Pool::wait_for_change(const std::atomic<uint32_t>& value, uint32_t old) const noexcept {
  for (uint32_t i = 0; i < spins_; ++i) {
    if (value.load(std::memory_order_acquire) != old) return 0;
    pause();
  }
  const auto start = Clock::now();
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
  return static_cast<uint64_t>(std::chrono::nanoseconds(Clock::now() - start).count());
}

void Pool::run(Team team, Work work, const void* context) {
  const std::lock_guard lock(one_run_at_a_time_);
  work_ = work;
  context_ = context;
  team_ = team == Team::all ? threads_ : team == Team::one ? 1 : team_size_.of_next();
  slept_.store(0, std::memory_order_relaxed);
  const auto start = Clock::now();
  for (uint32_t thread = 1; thread < team_; ++thread) {
    seats_[thread].runs.fetch_add(1, std::memory_order_release);
    seats_[thread].runs.notify_one();
  }
  work(context, 0);
  meet();
  if (team != Team::unhindered) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double slept = static_cast<double>(slept_.load(std::memory_order_relaxed)) / 1e9;
  team_size_.learn(seconds, slept / std::max(1u, team_ - 1));
}

void Pool::serve(uint32_t thread) noexcept {
  for (uint32_t seen = 0;; ++seen) {
    wait_for_change(seats_[thread].runs, seen);
    if (stopping_) return;
    work_(context_, thread);
    meet();
  }
}

void Pool::barrier() noexcept {
  if (const uint64_t slept = meet(); slept > 0) slept_.fetch_add(slept, std::memory_order_relaxed);
}

uint64_t Pool::meet() noexcept {
  const uint32_t team = team_;  // may change once all are here
  if (team == 1) return 0;
  const uint32_t old = barriers_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 != team) return wait_for_change(barriers_, old);
  arrived_.store(0, std::memory_order_relaxed);
  barriers_.fetch_add(1, std::memory_order_release);
  barriers_.notify_all();
  return 0;
}

}  // namespace hearth::cpu
