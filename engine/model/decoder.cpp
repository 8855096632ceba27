// The decoder of Llama, Mistral, Qwen2, Phi-3 and mixtures of experts, told once.
#include "engine/model/decoder.h"

#include <cmath>

#include "engine/model/rope.h"
#include "engine/model/tensors.h"
#include "formats/error.h"

namespace hearth {
namespace {

class Decoder {
 public:
  Decoder(const Gguf& file, const ModelConfig& config, Program& program)
      : file_(file), config_(config), program_(program), tensors_(file, program) {
    stream_ = slot(config.width);
    normed_ = slot(config.width);
    q_ = slot(config.heads * config.head_size);
    k_ = slot(config.kv_heads * config.head_size);
    v_ = slot(config.kv_heads * config.head_size);
    mixed_ = slot(config.heads * config.head_size);
    if (config.experts != 0)
      route_ = slot(2 * config.experts_used);
    else
      hidden_ = slot(config.feed_forward);
  }

  void build(uint32_t context) {
    const GgufTensor* embedding = file_.find_tensor("token_embd.weight");
    const uint64_t vocabulary = embedding == nullptr ? 0 : embedding->dims[1];
    if (vocabulary > INT32_MAX) throw FileError(file_.name() + ": the vocabulary is larger than any model has");
    program_.vocabulary = static_cast<uint32_t>(vocabulary);
    program_.layers = static_cast<uint16_t>(config_.layers);
    program_.kv_width = config_.kv_heads * config_.head_size;
    program_.rope_tables.push_back(make_rope_table(config_, rope_factors(context)));

    const WeightId table = tensors_.matrix("token_embd.weight", config_.width, vocabulary);
    program_.ops.push_back(Embed{stream_, table});
    for (layer_ = 0; layer_ < config_.layers; ++layer_) {
      attention();
      if (config_.experts != 0)
        mixture();
      else
        feed_forward();
    }
    const Slot last = slot(config_.width), logits = slot(program_.vocabulary);
    program_.ops.push_back(Select{stream_, last});
    program_.ops.push_back(
        RmsNorm{last, last, tensors_.matrix("output_norm.weight", config_.width, 1), config_.norm_epsilon});
    const bool tied = !tensors_.has("output.weight");
    program_.ops.push_back(Linear{last, logits,
                                  tied ? table : tensors_.matrix("output.weight", config_.width, vocabulary),
                                  tensors_.optional_vector("output.bias", vocabulary)});
    program_.ops.push_back(Logits{logits});
    tensors_.require_all_used();
  }

 private:
  Slot slot(uint32_t width) {
    program_.slot_width.push_back(width);
    return static_cast<Slot>(program_.slot_width.size() - 1);
  }
  std::string name(const char* part) const { return "blk." + std::to_string(layer_) + "." + part; }

  // The tensor of frequency divisors that applies, if any. Llama 3 files have one for all contexts; LongRoPE files have
  // two, the long one for contexts past the original one.
  std::vector<float> rope_factors(uint32_t context) {
    const uint32_t pairs = config_.rope_dimensions / 2;
    std::vector<float> factors = tensors_.optional_values("rope_freqs.weight", pairs);
    const auto long_factors = tensors_.optional_values("rope_factors_long.weight", pairs);
    const auto short_factors = tensors_.optional_values("rope_factors_short.weight", pairs);
    if (long_factors.empty() != short_factors.empty())
      throw FileError(file_.name() + ": one of rope_factors_long.weight and rope_factors_short.weight is missing");
    if (!long_factors.empty()) factors = context > config_.original_context ? long_factors : short_factors;
    for (const float factor : factors)
      if (!(factor > 0) || !std::isfinite(factor))
        throw FileError(file_.name() + ": a RoPE factor is not a positive number");
    return factors;
  }

