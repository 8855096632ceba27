// A program as GPUs run it: stages, of which each prepares what it multiplies once.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "backends/program.h"

namespace hearth::gpu {

// RmsNorm, or LayerNorm where it is centered.
struct Norm {
  Slot in, out;
  WeightId gain, bias = kNoWeight;
  float eps = 0;
  Slot add = kNoSlot;
  bool centered = false;
};

// Linears that may be made at once: of weights of one format, with nothing but a bias, each of another slot.
struct Joined {
  std::vector<Linear> ops;  // 2 to kMostJoined
};

// Ops that multiply one slot by matrices, in their order. None but the last writes it.
struct Products {
  using Part = std::variant<Linear, GateUp, Route, Experts, Joined>;
  Slot in;
  // What makes the slot directly before, if it is one of these: a norm of whole rows, or attention.
  std::optional<Norm> norm;
  std::optional<Attend> attend;
  // The slot is also read otherwise than by rounding it once: added by a part, multiplied behind experts, which round
  // what is theirs in between, or read by an op behind all parts.
  bool kept = true;
  std::vector<Part> parts;
};

using Stage = std::variant<Embed, Norm, Products, EachHead, RopeKv, Attend, Convolve, DeltaRule, Gate, Select, Logits,
                           Send, Receive>;

// Joins neighbouring ops that multiply one slot, and the norm or attention before them with those; and neighbours of
// these that may be made at once. The stages compute what the ops do, in their order.
std::vector<Stage> fuse(const Program& program);

}  // namespace hearth::gpu
