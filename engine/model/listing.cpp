// The text of each op.
#include "engine/model/listing.h"

namespace hearth {
namespace {

class Lister {
 public:
  explicit Lister(const Program& program) : program_(program) {}

  std::string operator()(const Embed& op) const { return slot(op.out) + " = embed " + weight(op.table); }
  std::string operator()(const RmsNorm& op) const {
    return slot(op.out) + " = rms_norm " + slot(op.in) + " * " + weight(op.gain);
  }
  std::string operator()(const Linear& op) const {
    std::string text = slot(op.out) + " = " + (op.add == kNoSlot ? "" : slot(op.add) + " + ") + weight(op.weight) + " " + slot(op.in);
    return op.bias == kNoWeight ? text : text + " + " + weight(op.bias);
  }
  std::string operator()(const GateUp& op) const {
    return slot(op.out) + " = silu(" + weight(op.gate) + " " + slot(op.in) + ") * " + weight(op.up) + " " + slot(op.in);
  }
  std::string operator()(const RopeKv& op) const {
    return "rope " + slot(op.q) + " " + slot(op.k) + (op.style == RopeStyle::adjacent ? " adjacent" : " halves") +
           "; cache[" + std::to_string(op.layer) + "] = " + slot(op.k) + " " + slot(op.v);
  }
  std::string operator()(const Attend& op) const {
    return slot(op.out) + " = attend " + slot(op.q) + " cache[" + std::to_string(op.layer) + "], " +
           std::to_string(op.kv_heads) + " kv heads of " + std::to_string(op.head_size);
  }
  std::string operator()(const Route& op) const {
    return slot(op.out) + " = route " + weight(op.router) + " " + slot(op.in) + ", " + std::to_string(op.used) + " experts";
  }
  std::string operator()(const Experts& op) const {
    return slot(op.out) + " = " + (op.add == kNoSlot ? "" : slot(op.add) + " + ") + "experts " + weight(op.gate) + " " +
           weight(op.up) + " " + weight(op.down) + " " + slot(op.in) + " by " + slot(op.route);
  }
  std::string operator()(const Select& op) const { return slot(op.out) + " = select " + slot(op.in); }
  std::string operator()(const Logits& op) const { return "logits " + slot(op.in); }

 private:
  std::string slot(Slot one) const {
    return "s" + std::to_string(one) + "[" + std::to_string(program_.slot_width[one]) + "]";
  }
  std::string weight(WeightId id) const {
    const Weight& one = program_.weights[id];
    return one.name + ":" + format_info(one.format).name;
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
