// Before a step: copies places for states, in their order, and makes those anew whose sequences begin. A thread does
// all of that for one value of one state. [ceil(width / 256)]
#include <simt.h>

#include "kernels/vulkan/row_parameters.h"

namespace hearth::cuda {

HEARTH_DEVICE void states(const vulkan::StatesParameters& p, const Constants&) {
  using Word = vulkan::HeaderWord;
  const uint32_t index = block_index().x * threads() + thread_index();
  wait_for_kernel_before();
  if (index >= p.width) return;
  const Global<const uint32_t> batch = global<const uint32_t>(p.batch);
  const Global<float> value = global<float>(p.states) + index;
  const auto place = [&](uint32_t state) { return uint64_t{state} * p.width; };
  const Global<const uint32_t> copies = batch + batch[Word::copied_states];
  for (uint32_t i = 0; i < batch[Word::state_copies]; ++i)
    value[place(copies[2 * i + 1])] = value[place(copies[2 * i])];
  const Global<const uint32_t> begins = batch + batch[Word::row_begin];
  for (uint32_t s = 0; s < batch[Word::sequences]; ++s) {
    const uint32_t first = begins[s];
    if (first == begins[s + 1] || batch[batch[Word::positions] + first] != 0) continue;
    value[place(batch[batch[Word::states] + s])] = 0;
  }
}

HEARTH_KERNEL(states, 256, vulkan::StatesParameters, states)

}  // namespace hearth::cuda
