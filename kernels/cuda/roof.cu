// Reading memory and nothing else, to measure how fast that goes.
#include "kernels/cuda/read.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {

constexpr uint32_t kReadThreads = 512, kReadsAtOnce = 4;

// out[block]: the sum of all words of 4 bytes that the block has read.
HEARTH_DEVICE void read_words(const gpu::ReadWordsParameters& p, const Constants&) {
  HEARTH_SHARED(uint32_t, 1, all);
  const auto from = global<const Word4>(p.from);
  const uint64_t stride = static_cast<uint64_t>(grid_size().x) * kReadThreads;
  uint32_t sum = 0;
  if (thread_index() == 0) all[0] = 0u;
  sync_block();
  for (uint64_t at = static_cast<uint64_t>(block_index().x) * kReadThreads + thread_index(); at < p.count;
       at += kReadsAtOnce * stride) {
    Word4 words[kReadsAtOnce] = {};
#pragma unroll
    for (uint32_t i = 0; i < kReadsAtOnce; ++i)
      if (at + i * stride < p.count) words[i] = load_stream(from + (at + i * stride));
#pragma unroll
    for (uint32_t i = 0; i < kReadsAtOnce; ++i) sum += words[i].x + words[i].y + words[i].z + words[i].w;
  }
  sum = warp_sum(sum);
  if (lane() == 0) atomic_add(all, sum);
  sync_block();
  const uint32_t result = all[0];
  if (thread_index() == 0) write(p.out, block_index().x, result);
}
HEARTH_KERNEL(read_words, kReadThreads, gpu::ReadWordsParameters, read_words)

}  // namespace hearth::cuda
