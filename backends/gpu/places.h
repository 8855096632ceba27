// Where all that changes lies on the device: activations, the cache, states, scratch.
#pragma once

#include <array>
#include <vector>

#include "backends/backend.h"
#include "backends/gpu/machine.h"
#include "kernels/gpu/parameters.h"

namespace hearth::gpu {

// Memory that one op leaves to the next step of the same op.
enum class Scratch : uint8_t {
  whole,
  gate,
  up,
  hidden,
  made,
  products,
  scores,
  low,
  low_up,
  bias,
  bias_up,
  tiles,
  rounded,
  halves,
  parts
};
inline constexpr size_t kScratches = 15;

struct Places {
  Address batch = 0, result = 0;
  Address pairs = 0, candidates = 0;  // of rows of which candidates are wanted: those of their chunks, and the best
  std::vector<Address> slots;         // [rows or outputs x width]
  std::vector<Address> keys, values;  // of each layer; values are 0 where the keys are the values
  std::vector<Address> states;        // by StateId, [places x its width]
  std::array<Address, kScratches> scratch{};
};

// The slots that the op reads or writes.
std::vector<Slot> slots_of(const Op& op);

}  // namespace hearth::gpu
