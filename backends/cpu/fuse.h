// A program as the CPU runs it: stages, each a few passes of all threads over the batch.
#pragma once

#include <variant>
#include <vector>

#include "backends/program.h"

namespace hearth::cpu {

// Several matrices times one input that is prepared once: out = add + W x + bias, or out = act(W x) * (U x), where x is
// the slot `in`, normed first if there is a gain.
struct MatmulStage {
  struct Part {
    Slot out;
    WeightId weight, up = kNoWeight, bias = kNoWeight;
    Slot add = kNoSlot;
    Activation act = Activation::silu;
  };
  Slot in;
  WeightId gain = kNoWeight;
  float eps = 0;
  bool overwrites_input = false;  // a part's out is `in`: all of x is needed before any out is written
  std::vector<Part> parts;
};

using Stage = std::variant<Embed, RmsNorm, MatmulStage, RopeKv, Attend, Route, Experts, Select, Logits>;

// Joins consecutive Linear ops that read one slot, and takes a norm into the matrices behind it where nothing else
// reads its result. The stages compute what the ops do, in their order. Slots that only a fused norm wrote stay
// unwritten.
std::vector<Stage> fuse(const Program& program);

}  // namespace hearth::cpu
