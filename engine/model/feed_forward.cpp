// The feed-forward part of a layer: gated or not, or a mixture of experts.
#include "engine/model/decoder_builder.h"

namespace hearth {

// out = act(gate in) * (up in)
void DecoderBuilder::gated(Slot in, Slot out, const char* gate, const char* up) {
  const uint64_t width = config_.width, hidden = program_.slot_width[out];
  const std::string gate_base = name(gate), up_base = name(up);
  GateUp op{in, out, kNoWeight, kNoWeight, kind_.activation};
  if (kind_.fused && !tensors_.has(gate_base + ".weight")) {
    op.gate = tensors_.rows_of(up_base + ".weight", width, 2 * hidden, 0, hidden);
    op.up = tensors_.rows_of(up_base + ".weight", width, 2 * hidden, hidden, hidden);
    op.gate_bias = tensors_.optional_part(up_base + ".bias", 2 * hidden, 0, hidden);
    op.up_bias = tensors_.optional_part(up_base + ".bias", 2 * hidden, hidden, hidden);
  } else {
    op.gate = tensors_.matrix(gate_base + ".weight", width, hidden);
    op.up = tensors_.matrix(up_base + ".weight", width, hidden);
    op.gate_bias = tensors_.optional_vector(gate_base + ".bias", hidden);
    op.up_bias = tensors_.optional_vector(up_base + ".bias", hidden);
  }
  program_.ops.push_back(op);
}

void DecoderBuilder::feed_forward(Slot in, Slot out, Slot add) {
  if (is_mixture()) {
    mixture(in, out, add);
    return;
  }
  if (kind_.gated) {
    gated(in, hidden_, "ffn_gate", "ffn_up");
  } else {
    const uint64_t hidden = config_.feed_forward;
    program_.ops.push_back(Linear{in, hidden_, tensors_.matrix(name("ffn_up.weight"), config_.width, hidden),
                                  tensors_.optional_vector(name("ffn_up.bias"), hidden), kNoSlot, kind_.activation});
  }
  add_to_stream(hidden_, out, "ffn_down", add);
}

void DecoderBuilder::mixture(Slot in, Slot out, Slot add) {
  const ExpertConfig& experts = config_.experts;
  const auto count = static_cast<uint16_t>(experts.count), used = static_cast<uint16_t>(experts.used);
  const uint64_t width = config_.width, hidden = experts.feed_forward;
  Route route{in, route_, tensors_.matrix(name("ffn_gate_inp.weight"), width, count), used};
  route.bias = tensors_.optional_vector(name("ffn_gate_inp.bias"), count);
  route.selection_bias = tensors_.optional_vector(name("exp_probs_b.bias"), count);
  route.gating = experts.gating;
  route.normalised = experts.normalised;
  route.scale = experts.scale * config_.residual_scale;
  route.groups = static_cast<uint16_t>(experts.groups);
  route.groups_used = static_cast<uint16_t>(experts.groups_used);
  program_.ops.push_back(route);
  if (experts.shared != 0) start_shared_expert(in);
  Experts op{in,
             route_,
             out,
             add,
             tensors_.stack(name("ffn_gate_exps.weight"), width, hidden, count),
             tensors_.stack(name("ffn_up_exps.weight"), width, hidden, count),
             tensors_.stack(name("ffn_down_exps.weight"), hidden, width, count),
             count,
             used,
             kind_.activation};
  op.gate_bias = tensors_.optional_rows(name("ffn_gate_exps.bias"), hidden, count);
  op.up_bias = tensors_.optional_rows(name("ffn_up_exps.bias"), hidden, count);
  op.down_bias = tensors_.optional_rows(name("ffn_down_exps.bias"), width, count);
  program_.ops.push_back(op);
  if (experts.shared != 0) finish_shared_expert(out);
}

void DecoderBuilder::start_shared_expert(Slot in) {
  gated(in, shared_, "ffn_gate_shexp", "ffn_up_shexp");
  if (!kind_.gated_shared_expert) return;
  program_.ops.push_back(Linear{in, shared_gate_, tensors_.matrix(name("ffn_gate_inp_shexp.weight"), config_.width, 1),
                                kNoWeight, kNoSlot, Activation::sigmoid});
}

void DecoderBuilder::finish_shared_expert(Slot out) {
  add_to_stream(shared_, out, "ffn_down_shexp", out, shared_gate_);
}

}  // namespace hearth
