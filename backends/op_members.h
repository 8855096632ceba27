// The members of ops by what they are, for what treats all ops alike: which slots an op reads and writes, and all its
// slots and weights; and the names of ops.
#pragma once

#include <concepts>
#include <iterator>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/program.h"

namespace hearth {

// As reports have it: "rms_norm".
inline std::string_view name_of(const Op& op) {
  constexpr std::string_view kNames[] = {"embed",   "rms_norm", "layer_norm", "linear",     "gate_up", "each_head",
                                         "rope_kv", "attend",   "convolve",   "delta_rule", "gate",    "route",
                                         "experts", "select",   "logits",     "send",       "receive"};
  static_assert(std::size(kNames) == std::variant_size_v<Op>);
  return kNames[op.index()];
}

template <class One>
std::vector<Slot> slots_read(const One& op) {
  std::vector<Slot> slots;
  if constexpr (requires { op.in; }) slots.push_back(op.in);
  if constexpr (requires { op.q; }) slots.push_back(op.q);
  if constexpr (requires { op.k; }) slots.push_back(op.k);
  if constexpr (requires { op.v; }) slots.push_back(op.v);
  if constexpr (requires { op.route; }) slots.push_back(op.route);
  if constexpr (requires { op.add; }) slots.push_back(op.add);
  if constexpr (requires { op.times; }) slots.push_back(op.times);
  if constexpr (requires { op.beta; }) slots.insert(slots.end(), {op.decay, op.beta});
  if constexpr (std::same_as<One, Gate>) slots.push_back(op.gate);
  std::erase(slots, kNoSlot);
  return slots;
}

// EachHead writes a part of its slot only.
template <class One>
std::vector<Slot> slots_written(const One& op) {
  std::vector<Slot> slots;
  if constexpr (requires { op.out; }) slots.push_back(op.out);
  if constexpr (requires { op.k; }) slots = {op.q, op.k};
  return slots;
}

inline std::vector<Slot> slots_read(const Op& op) {
  return std::visit([](const auto& one) { return slots_read(one); }, op);
}
inline std::vector<Slot> slots_written(const Op& op) {
  return std::visit([](const auto& one) { return slots_written(one); }, op);
}

// Calls f(Slot&) for each slot that the op has.
template <class One, class F>
void each_slot(One& op, F&& f) {
  const auto call = [&](Slot& slot) {
    if (slot != kNoSlot) f(slot);
  };
  if constexpr (requires { op.in; }) call(op.in);
  if constexpr (requires { op.out; }) call(op.out);
  if constexpr (requires { op.q; }) call(op.q);
  if constexpr (requires { op.k; }) call(op.k);
  if constexpr (requires { op.v; }) call(op.v);
  if constexpr (requires { op.route; }) call(op.route);
  if constexpr (requires { op.add; }) call(op.add);
  if constexpr (requires { op.times; }) call(op.times);
  if constexpr (requires { op.beta; }) call(op.decay), call(op.beta);
  if constexpr (std::same_as<One, Gate>) call(op.gate);
}

// Calls f(WeightId&) for each weight that the op has.
template <class One, class F>
void each_weight(One& op, F&& f) {
  const auto call = [&](WeightId& weight) {
    if (weight != kNoWeight) f(weight);
  };
  if constexpr (std::same_as<One, Embed>) call(op.table), call(op.positions);
  if constexpr (requires { op.gain; }) call(op.gain);
  if constexpr (requires { op.weight; }) call(op.weight);
  if constexpr (requires { op.up; }) call(op.gate), call(op.up);
  if constexpr (requires { op.down; }) call(op.down);
  if constexpr (requires { op.bias; }) call(op.bias);
  if constexpr (requires { op.up_bias; }) call(op.gate_bias), call(op.up_bias);
  if constexpr (requires { op.down_bias; }) call(op.down_bias);
  if constexpr (requires { op.sinks; }) call(op.sinks);
  if constexpr (requires { op.kernel; }) call(op.kernel);
  if constexpr (requires { op.rate; }) call(op.rate), call(op.decay_bias);
  if constexpr (requires { op.router; }) call(op.router), call(op.selection_bias);
}

}  // namespace hearth
