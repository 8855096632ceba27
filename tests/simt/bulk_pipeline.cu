// A kernel whose last warp brings stages of a row by bulk copies, while the others add them up.
#include <simt.h>

namespace hearth::cuda {

struct BulkPipelineParameters {
  Address in, out;  // in: [stages x 96] words; out: a word
  uint32_t stages;
  uint32_t fault;  // what is left out or wrong
};
enum BulkPipelineFault : uint32_t {
  none,
  no_wait_for_copies,
  no_wait_for_readers,
  no_sync_of_readers,
  no_sync_of_warp,
  too_many_bytes_expected,
  no_barrier_made,
  copy_left_behind,
  one_arrival_too_many,
};

HEARTH_DEVICE void bulk_pipeline(const BulkPipelineParameters& p, const Constants&) {
  constexpr uint32_t kReaders = 96, kDepth = 2;
  HEARTH_SHARED(uint32_t, kDepth * kReaders, staged);
  HEARTH_SHARED(PhaseBarrier, kDepth, full);
  HEARTH_SHARED(PhaseBarrier, kDepth, empty);
  HEARTH_SHARED(uint32_t, kReaders, sums);
  const uint32_t t = thread_index();
  if (t < kDepth && p.fault != no_barrier_made) {
    init_barrier(full + t, 1);
    init_barrier(empty + t, kReaders / kWarp);
  }
  sync_block();
  if (t >= kReaders) {
    const uint32_t bytes = 4 * kReaders;
    for (uint32_t stage = 0; stage < p.stages && lane() == 0; ++stage) {
      const uint32_t place = stage % kDepth, turn = stage / kDepth;
      if (p.fault != no_wait_for_readers) wait_phase(empty + place, turn % 2 ^ 1);
      arrive_expecting(full + place, p.fault == too_many_bytes_expected ? bytes + 16 : bytes);
      if (p.fault == one_arrival_too_many) arrive(full + place);
      copy_bulk(staged + place * kReaders, global<const uint32_t>(p.in) + stage * kReaders, bytes, full + place);
    }
    if (p.fault == copy_left_behind && lane() == 0) copy_bulk(sums + 0, global<const uint32_t>(p.in), 16, full + 0);
    return;
  }
  uint32_t sum = 0;
  for (uint32_t stage = 0; stage < p.stages; ++stage) {
    const uint32_t place = stage % kDepth, turn = stage / kDepth;
    if (p.fault != no_wait_for_copies) wait_phase(full + place, turn % 2);
    const uint32_t word = staged[place * kReaders + (t + 1) % kReaders];
    sum += word;
    if (p.fault != no_sync_of_warp) sync_warp();
    if (lane() == 0) arrive(empty + place);
  }
  sums[t] = sum;
  if (p.fault != no_sync_of_readers) sync_some(1, kReaders);
  if (t != 0) return;
  uint32_t all = 0;
  for (uint32_t i = 0; i < kReaders; ++i) {
    const uint32_t one = sums[i];
    all += one;
  }
  global<uint32_t>(p.out)[0] = all;
}

HEARTH_KERNEL(bulk_pipeline, 128, BulkPipelineParameters, bulk_pipeline)

}  // namespace hearth::cuda
