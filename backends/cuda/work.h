// Work of a CUDA device, captured in a graph.
#pragma once

#include <memory>

#include "backends/cuda/machine.h"
#include "kernels/cuda/types.h"

namespace hearth::cuda {

// All that is recorded begins in order. Where its code can do it, a kernel behind another begins while that still runs,
// and waits in its own code: where a barrier lies between before it reads anything, else before it ends.
class CudaWork final : public gpu::Work {
 public:
  explicit CudaWork(CudaMachine& machine);
  ~CudaWork() override;

  void time_launches(size_t) override { timed_ = true; }
  void launch(const gpu::Launch& launch) override;
  void copy(const gpu::Buffer& from, uint64_t from_offset, const gpu::Buffer& to, uint64_t to_offset,
            uint64_t bytes) override;
  void zero(const gpu::Buffer& buffer) override;
  void barrier() override { beside_ = false; }
  void end() override;
  void start() override;
  void wait() override;
  std::vector<gpu::Span> times() const override;

 private:
  // Null where launches are not timed, and then not recorded.
  CUevent add_event();
  void record_event(CUevent event) const;
  void check(CUresult result, const char* what) const { cuda::check(machine_.driver(), result, what); }

  CudaMachine& machine_;
  CUevent done_ = nullptr;
  CUgraph graph_ = nullptr;
  CUgraphExec ready_ = nullptr;
  bool timed_ = false;
  std::vector<CUevent> events_;                  // before and after each launch, where they are timed
  std::vector<std::function<void()>> recorded_;  // until end()
  std::shared_ptr<Constants> last_kernel_;       // of the last of those, if it is a kernel that can let the next begin
  bool beside_ = false;                          // no barrier was recorded since
};

}  // namespace hearth::cuda