  void norm(const char* gain) {
    program_.ops.push_back(
        RmsNorm{stream_, normed_, tensors_.matrix(name(gain), config_.width, 1), config_.norm_epsilon});
  }
  void linear(Slot in, Slot out, WeightId weight, const char* bias, Slot add = kNoSlot) {
    program_.ops.push_back(
        Linear{in, out, weight, tensors_.optional_vector(name(bias), program_.slot_width[out]), add});
  }

  void attention() {
    norm("attn_norm.weight");
    const uint64_t q_width = program_.slot_width[q_], kv_width = program_.slot_width[k_], all = q_width + 2 * kv_width;
    const auto projection = [&](const char* part, uint64_t first, uint64_t rows) {
      if (!config_.architecture->fused_qkv) return tensors_.matrix(name(part), config_.width, rows);
      return tensors_.rows_of(name("attn_qkv.weight"), config_.width, all, first, rows);
    };
    linear(normed_, q_, projection("attn_q.weight", 0, q_width), "attn_q.bias");
    linear(normed_, k_, projection("attn_k.weight", q_width, kv_width), "attn_k.bias");
    linear(normed_, v_, projection("attn_v.weight", q_width + kv_width, kv_width), "attn_v.bias");
    const auto layer = static_cast<uint16_t>(layer_);
    program_.ops.push_back(RopeKv{q_, k_, v_, layer, 0, config_.architecture->rope, config_.head_size});
    const float scale = 1 / std::sqrt(static_cast<float>(config_.head_size));
    program_.ops.push_back(Attend{q_, mixed_, layer, config_.head_size, config_.kv_heads, scale});
    linear(mixed_, stream_, tensors_.matrix(name("attn_output.weight"), q_width, config_.width), "attn_output.bias",
           stream_);
  }

  void feed_forward() {
    norm("ffn_norm.weight");
    const uint64_t width = config_.width, hidden = config_.feed_forward;
    WeightId gate, up;
    if (config_.architecture->fused_gate_up) {
      gate = tensors_.rows_of(name("ffn_up.weight"), width, 2 * hidden, 0, hidden);
      up = tensors_.rows_of(name("ffn_up.weight"), width, 2 * hidden, hidden, hidden);
    } else {
      gate = tensors_.matrix(name("ffn_gate.weight"), width, hidden);
      up = tensors_.matrix(name("ffn_up.weight"), width, hidden);
    }
    program_.ops.push_back(GateUp{normed_, hidden_, gate, up, Activation::silu});
    linear(hidden_, stream_, tensors_.matrix(name("ffn_down.weight"), hidden, width), "ffn_down.bias", stream_);
  }

  void mixture() {
    norm("ffn_norm.weight");
    const auto count = static_cast<uint16_t>(config_.experts), used = static_cast<uint16_t>(config_.experts_used);
    const uint64_t width = config_.width, hidden = config_.feed_forward;
    program_.ops.push_back(Route{normed_, route_, tensors_.matrix(name("ffn_gate_inp.weight"), width, count), used});
    program_.ops.push_back(
        Experts{normed_, route_, stream_, stream_, tensors_.stack(name("ffn_gate_exps.weight"), width, hidden, count),
                tensors_.stack(name("ffn_up_exps.weight"), width, hidden, count),
                tensors_.stack(name("ffn_down_exps.weight"), hidden, width, count), count, used, Activation::silu});
  }

  const Gguf& file_;
  const ModelConfig& config_;
  Program& program_;
  TensorReader tensors_;
  Slot stream_, normed_, q_, k_, v_, mixed_, hidden_ = kNoSlot, route_ = kNoSlot;
  uint32_t layer_ = 0;
};

}  // namespace

Program build_decoder(const Gguf& file, const ModelConfig& config, uint32_t context) {
  Program program;
  Decoder(file, config, program).build(context);
  return program;
}

Program without_head(const Program& decoder) {
  Program program = decoder;
  program.ops.pop_back();
  const auto head = std::get<Linear>(program.ops.back());
  program.ops.back() = Logits{head.in};
  program.slot_width[head.out] = 1;  // nothing writes it
  return program;
}

}  // namespace hearth
