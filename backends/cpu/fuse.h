// A program as the CPU runs it: stages, each a few passes of all threads over the batch.
#pragma once

#include <variant>
#include <vector>

#include "backends/program.h"

namespace hearth::cpu {

// A norm of whole rows. Without a gain: none.
struct Norm {
  WeightId gain = kNoWeight, bias = kNoWeight;
  float eps = 0;
  bool centered = false;  // LayerNorm
};

// Several matrices times one input that is prepared once: out = add + scale * times * act(W x + bias), or
// out = act(W x + bias) * (U x + up_bias), where x is the slot `in`, normed first if there is a norm.
struct MatmulStage {
  struct Part {
    Slot out;
    WeightId weight, up = kNoWeight, bias = kNoWeight, up_bias = kNoWeight;
    Slot add = kNoSlot;
    Activation act = Activation::none;
    float scale = 1;
    Slot times = kNoSlot;
  };
  Slot in;
  Norm norm;
  bool overwrites_input = false;  // a part's out is `in`: all of x is needed before any out is written
  std::vector<Part> parts;
  uint32_t following = 0;  // index of the MatmulStage that comes next; 0: there is none
};

using Stage = std::variant<Embed, RmsNorm, LayerNorm, MatmulStage, EachHead, RopeKv, Attend, Convolve, DeltaRule, Gate,
                           Route, Experts, Select, Logits, Send, Receive>;

// Whether threads keep to their rows in this stage, reading nothing of others, so that the next such stage may follow
// without waiting.
bool keeps_to_rows(const Stage& stage);

// Joins consecutive Linear ops that read one slot, and takes a norm into the matrices behind it where nothing else
// reads its result. The stages compute what the ops do, in their order. Slots that only a fused norm wrote stay
// unwritten.
std::vector<Stage> fuse(const Program& program);

}  // namespace hearth::cpu
