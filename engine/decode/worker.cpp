// Handing tasks from other threads to the scheduler.
#include "engine/decode/worker.h"

#include <utility>

namespace hearth {

Worker::Worker(std::unique_ptr<Scheduler> scheduler)
    : statistics_(scheduler->statistics()), scheduler_(std::move(scheduler)), thread_([this] { run(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
  for (const auto& task : arrived_) task->on_end(nullptr);
}

bool Worker::add(std::shared_ptr<Task> task, uint32_t most_waiting) {
  {
    const std::lock_guard lock(mutex_);
    if (arrived_.size() + statistics_.waiting >= most_waiting) return false;
    arrived_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

SchedulerStatistics Worker::statistics() const {
  const std::lock_guard lock(mutex_);
  SchedulerStatistics now = statistics_;
  now.waiting += static_cast<uint32_t>(arrived_.size());
  return now;
}

void Worker::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      statistics_ = scheduler_->statistics();
      changed_.wait(lock, [&] { return stop_ || !arrived_.empty() || !scheduler_->idle(); });
      if (stop_) break;
      for (auto& task : arrived_) scheduler_->add(std::move(task));
      arrived_.clear();
      statistics_ = scheduler_->statistics();
    }
    scheduler_->step();
  }
  scheduler_.reset();
}

}  // namespace hearth
