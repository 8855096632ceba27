// Handing tasks from other threads to the scheduler.
#include "engine/decode/worker.h"

#include <algorithm>
#include <utility>

namespace hearth {

Worker::Worker(std::vector<std::unique_ptr<Scheduler>> schedulers, Recover recover) : recover_(std::move(recover)) {
  for (auto& scheduler : schedulers) {
    const SchedulerStatistics statistics = scheduler->statistics();
    lanes_.push_back({.scheduler = std::move(scheduler), .arrived = {}, .statistics = statistics});
  }
  thread_ = std::thread([this] { run(); });
}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
  for (Lane& lane : lanes_) {
    lane.scheduler.reset();
    for (const auto& task : lane.arrived) task->on_end(nullptr);
  }
}

bool Worker::add(std::shared_ptr<Task> task, uint32_t most_waiting, size_t scheduler) {
  {
    const std::lock_guard lock(mutex_);
    Lane& lane = lanes_[scheduler];
    const SchedulerStatistics& now = lane.statistics;
    // Those that fit into free places begin with the next step, and do not wait.
    if (lane.arrived.size() + now.waiting + now.running >= uint64_t{most_waiting} + now.places) return false;
    lane.arrived.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

void Worker::call(std::function<void(Scheduler&)> action, size_t scheduler) {
  std::packaged_task<void(Scheduler&)> call([action = std::move(action)](Scheduler& one) {
    try {
      action(one);
    } catch (const DeviceLost&) {
      one.lose(std::current_exception());
      throw;
    }
  });
  std::future<void> done = call.get_future();
  {
    const std::lock_guard lock(mutex_);
    lanes_[scheduler].calls.push_back(std::move(call));
  }
  changed_.notify_one();
  done.get();
}

SchedulerStatistics Worker::statistics(size_t scheduler) const {
  const std::lock_guard lock(mutex_);
  SchedulerStatistics now = lanes_[scheduler].statistics;
  now.waiting += static_cast<uint32_t>(lanes_[scheduler].arrived.size());
  return now;
}

bool Worker::has_work() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) {
    return !lane.arrived.empty() || !lane.calls.empty() || !lane.scheduler->idle();
  });
}

// The device is that of all schedulers.
bool Worker::recover() {
  std::exception_ptr loss;
  for (const Lane& lane : lanes_)
    if (!loss) loss = lane.scheduler->loss();
  if (!loss) return true;
  std::vector<Scheduler*> schedulers;
  for (const Lane& lane : lanes_) schedulers.push_back(lane.scheduler.get());
  for (Scheduler* one : schedulers) one->lose(loss);
  {
    const std::lock_guard lock(mutex_);
    for (Lane& lane : lanes_) lane.statistics = lane.scheduler->statistics();
  }
  try {
    if (!recover_) std::rethrow_exception(loss);
    recover_(schedulers, loss);
    return true;
  } catch (...) {
    for (Scheduler* one : schedulers) one->give_up(std::current_exception());
    return false;
  }
}

void Worker::run() {
  std::vector<std::pair<Scheduler*, std::packaged_task<void(Scheduler&)>>> calls;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      for (Lane& lane : lanes_) lane.statistics = lane.scheduler->statistics();
      changed_.wait(lock, [&] { return stop_ || has_work(); });
      if (stop_) return;
      for (Lane& lane : lanes_) {
        for (auto& task : lane.arrived) lane.scheduler->add(std::move(task));
        lane.arrived.clear();
        for (auto& call : lane.calls) calls.emplace_back(lane.scheduler.get(), std::move(call));
        lane.calls.clear();
        lane.statistics = lane.scheduler->statistics();
      }
    }
    bool sound = recover();  // what could not be done before; once for what arrived
    for (auto& [scheduler, call] : calls) call(*scheduler);
    calls.clear();
    if (sound) sound = recover();
    for (Lane& lane : lanes_) {
      if (!lane.scheduler->loss() && !lane.scheduler->idle()) lane.scheduler->step();
      if (lane.scheduler->loss()) break;  // what waits in other lanes waits for another device
    }
    if (sound) recover();
  }
}

}  // namespace hearth
