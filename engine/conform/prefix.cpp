// Cutting a program behind each op.
#include "engine/conform/prefix.h"

#include <algorithm>

#include "backends/op_members.h"

namespace hearth::conform {
namespace {

// The weight by which an op is known, or kNoWeight.
struct MainWeight {
  WeightId operator()(const Embed& op) const { return op.table; }
  WeightId operator()(const Linear& op) const { return op.weight; }
  WeightId operator()(const GateUp& op) const { return op.gate; }
  WeightId operator()(const EachHead& op) const { return op.weight; }
  WeightId operator()(const Route& op) const { return op.router; }
  WeightId operator()(const Experts& op) const { return op.gate; }
  template <class T>
  WeightId operator()(const T&) const {
    return kNoWeight;
  }
};

struct OutSlot {
  Slot operator()(const RopeKv& op) const { return op.q; }
  Slot operator()(const Logits&) const { return kNoSlot; }
  Slot operator()(const Send&) const { return kNoSlot; }
  template <class T>
  Slot operator()(const T& op) const {
    return op.out;
  }
};

// Whether the next op writes other heads of the same slot.
bool writes_more(const std::vector<Op>& ops, size_t i) {
  const auto* heads = std::get_if<EachHead>(&ops[i]);
  const auto* next = i + 1 < ops.size() ? std::get_if<EachHead>(&ops[i + 1]) : nullptr;
  return heads != nullptr && next != nullptr && heads->out == next->out;
}

}  // namespace

std::vector<Prefix> prefixes_of(const Program& program) {
  std::vector<Prefix> list;
  bool selected = false;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const Op& op = program.ops[i];
    const Slot out = std::visit(OutSlot{}, op);
    const bool selects = std::holds_alternative<Select>(op);
    selected = selected || selects;
    Prefix prefix{program, std::string(name_of(op)), FormatClass::none, Format::f32, "", std::nullopt};
    if (const auto* turn = std::get_if<RopeKv>(&op)) prefix.cached_layer = turn->layer;
    if (writes_more(program.ops, i)) continue;
    prefix.what = "op " + std::to_string(i + 1) + " of " + std::to_string(program.ops.size()) + ": " + prefix.op;
    if (const WeightId id = std::visit(MainWeight{}, op); id != kNoWeight) {
      const Weight& weight = program.weights[id];
      prefix.format = weight.format;
      prefix.format_class = class_of(weight.format);
      prefix.what += ", " + std::to_string(weight.rows) + "x" + std::to_string(weight.width) + " of " +
                     format_info(weight.format).name;
    }
    if (out != kNoSlot) {
      auto& ops = prefix.program.ops;
      ops.resize(i + 1);
      Slot result = out;
      if (!selected) {
        prefix.program.slot_width.push_back(program.slot_width[out]);
        result = static_cast<Slot>(prefix.program.slot_width.size() - 1);
        ops.push_back(Select{out, result});
      }
      ops.push_back(Logits{result});
    }
    list.push_back(std::move(prefix));
  }
  return list;
}

}  // namespace hearth::conform
