// Steps whose launches are timed.
#include "backends/gpu/plan.h"
#include "backends/gpu/step_work.h"

namespace hearth::gpu {

StepProfile GpuPlan::profile(const Batch& batch) {
  const Shape shape = prepare(batch);
  std::vector<const Step*> steps;
  const std::unique_ptr<Work> work = record(shape, &steps);
  work->start();
  work->wait();
  const std::vector<Span> times = work->times();
  StepProfile result{.seconds = times.empty() ? 0 : times.back().end};
  // By Follows, as many as there are.
  const uint32_t followed[] = {1, rows_, static_cast<uint32_t>(batch.outputs.size()), wanted_.whole, wanted_.chosen};
  for (size_t i = 0; i < steps.size(); ++i) {
    OpProfile done = work_of(*steps[i], followed[static_cast<size_t>(steps[i]->follows)], batch);
    done.seconds = times[i].end - times[i].begin;
    result.add(done);
  }
  return result;
}

}  // namespace hearth::gpu
