// The rewriting of ops to stages.
#include "backends/cpu/fuse.h"

#include <algorithm>

namespace hearth::cpu {
namespace {

struct Reads {
  Slot slot;
  bool operator()(const Embed&) const { return false; }
  bool operator()(const RmsNorm& op) const { return op.in == slot; }
  bool operator()(const Linear& op) const { return op.in == slot || op.add == slot; }
  bool operator()(const GateUp& op) const { return op.in == slot; }
  bool operator()(const RopeKv& op) const { return op.q == slot || op.k == slot || op.v == slot; }
  bool operator()(const Attend& op) const { return op.q == slot; }
  bool operator()(const Route& op) const { return op.in == slot; }
  bool operator()(const Experts& op) const { return op.in == slot || op.route == slot || op.add == slot; }
  bool operator()(const Select& op) const { return op.in == slot; }
  bool operator()(const Logits& op) const { return op.in == slot; }
};

struct Writes {
  Slot slot;
  bool operator()(const RopeKv& op) const { return op.q == slot || op.k == slot; }
  bool operator()(const Logits&) const { return false; }
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
    return part.out == next.out || part.out == next.add || part.add == next.out || part.out == part.add;
  });
}

// The stage of the matrices that start at ops[i]; i goes past them. Without parts where ops[i] is something else.
MatmulStage take_matrices(const std::vector<Op>& ops, size_t& i) {
  MatmulStage stage{.in = kNoSlot};
  if (i == ops.size()) return stage;
  if (const auto* both = std::get_if<GateUp>(&ops[i])) {
    stage.in = both->in;
    stage.overwrites_input = both->out == both->in;
    stage.parts.push_back({.out = both->out, .weight = both->gate, .up = both->up, .act = both->act});
    ++i;
    return stage;
  }
  for (; i < ops.size(); ++i) {
    const auto* linear = std::get_if<Linear>(&ops[i]);
    if (linear == nullptr || (!stage.parts.empty() && !joins(stage, *linear))) break;
    stage.in = linear->in;
    stage.overwrites_input = linear->out == linear->in;
    stage.parts.push_back({.out = linear->out, .weight = linear->weight, .bias = linear->bias, .add = linear->add});
  }
  return stage;
}

bool writes(const MatmulStage& stage, Slot slot) {
  return std::any_of(stage.parts.begin(), stage.parts.end(), [&](const auto& part) { return part.out == slot; });
}
bool adds(const MatmulStage& stage, Slot slot) {
  return std::any_of(stage.parts.begin(), stage.parts.end(), [&](const auto& part) { return part.add == slot; });
}

// Lets the stage read what the norm reads, if then nobody needs the norm's result. `next`: the op behind the stage.
bool take_norm(const std::vector<Op>& ops, size_t next, const RmsNorm& norm, MatmulStage& stage) {
  if (stage.parts.empty() || stage.in != norm.out || adds(stage, norm.out)) return false;
  if (!writes(stage, norm.out) && read_later(ops, next, norm.out)) return false;
  stage.in = norm.in;
  stage.gain = norm.gain;
  stage.eps = norm.eps;
  stage.overwrites_input = writes(stage, norm.in);
  return true;
}

}  // namespace

std::vector<Stage> fuse(const Program& program) {
  std::vector<Stage> stages;
  const std::vector<Op>& ops = program.ops;
  for (size_t i = 0; i < ops.size();) {
    if (const auto* norm = std::get_if<RmsNorm>(&ops[i])) {
      size_t next = i + 1;
      MatmulStage stage = take_matrices(ops, next);
      if (take_norm(ops, next, *norm, stage)) {
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
  return stages;
}

}  // namespace hearth::cpu
