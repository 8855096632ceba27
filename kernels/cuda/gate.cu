// out = act(gate) * in, or what clamped makes of two. All are [rows x width]; [ceil(width / 64), rows].
#include <simt.h>

#include "kernels/cuda/activation.h"
#include "kernels/vulkan/row_parameters.h"

namespace hearth::cuda {

HEARTH_DEVICE void gate(const vulkan::GateParameters& p, const Constants&) {
  wait_for_kernel_before();
  const uint32_t row = block_index().y, index = block_index().x * threads() + thread_index();
  if (row >= global<const uint32_t>(p.batch)[p.rows_at] || index >= p.width) return;
  const uint64_t at = uint64_t{row} * p.width + index;
  global<float>(p.out)[at] = gated(p.act, global<const float>(p.gate)[at], global<const float>(p.in)[at]);
}

HEARTH_KERNEL(gate, 64, vulkan::GateParameters, gate)

}  // namespace hearth::cuda
