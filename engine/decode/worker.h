// The thread that runs a scheduler.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/decode/scheduler.h"

namespace hearth {

// Runs steps while there are tasks, and sleeps otherwise. All functions may be called from any thread.
class Worker {
 public:
  explicit Worker(std::unique_ptr<Scheduler> scheduler);
  ~Worker();  // ends all tasks as cancelled; they have had their last call when it returns

  // False, with nothing done, where `most_waiting` tasks wait already.
  bool add(std::shared_ptr<Task> task, uint32_t most_waiting);
  SchedulerStatistics statistics() const;  // as of the last step

 private:
  void run();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Task>> arrived_;
  SchedulerStatistics statistics_;
  bool stop_ = false;
  std::unique_ptr<Scheduler> scheduler_;  // of the thread alone
  std::thread thread_;
};

}  // namespace hearth
