// The frame of the decoder: embedding, layers, head.
#include "engine/model/decoder.h"

#include <algorithm>
#include <cmath>

#include "engine/model/decoder_builder.h"
#include "engine/model/rope.h"
#include "formats/error.h"

namespace hearth {

DecoderBuilder::DecoderBuilder(const Gguf& file, const ModelConfig& config, Program& program)
    : file_(file), config_(config), kind_(*config.architecture), program_(program), tensors_(file, program) {
  const uint32_t heads = config.heads;
  stream_ = slot(config.width);
  normed_ = slot(config.width);
  q_ = slot(heads * config.head_size);
  if (!kind_.latent) {
    k_ = slot(config.kv_heads * config.head_size);
    v_ = slot(config.kv_heads * config.value_size);
  }
  mixed_ = slot(heads * config.value_size);
  if (kind_.norms == Norms::after || kind_.norms == Norms::around) part_ = slot(config.width);
  if (config.feed_forward != 0) hidden_ = slot(config.feed_forward);
  if (config.experts.count != 0) route_ = slot(2 * config.experts.used);
  if (config.experts.shared != 0) shared_ = slot(config.experts.shared);
  if (kind_.gated_shared_expert) shared_gate_ = slot(1);
}

Slot DecoderBuilder::slot(uint32_t width) {
  program_.slot_width.push_back(width);
  return static_cast<Slot>(program_.slot_width.size() - 1);
}

void DecoderBuilder::build(uint32_t context) {
  const GgufTensor* embedding = file_.find_tensor("token_embd.weight");
  const uint64_t vocabulary = embedding == nullptr ? 0 : embedding->dims[1];
  if (vocabulary > INT32_MAX) throw FileError(file_.name() + ": the vocabulary is larger than any model has");
  program_.vocabulary = static_cast<uint32_t>(vocabulary);
  for (const bool recurrent : config_.recurrent.layers) program_.layers += recurrent ? 0 : 1;
  program_.key_width = config_.kv_heads * config_.head_size;
  program_.value_width = config_.kv_heads * config_.value_size;
  make_rope_tables(context);
  const WeightId table = embed(vocabulary);
  for (layer_ = 0; layer_ < config_.layers; ++layer_) layer();
  head(table, vocabulary);
  for (uint32_t i = 0; i < config_.prediction_layers; ++i)
    tensors_.leave_out("blk." + std::to_string(config_.layers + i) + ".");
  tensors_.require_all_used();
}

WeightId DecoderBuilder::embed(uint64_t vocabulary) {
  const WeightId table = tensors_.matrix("token_embd.weight", config_.width, vocabulary);
  Embed op{stream_, table, config_.embedding_scale};
  if (!kind_.turns) {
    const GgufTensor* positions = file_.find_tensor("position_embd.weight");
    const uint64_t count = positions == nullptr ? config_.context_length : positions->dims[1];
    op.positions = tensors_.matrix("position_embd.weight", config_.width, count);
    program_.positions = static_cast<uint32_t>(std::min<uint64_t>(count, UINT32_MAX));
  }
  if (const GgufTensor* types = file_.find_tensor("token_types.weight");
      types != nullptr && kind_.norms == Norms::encoder)  // of which texts on their own have the first
    op.bias = tensors_.rows_of("token_types.weight", config_.width, types->dims[1], 0, 1);
  program_.ops.push_back(op);
  if (kind_.norms == Norms::encoder) norm(stream_, stream_, "token_embd_norm");
  return table;
}

void DecoderBuilder::make_rope_tables(uint32_t context) {
  const auto add = [&](const RopeConfig& config, std::span<const float> factors) {
    program_.rope_tables.push_back(make_rope_table(config, factors));
    return static_cast<RopeTableId>(program_.rope_tables.size() - 1);
  };
  const std::vector<float> factors = rope_factors(context);
  if (kind_.turns) turning_ = add(config_.rope, factors);
  window_turning_ = turning_;
  const bool windows = config_.window != 0;
  if (windows && (!kind_.scaled_windows || config_.window_rope.base != config_.rope.base))
    window_turning_ = add(config_.window_rope, kind_.scaled_windows ? factors : std::vector<float>());
  if (!kind_.turns || kind_.unturned_step != 0 || (windows && kind_.turns_in_windows_only)) still_ = add({}, {});
}

// The tensor of frequency divisors that applies, if any. Llama 3 files have one for all contexts; LongRoPE files have
// two, the long one for contexts past the original one.
std::vector<float> DecoderBuilder::rope_factors(uint32_t context) {
  const uint32_t pairs = config_.rope.dimensions / 2;
  std::vector<float> factors = tensors_.optional_values("rope_freqs.weight", pairs);
  const auto long_factors = tensors_.optional_values("rope_factors_long.weight", pairs);
  const auto short_factors = tensors_.optional_values("rope_factors_short.weight", pairs);
  if (long_factors.empty() != short_factors.empty())
    throw FileError(file_.name() + ": one of rope_factors_long.weight and rope_factors_short.weight is missing");
  if (!long_factors.empty()) factors = context > config_.rope.original_context ? long_factors : short_factors;
  for (const float factor : factors)
    if (!(factor > 0) || !std::isfinite(factor))
      throw FileError(file_.name() + ": a RoPE factor is not a positive number");
  return factors;
}

void DecoderBuilder::norm(Slot in, Slot out, const std::string& tensor, Slot add) {
  const WeightId gain = tensors_.matrix(tensor + ".weight", config_.width, 1);
  if (kind_.centered) {
    program_.ops.push_back(
        LayerNorm{in, out, gain, tensors_.optional_vector(tensor + ".bias", config_.width), config_.norm_epsilon});
  } else {
    program_.ops.push_back(RmsNorm{in, out, gain, config_.norm_epsilon, add});
  }
}

void DecoderBuilder::add_to_stream(Slot in, Slot out, const char* tensor, Slot add, Slot times) {
  const std::string base = name(tensor);
  program_.ops.push_back(Linear{in, out, tensors_.matrix(base + ".weight", program_.slot_width[in], config_.width),
                                tensors_.optional_vector(base + ".bias", config_.width), add, Activation::none,
                                config_.residual_scale, times});
}

void DecoderBuilder::layer() {
  const bool parallel = config_.parallel || (kind_.parallel_without_norm && !has("ffn_norm.weight"));
  if (parallel) {
    // The norm of the feed-forward part is made before attention changes the stream.
    const bool apart = has("attn_norm_2.weight"), both = kind_.parallel_norms;
    norm(stream_, normed_, name(apart ? "attn_norm_2" : "attn_norm"));
    Slot second = normed_;
    if (apart || both) {
      if (other_normed_ == kNoSlot) other_normed_ = slot(config_.width);
      second = other_normed_;
      norm(stream_, second, name(both ? "ffn_norm" : "attn_norm"));
    }
    attention(normed_, stream_, stream_);
    feed_forward(second, stream_, stream_);
    return;
  }
  if (kind_.norms == Norms::encoder) {
    attention(stream_, stream_, stream_);
    norm(stream_, stream_, name("attn_output_norm"));
    feed_forward(stream_, stream_, stream_);
    norm(stream_, stream_, name("layer_output_norm"));
    return;
  }
  const bool before = kind_.norms != Norms::after;
  const Slot in = before ? normed_ : stream_, out = part_ == kNoSlot ? stream_ : part_;
  const Slot add = part_ == kNoSlot ? stream_ : kNoSlot;
  if (before) norm(stream_, in, name("attn_norm"));
  attention(in, out, add);
  if (part_ != kNoSlot) norm(part_, stream_, name("post_attention_norm"), stream_);
  if (before) norm(stream_, in, name(kind_.feed_forward_norm));
  feed_forward(in, out, add);
  if (part_ != kNoSlot) norm(part_, stream_, name("post_ffw_norm"), stream_);
}

void DecoderBuilder::head(WeightId table, uint64_t vocabulary) {
  const Slot last = slot(config_.width);
  program_.ops.push_back(Select{stream_, last});
  if (kind_.norms == Norms::encoder) {
    program_.ops.push_back(Logits{last});
    return;
  }
  norm(last, last, "output_norm");
  const Slot logits = slot(program_.vocabulary);
  const bool tied = !tensors_.has("output.weight");
  program_.ops.push_back(
      Linear{last, logits, tied ? table : tensors_.matrix("output.weight", config_.width, vocabulary),
             tensors_.optional_vector("output.bias", vocabulary), kNoSlot, Activation::none, config_.logit_scale});
  program_.ops.push_back(Logits{logits, config_.final_softcap});
}

Program build_decoder(const Gguf& file, const ModelConfig& config, uint32_t context) {
  Program program;
  DecoderBuilder(file, config, program).build(context);
  return program;
}

Program without_head(const Program& decoder) {
  Program program = decoder;
  program.ops.pop_back();
  const auto* head = std::get_if<Linear>(&program.ops.back());
  if (head == nullptr) return decoder;  // an encoder has none
  const Slot in = head->in;
  program.slot_width[head->out] = 1;  // nothing writes it
  program.ops.back() = Logits{in};
  return program;
}

}  // namespace hearth
