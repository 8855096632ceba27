// Attention: projections, norms and rotation of heads, and its latent form.
#include "engine/model/decoder_builder.h"

namespace hearth {

void DecoderBuilder::attention(Slot in, Slot out, Slot add) {
  if (config_.recurrent.layers[layer_]) {
    linear_attention(in);
    add_to_stream(mixed_by_rule_, out, "ssm_out", add);
    return;
  }
  if (kind_.latent) {
    latent_attention(in);
  } else {
    plain_attention(in);
  }
  add_to_stream(mixed_, out, "attn_output", add);
}

void DecoderBuilder::project(Slot in, Slot out, const char* part, uint64_t first, uint64_t all_rows) {
  const uint64_t width = config_.width, rows = program_.slot_width[out];
  const std::string own = name(part), all = name("attn_qkv");
  const bool apart = has("attn_q.weight") || has("attn_k.weight") || has("attn_v.weight");
  const bool fused = tensors_.has(all + ".weight") || (kind_.fused && !apart);
  const WeightId weight = fused ? tensors_.rows_of(all + ".weight", width, all_rows, first, rows)
                                : tensors_.matrix(own + ".weight", width, rows);
  const WeightId bias = fused ? tensors_.optional_part(all + ".bias", all_rows, first, rows)
                              : tensors_.optional_vector(own + ".bias", rows);
  program_.ops.push_back(Linear{in, out, weight, bias});
}

void DecoderBuilder::norm_heads(Slot heads, const char* part) {
  const std::string tensor = name(part) + ".weight";
  const uint32_t all = program_.slot_width[heads], size = config_.head_size;
  WeightId gain = kNoWeight;
  switch (kind_.head_norms) {
    case HeadNorms::none:
      return;
    case HeadNorms::each_head:
      gain = tensors_.matrix(tensor, size, 1);
      break;
    case HeadNorms::together:
      gain = tensors_.matrix(tensor, all, 1);
      break;
    case HeadNorms::own_gains:
      if (!tensors_.has(tensor)) return;
      gain = tensors_.matrix(tensor, size, all / size);
      break;
  }
  if (kind_.centered) {
    program_.ops.push_back(LayerNorm{heads, heads, gain, kNoWeight, config_.norm_epsilon});
  } else {
    program_.ops.push_back(RmsNorm{heads, heads, gain, config_.norm_epsilon});
  }
}

void DecoderBuilder::rope_and_attend(Slot k, Slot v, Slot out, uint32_t head_size, uint32_t kv_heads,
                                     uint32_t value_size, uint32_t first) {
  const auto layer = static_cast<uint16_t>(cached_layers_++);
  const bool windowed = config_.windowed[layer_];
  const bool still = !kind_.turns || (kind_.unturned_step != 0 && (layer_ + 1) % kind_.unturned_step == 0) ||
                     (kind_.turns_in_windows_only && config_.window != 0 && !windowed);
  const Slot q = heads_q_ == kNoSlot ? q_ : heads_q_;
  RopeKv rope{q, k, v, layer, windowed ? window_turning_ : turning_, kind_.rope, head_size};
  if (still) rope.table = still_;
  rope.first = first;
  rope.temperature = config_.temperature;
  rope.temperature_span = config_.temperature_span;
  program_.ops.push_back(rope);
  Attend attend{q, out, layer, head_size, kv_heads, config_.attention_scale};
  attend.softcap = config_.attention_softcap;
  attend.window = windowed ? config_.window : 0;
  if (kind_.sinks) attend.sinks = tensors_.matrix(name("attn_sinks.weight"), config_.heads, 1);
  attend.value_size = value_size;
  attend.causal = config_.causal;
  program_.ops.push_back(attend);
}

void DecoderBuilder::plain_attention(Slot in) {
  const uint32_t size = config_.head_size, gated_width = 2 * config_.heads * size;
  Slot q = q_;
  if (kind_.gated_attention) {
    if (q_and_gate_ == kNoSlot) {
      q_and_gate_ = slot(gated_width);
      attention_gate_ = slot(config_.heads * size);
    }
    q = q_and_gate_;
  }
  const uint64_t q_width = program_.slot_width[q], k_width = program_.slot_width[k_];
  const uint64_t all = q_width + k_width + program_.slot_width[v_];
  project(in, q, "attn_q", 0, all);
  project(in, k_, "attn_k", q_width, all);
  project(in, v_, "attn_v", q_width + k_width, all);
  if (kind_.gated_attention) {
    take_heads(q, 0, 2 * size, config_.heads, size, q_, 0);
    take_heads(q, size, 2 * size, config_.heads, size, attention_gate_, 0);
  }
  norm_heads(q_, "attn_q_norm");
  norm_heads(k_, "attn_k_norm");
  rope_and_attend(k_, v_, mixed_, size, config_.kv_heads, config_.value_size, 0);
  if (kind_.gated_attention) program_.ops.push_back(Gate{mixed_, attention_gate_, mixed_, Activation::sigmoid});
}

// q of all heads, each of them [what does not turn, what turns].
void DecoderBuilder::latent_queries(Slot in) {
  const uint32_t rank = config_.latent.q_rank, width = program_.slot_width[q_];
  if (rank == 0) {
    program_.ops.push_back(Linear{in, q_, tensors_.matrix(name("attn_q.weight"), config_.width, width)});
    return;
  }
  if (q_low_ == kNoSlot) q_low_ = slot(rank);
  program_.ops.push_back(Linear{in, q_low_, tensors_.matrix(name("attn_q_a.weight"), config_.width, rank)});
  program_.ops.push_back(
      RmsNorm{q_low_, q_low_, tensors_.matrix(name("attn_q_a_norm.weight"), rank, 1), config_.norm_epsilon});
  program_.ops.push_back(Linear{q_low_, q_, tensors_.matrix(name("attn_q_b.weight"), rank, width)});
}

// A latent vector [rank + turning] holds what the keys and values of all heads are made of, and the part of the keys
// that turns and that the heads share. In the absorbed form attention runs on these vectors: W_k is applied to q, and
// W_v to what the values, the beginnings of the keys, have been mixed to.
void DecoderBuilder::latent_attention(Slot in) {
  const uint32_t heads = config_.heads, rank = config_.latent.kv_rank, turning = config_.rope.dimensions;
  const uint32_t size = config_.head_size, plain = size - turning, value = config_.value_size, all = rank + turning;
  latent_queries(in);
  if (latent_ == kNoSlot) latent_ = slot(all);
  program_.ops.push_back(Linear{in, latent_, tensors_.matrix(name("attn_kv_a_mqa.weight"), config_.width, all)});
  program_.ops.push_back(
      RmsNorm{latent_, latent_, tensors_.matrix(name("attn_kv_a_norm.weight"), rank, 1), config_.norm_epsilon});
  if (config_.latent.absorbed) {
    if (heads_q_ == kNoSlot) {
      heads_q_ = slot(heads * all);
      heads_mixed_ = slot(heads * rank);
    }
    program_.key_width = all;
    program_.value_width = 0;
    tensors_.leave_out(name("attn_kv_b.weight"));  // the other form, which some files have too
    program_.ops.push_back(EachHead{q_, heads_q_, tensors_.stack(name("attn_k_b.weight"), plain, rank, heads), heads, 0,
                                    size, plain, 0, all, rank});
    program_.ops.push_back(EachHead{q_, heads_q_, kNoWeight, heads, plain, size, turning, rank, all, turning});
    rope_and_attend(latent_, kNoSlot, heads_mixed_, all, 1, rank, rank);
    program_.ops.push_back(EachHead{heads_mixed_, mixed_, tensors_.stack(name("attn_v_b.weight"), rank, value, heads),
                                    heads, 0, rank, rank, 0, value, value});
    return;
  }
  if (decoded_ == kNoSlot) {
    decoded_ = slot(heads * (plain + value));
    k_ = slot(heads * size);
    v_ = slot(heads * value);
    low_ = slot(rank);
  }
  program_.key_width = heads * size;
  program_.value_width = heads * value;
  const uint32_t both = plain + value;
  program_.ops.push_back(EachHead{latent_, low_, kNoWeight, 1, 0, 0, rank, 0, 0, rank});
  program_.ops.push_back(
      Linear{low_, decoded_, tensors_.matrix(name("attn_kv_b.weight"), rank, uint64_t{heads} * both)});
  program_.ops.push_back(EachHead{decoded_, k_, kNoWeight, heads, 0, both, plain, 0, size, plain});
  program_.ops.push_back(EachHead{latent_, k_, kNoWeight, heads, rank, 0, turning, plain, size, turning});
  program_.ops.push_back(EachHead{decoded_, v_, kNoWeight, heads, plain, both, value, 0, value, value});
  rope_and_attend(k_, v_, mixed_, size, heads, value, plain);
}

}  // namespace hearth
