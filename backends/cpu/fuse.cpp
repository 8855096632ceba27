// The rewriting of ops to stages.
#include "backends/cpu/fuse.h"

#include <algorithm>

namespace hearth::cpu {
namespace {

struct Reads {
  Slot slot;
  bool operator()(const Embed&) const { return false; }
  bool operator()(const Receive&) const { return false; }
  bool operator()(const RmsNorm& op) const { return op.in == slot || op.add == slot; }
  bool operator()(const Linear& op) const { return op.in == slot || op.add == slot || op.times == slot; }
  bool operator()(const RopeKv& op) const { return op.q == slot || op.k == slot || op.v == slot; }
  bool operator()(const Attend& op) const { return op.q == slot; }
  bool operator()(const DeltaRule& op) const { return op.in == slot || op.decay == slot || op.beta == slot; }
  bool operator()(const Gate& op) const { return op.in == slot || op.gate == slot; }
  bool operator()(const Experts& op) const { return op.in == slot || op.route == slot || op.add == slot; }
  template <class T>
  bool operator()(const T& op) const {
    return op.in == slot;
  }
};

struct Writes {  // all of the slot
  Slot slot;
  bool operator()(const RopeKv& op) const { return op.q == slot || op.k == slot; }
  bool operator()(const Logits&) const { return false; }
  bool operator()(const Send&) const { return false; }
  bool operator()(const EachHead&) const { return false; }
  template <class T>
  bool operator()(const T& op) const {
    return op.out == slot;
  }
};

// Whether an op from `first` on reads the slot before another writes it.
bool read_later(const std::vector<Op>& ops, size_t first, Slot slot) {
  for (size_t i = first; i < ops.size(); ++i) {
    if (std::visit(Reads{slot}, ops[i])) return true;
    if (std::visit(Writes{slot}, ops[i])) return false;
  }
  return false;
}

// Whether `next` may run at the same time as the parts of the stage. One that adds to its own out stays alone: its
// result goes through scratch memory that a stage has once.
bool joins(const MatmulStage& stage, const Linear& next) {
  if (next.in != stage.in || next.out == stage.in || next.out == next.add || stage.overwrites_input) return false;
  return std::none_of(stage.parts.begin(), stage.parts.end(), [&](const MatmulStage::Part& part) {
    return part.out == next.out || part.out == next.add || part.out == next.times || part.add == next.out ||
           part.times == next.out || part.out == part.add;
  });
}

// The stage of the matrices that start at ops[i]; i goes past them. Without parts where ops[i] is something else.
MatmulStage take_matrices(const std::vector<Op>& ops, size_t& i) {
  MatmulStage stage{.in = kNoSlot};
  if (i == ops.size()) return stage;
  if (const auto* both = std::get_if<GateUp>(&ops[i])) {
    stage.in = both->in;
    stage.overwrites_input = both->out == both->in;
    stage.parts.push_back({.out = both->out,
                           .weight = both->gate,
                           .up = both->up,
                           .bias = both->gate_bias,
                           .up_bias = both->up_bias,
                           .act = both->act});
    ++i;
    return stage;
  }
  for (; i < ops.size(); ++i) {
    const auto* linear = std::get_if<Linear>(&ops[i]);
    if (linear == nullptr || (!stage.parts.empty() && !joins(stage, *linear))) break;
    stage.in = linear->in;
    stage.overwrites_input = linear->out == linear->in;
    stage.parts.push_back({.out = linear->out,
                           .weight = linear->weight,
                           .bias = linear->bias,
                           .add = linear->add,
                           .act = linear->act,
                           .scale = linear->scale,
                           .times = linear->times});
  }
  return stage;
}

bool writes(const MatmulStage& stage, Slot slot) {
  return std::any_of(stage.parts.begin(), stage.parts.end(), [&](const auto& part) { return part.out == slot; });
}
bool adds(const MatmulStage& stage, Slot slot) {
  return std::any_of(stage.parts.begin(), stage.parts.end(),
                     [&](const auto& part) { return part.add == slot || part.times == slot; });
}

struct FoundNorm {
  Slot in = kNoSlot, out = kNoSlot;
  Norm norm;
};

// The norm of whole rows that the op is, if it is one that a stage can take in.
FoundNorm norm_of(const Program& program, const Op& op) {
  const auto whole = [&](Slot slot, WeightId gain) {
    return program.weights[gain].width == program.slot_width[slot] && program.weights[gain].rows == 1;
  };
  if (const auto* rms = std::get_if<RmsNorm>(&op); rms != nullptr && rms->add == kNoSlot && whole(rms->in, rms->gain))
    return {rms->in, rms->out, {.gain = rms->gain, .eps = rms->eps}};
  if (const auto* layer = std::get_if<LayerNorm>(&op); layer != nullptr && whole(layer->in, layer->gain))
    return {layer->in, layer->out, {.gain = layer->gain, .bias = layer->bias, .eps = layer->eps, .centered = true}};
  return {};
}

// Lets the stage read what the norm reads, if then nobody needs the norm's result. `next`: the op behind the stage.
bool take_norm(const std::vector<Op>& ops, size_t next, const FoundNorm& norm, MatmulStage& stage) {
  if (norm.in == kNoSlot || stage.parts.empty() || stage.in != norm.out || adds(stage, norm.out)) return false;
  if (!writes(stage, norm.out) && read_later(ops, next, norm.out)) return false;
  stage.in = norm.in;
  stage.norm = norm.norm;
  stage.overwrites_input = writes(stage, norm.in);
  return true;
}

}  // namespace

bool keeps_to_rows(const Stage& stage) {
  return std::holds_alternative<Embed>(stage) || std::holds_alternative<RmsNorm>(stage) ||
         std::holds_alternative<LayerNorm>(stage) || std::holds_alternative<RopeKv>(stage) ||
         std::holds_alternative<Gate>(stage) || std::holds_alternative<Send>(stage) ||
         std::holds_alternative<Receive>(stage);
}

std::vector<Stage> fuse(const Program& program) {
  std::vector<Stage> stages;
  const std::vector<Op>& ops = program.ops;
  for (size_t i = 0; i < ops.size();) {
    if (const FoundNorm norm = norm_of(program, ops[i]); norm.in != kNoSlot) {
      size_t next = i + 1;
      MatmulStage stage = take_matrices(ops, next);
      if (take_norm(ops, next, norm, stage)) {
        stages.emplace_back(std::move(stage));
        i = next;
        continue;
      }
    }
    if (MatmulStage stage = take_matrices(ops, i); !stage.parts.empty()) {
      stages.emplace_back(std::move(stage));
      continue;
    }
    std::visit(
        [&](const auto& op) {
          if constexpr (std::is_constructible_v<Stage, decltype(op)>) stages.emplace_back(op);
        },
        ops[i]);
    ++i;
  }
  uint32_t following = 0;
  for (size_t i = stages.size(); i-- > 0;)
    if (auto* matrices = std::get_if<MatmulStage>(&stages[i])) {
      matrices->following = following;
      following = static_cast<uint32_t>(i);
    }
  return stages;
}

}  // namespace hearth::cpu
