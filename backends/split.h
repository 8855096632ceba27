// A device made of several: each computes some of a program's layers, one after the other.
#pragma once

#include <memory>
#include <vector>

#include "backends/backend.h"

namespace hearth {

// The layers of a program (cut.h) that a device computes, which follow those of the part before. The first part also
// looks tokens up, the last one makes the logits; a part of no layers does that alone.
struct Part {
  std::shared_ptr<Device> device;
  uint32_t layers;
};

// Plans of this device give what those of a whole one do, also as bytes of pages and states, which may be exchanged.
// A step goes through the parts in their order; what passes between two of them is one slot. Its plans are used as
// those of the parts may be. Compiling throws DeviceError where a program has another number of layers than the parts
// together, and what the parts throw. There are two parts at least.
std::unique_ptr<Device> make_split_device(std::vector<Part> parts);

}  // namespace hearth
