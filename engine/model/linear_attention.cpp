// Linear attention: projections, a short convolution, the gated delta rule, and a gated norm of its heads.
#include "engine/model/decoder_builder.h"

namespace hearth {

StateId DecoderBuilder::state(uint64_t width) {
  program_.state_width.push_back(static_cast<uint32_t>(width));
  return static_cast<StateId>(program_.state_width.size() - 1);
}

// `count` values of each head of `in`, which begin at `first` and lie `stride` apart, packed from `out_first` on.
void DecoderBuilder::take_heads(Slot in, uint32_t first, uint32_t stride, uint32_t heads, uint32_t count, Slot out,
                                uint32_t out_first) {
  program_.ops.push_back(EachHead{in, out, kNoWeight, heads, first, stride, count, out_first, count, count});
}

// Two tensors, or, in older files, one in which each key head has its query, its key, and the values and gates of the
// heads that share it.
void DecoderBuilder::project_queries_keys_values_gates(Slot in) {
  const RecurrentConfig& recurrent = config_.recurrent;
  const uint32_t size = recurrent.head_size, keys = recurrent.key_heads * size, values = recurrent.heads * size;
  const uint64_t width = config_.width;
  if (!has("ssm_in.weight")) {
    program_.ops.push_back(
        Linear{in, convolved_, tensors_.matrix(name("attn_qkv.weight"), width, uint64_t{2} * keys + values)});
    program_.ops.push_back(Linear{in, gates_, tensors_.matrix(name("attn_gate.weight"), width, values)});
    return;
  }
  if (together_ == kNoSlot) together_ = slot(2 * keys + 2 * values);
  const uint32_t shared = recurrent.heads / recurrent.key_heads * size, stride = 2 * size + 2 * shared;
  program_.ops.push_back(
      Linear{in, together_, tensors_.matrix(name("ssm_in.weight"), width, program_.slot_width[together_])});
  take_heads(together_, 0, stride, recurrent.key_heads, size, convolved_, 0);
  take_heads(together_, size, stride, recurrent.key_heads, size, convolved_, keys);
  take_heads(together_, 2 * size, stride, recurrent.key_heads, shared, convolved_, 2 * keys);
  take_heads(together_, 2 * size + shared, stride, recurrent.key_heads, shared, gates_, 0);
}

// Two tensors, or one in which each key head has the betas, then the decays of the heads that share it.
void DecoderBuilder::project_decay_and_beta(Slot in) {
  const uint32_t heads = config_.recurrent.heads, key_heads = config_.recurrent.key_heads, shared = heads / key_heads;
  const uint64_t width = config_.width;
  if (has("ssm_beta.weight") || has("ssm_alpha.weight")) {
    program_.ops.push_back(Linear{in, beta_, tensors_.matrix(name("ssm_beta.weight"), width, heads)});
    program_.ops.push_back(Linear{in, decay_, tensors_.matrix(name("ssm_alpha.weight"), width, heads)});
    return;
  }
  if (decay_and_beta_ == kNoSlot) decay_and_beta_ = slot(2 * heads);
  program_.ops.push_back(
      Linear{in, decay_and_beta_, tensors_.matrix(name("ssm_ba.weight"), width, uint64_t{2} * heads)});
  take_heads(decay_and_beta_, 0, 2 * shared, key_heads, shared, beta_, 0);
  take_heads(decay_and_beta_, shared, 2 * shared, key_heads, shared, decay_, 0);
}

void DecoderBuilder::linear_attention(Slot in) {
  const RecurrentConfig& recurrent = config_.recurrent;
  const uint32_t heads = recurrent.heads, size = recurrent.head_size;
  const uint32_t channels = 2 * recurrent.key_heads * size + heads * size;
  if (convolved_ == kNoSlot) {
    convolved_ = slot(channels);
    gates_ = slot(heads * size);
    decay_ = slot(heads);
    beta_ = slot(heads);
    mixed_by_rule_ = slot(heads * size);
  }
  project_queries_keys_values_gates(in);
  project_decay_and_beta(in);
  program_.ops.push_back(Convolve{convolved_, convolved_,
                                  tensors_.matrix(name("ssm_conv1d.weight"), recurrent.taps, channels),
                                  state(uint64_t{recurrent.taps - 1} * channels), Activation::silu});
  DeltaRule rule{.in = convolved_,
                 .decay = decay_,
                 .beta = beta_,
                 .out = mixed_by_rule_,
                 .rate = tensors_.matrix(name("ssm_a"), heads, 1),
                 .decay_bias = tensors_.matrix(name("ssm_dt.bias"), heads, 1),
                 .state = state(uint64_t{heads} * size * size),
                 .key_heads = recurrent.key_heads,
                 .heads = heads,
                 .key_size = size,
                 .value_size = size,
                 .eps = config_.norm_epsilon,
                 .cyclic = kind_.cyclic_heads};
  program_.ops.push_back(rule);
  const WeightId gain = tensors_.matrix(name("ssm_norm.weight"), size, 1);
  program_.ops.push_back(RmsNorm{mixed_by_rule_, mixed_by_rule_, gain, config_.norm_epsilon});
  program_.ops.push_back(Gate{mixed_by_rule_, gates_, mixed_by_rule_, Activation::silu});
}

}  // namespace hearth
