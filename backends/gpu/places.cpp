// Which slots an op touches.
#include "backends/gpu/places.h"

namespace hearth::gpu {
namespace {

struct Touched {
  std::vector<Slot> operator()(const Embed& op) const { return {op.out}; }
  std::vector<Slot> operator()(const RmsNorm& op) const { return {op.in, op.out, op.add}; }
  std::vector<Slot> operator()(const LayerNorm& op) const { return {op.in, op.out}; }
  std::vector<Slot> operator()(const Linear& op) const { return {op.in, op.out, op.add, op.times}; }
  std::vector<Slot> operator()(const GateUp& op) const { return {op.in, op.out}; }
  std::vector<Slot> operator()(const EachHead& op) const { return {op.in, op.out}; }
  std::vector<Slot> operator()(const RopeKv& op) const { return {op.q, op.k, op.v}; }
  std::vector<Slot> operator()(const Attend& op) const { return {op.q, op.out}; }
  std::vector<Slot> operator()(const Convolve& op) const { return {op.in, op.out}; }
  std::vector<Slot> operator()(const DeltaRule& op) const { return {op.in, op.decay, op.beta, op.out}; }
  std::vector<Slot> operator()(const Gate& op) const { return {op.in, op.gate, op.out}; }
  std::vector<Slot> operator()(const Route& op) const { return {op.in, op.out}; }
  std::vector<Slot> operator()(const Experts& op) const { return {op.in, op.route, op.out, op.add}; }
  std::vector<Slot> operator()(const Select& op) const { return {op.in, op.out}; }
  std::vector<Slot> operator()(const Logits& op) const { return {op.in}; }
};

}  // namespace

std::vector<Slot> slots_of(const Op& op) {
  std::vector<Slot> result = std::visit(Touched{}, op);
  std::erase(result, kNoSlot);
  return result;
}

}  // namespace hearth::gpu
