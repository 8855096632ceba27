// Programs in pieces for several devices: where one may end and the next begin, and each piece as a program of its own.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "backends/program.h"

namespace hearth {

// A place before an op where one slot holds all that later ops read of a row.
struct Cut {
  size_t op;
  Slot slot;
};

// The cuts between the layers of a program: layer i lies between cuts i and i + 1. What comes before the first looks
// tokens up, what follows the last makes logits. A layer mixes rows once, by Attend or DeltaRule; those that share a
// cache or a state, or more than one slot, count as one layer. Empty where the program cannot be cut.
std::vector<Cut> layer_cuts(const Program& program);
size_t layers_of(std::span<const Cut> cuts);

// The program in pieces, one more than there are cuts, which rise. Each has the slots, weights, tables, layers of the
// cache and states that it uses, numbered anew in their order; a layer or state that nobody uses belongs to the piece
// of that before it. Each but the last ends by Send, each but the first begins with Receive. Throws DeviceError where
// the layers of one piece would not follow those of the piece before.
std::vector<Program> cut_program(const Program& program, std::span<const Cut> cuts);

}  // namespace hearth
