// The text of each op.
#include "engine/model/listing.h"

namespace hearth {
namespace {

class Lister {
 public:
  explicit Lister(const Program& program) : program_(program) {}

  std::string operator()(const Embed& op) const {
    return slot(op.out) + " = embed " + weight(op.table) + ranks(program_.embedding_changes) + factor(op.scale) +
           plus(op.positions) + plus(op.bias);
  }
  std::string operator()(const RmsNorm& op) const {
    return slot(op.out) + " = " + plus(op.add) + "rms_norm " + slot(op.in) + " * " + weight(op.gain);
  }
  std::string operator()(const LayerNorm& op) const {
    return slot(op.out) + " = layer_norm " + slot(op.in) + " * " + weight(op.gain) + plus(op.bias);
  }
  std::string operator()(const Linear& op) const {
    const std::string product = weight(op.weight) + " " + slot(op.in) + plus(op.bias);
    return slot(op.out) + " = " + plus(op.add) +
           (op.act == Activation::none ? product : activation(op.act) + "(" + product + ")") + factor(op.scale) +
           (op.times == kNoSlot ? "" : " * " + slot(op.times));
  }
  std::string operator()(const GateUp& op) const {
    return slot(op.out) + " = " + activation(op.act) + "(" + weight(op.gate) + " " + slot(op.in) + plus(op.gate_bias) +
           ") * " + weight(op.up) + " " + slot(op.in) + plus(op.up_bias);
  }
  std::string operator()(const EachHead& op) const {
    return slot(op.out) + " = each head " + (op.weight == kNoWeight ? "" : weight(op.weight) + " ") + slot(op.in);
  }
  std::string operator()(const RopeKv& op) const {
    const bool turns = !program_.rope_tables[op.table].frequency.empty();
    return (turns ? "rope " + slot(op.q) + " " + slot(op.k) +
                        (op.style == RopeStyle::adjacent ? " adjacent; " : " halves; ")
                  : "") +
           "cache[" + std::to_string(op.layer) + "] = " + slot(op.k) + (op.v == kNoSlot ? "" : " " + slot(op.v));
  }
  std::string operator()(const Attend& op) const {
    std::string text = slot(op.out) + " = attend " + slot(op.q) + " cache[" + std::to_string(op.layer) + "], " +
                       std::to_string(op.kv_heads) + " kv heads of " + std::to_string(op.head_size);
    if (op.window != 0) text += ", window " + std::to_string(op.window);
    if (op.sinks != kNoWeight) text += ", sinks " + weight(op.sinks);
    return op.causal ? text : text + ", both ways";
  }
  std::string operator()(const Convolve& op) const {
    return slot(op.out) + " = " + activation(op.act) + "(convolve " + slot(op.in) + " " + weight(op.kernel) + ", " +
           state(op.state) + ")";
  }
  std::string operator()(const DeltaRule& op) const {
    return slot(op.out) + " = delta rule " + slot(op.in) + " " + slot(op.decay) + " " + slot(op.beta) + ", " +
           state(op.state) + ", " + std::to_string(op.heads) + " heads of " + std::to_string(op.key_size) + " x " +
           std::to_string(op.value_size);
  }
  std::string operator()(const Gate& op) const {
    return slot(op.out) + " = " + slot(op.in) + " * " + activation(op.act) + "(" + slot(op.gate) + ")";
  }
  std::string operator()(const Route& op) const {
    return slot(op.out) + " = route " + weight(op.router) + " " + slot(op.in) + ", " + std::to_string(op.used) +
           " experts";
  }
  std::string operator()(const Experts& op) const {
    return slot(op.out) + " = " + plus(op.add) + "experts " + weight(op.gate) + " " + weight(op.up) + " " +
           weight(op.down) + " " + slot(op.in) + " by " + slot(op.route);
  }
  std::string operator()(const Select& op) const { return slot(op.out) + " = select " + slot(op.in); }
  std::string operator()(const Logits& op) const { return "logits " + slot(op.in); }
  std::string operator()(const Send& op) const { return "send " + slot(op.in); }
  std::string operator()(const Receive& op) const { return slot(op.out) + " = receive"; }

 private:
  std::string slot(Slot one) const {
    return "s" + std::to_string(one) + "[" + std::to_string(program_.slot_width[one]) + "]";
  }
  std::string state(StateId id) const {
    return "state[" + std::to_string(id) + "] of " + std::to_string(program_.state_width[id]);
  }
  std::string weight(WeightId id) const {
    const Weight& one = program_.weights[id];
    return one.name + ":" + format_info(one.format).name + ranks(program_.changes_of(id));
  }
  // What adapters add: "(+ rank 8, rank 16)".
  static std::string ranks(std::span<const Change> changes) {
    std::string text;
    for (const Change& change : changes)
      text += (text.empty() ? "(+ rank " : ", rank ") + std::to_string(change.up.width);
    return text.empty() ? "" : text + ")";
  }

  std::string plus(Slot add) const { return add == kNoSlot ? "" : slot(add) + " + "; }
  std::string plus(WeightId bias) const { return bias == kNoWeight ? "" : " + " + weight(bias); }
  static std::string factor(float scale) { return scale == 1 ? "" : " * " + std::to_string(scale); }
  static std::string activation(Activation act) {
    switch (act) {
      case Activation::silu:
        return "silu";
      case Activation::gelu:
        return "gelu";
      case Activation::sigmoid:
        return "sigmoid";
      case Activation::clamped:
        return "clamped";
      case Activation::none:
        break;
    }
    return "";
  }

  const Program& program_;
};

}  // namespace

std::vector<std::string> list_program(const Program& program) {
  std::vector<std::string> lines;
  for (const Op& op : program.ops) lines.push_back(std::visit(Lister(program), op));
  return lines;
}

}  // namespace hearth
