// The thread that runs schedulers.
#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "engine/decode/scheduler.h"

namespace hearth {

// Runs steps while there are tasks, of each scheduler in turn, and sleeps otherwise. All functions may be called from
// any thread.
class Worker {
 public:
  // Called in the thread when the schedulers have lost their device and the tasks that ran have ended with the error:
  // lets all go on with other plans. Where it throws, the tasks that wait end with that, and it is called again when
  // something comes.
  using Recover = std::function<void(std::span<Scheduler* const> schedulers, const std::exception_ptr& loss)>;

  // recover: where there is none, what is lost stays lost.
  explicit Worker(std::vector<std::unique_ptr<Scheduler>> schedulers, Recover recover = {});
  ~Worker();  // ends all tasks as cancelled; they have had their last call when it returns

  bool is_this_thread() const { return thread_.get_id() == std::this_thread::get_id(); }
  // False, with nothing done, where `most_waiting` tasks of that scheduler wait already.
  bool add(std::shared_ptr<Task> task, uint32_t most_waiting, size_t scheduler = 0);
  // Calls `action` in the thread, between two steps, and waits for it; what it throws reaches the caller. It holds up
  // all tasks, so it must be quick. From any other thread than this one.
  void call(std::function<void(Scheduler&)> action, size_t scheduler = 0);
  SchedulerStatistics statistics(size_t scheduler = 0) const;  // as of the last step

 private:
  void run();
  bool recover();  // where a scheduler has lost its device; false where that fails

  // A scheduler, which the thread alone uses, and what others see of it.
  struct Lane {
    std::unique_ptr<Scheduler> scheduler;
    std::vector<std::shared_ptr<Task>> arrived;
    std::vector<std::packaged_task<void(Scheduler&)>> calls = {};
    SchedulerStatistics statistics = {};
  };
  bool has_work() const;

  mutable std::mutex mutex_;  // of what has arrived, the calls, the statistics and stop_
  std::condition_variable changed_;
  std::vector<Lane> lanes_;
  const Recover recover_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace hearth
