// Which slots an op touches.
#include "backends/gpu/places.h"

#include "backends/op_members.h"

namespace hearth::gpu {

std::vector<Slot> slots_of(const Op& op) {
  std::vector<Slot> result = slots_read(op);
  for (const Slot slot : slots_written(op)) result.push_back(slot);
  return result;
}

}  // namespace hearth::gpu
