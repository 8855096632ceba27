// The decoder, told once, as a builder of its program; its parts are in decoder.cpp, attention.cpp,
// linear_attention.cpp and feed_forward.cpp.
#pragma once

#include <string>
#include <vector>

#include "backends/program.h"
#include "engine/model/config.h"
#include "engine/model/tensors.h"
#include "formats/gguf.h"

namespace hearth {

class DecoderBuilder {
 public:
  // Appends to the program, which views the file. Both outlive the builder.
  DecoderBuilder(const Gguf& file, const ModelConfig& config, Program& program);

  // See build_decoder.
  void build(uint32_t context);

 private:
  Slot slot(uint32_t width);
  std::string name(const char* part) const { return "blk." + std::to_string(layer_) + "." + part; }
  bool has(const char* part) const { return tensors_.has(name(part)); }

  // decoder.cpp
  WeightId embed(uint64_t vocabulary);
  void make_rope_tables(uint32_t context);
  std::vector<float> rope_factors(uint32_t context);
  void layer();
  void head(WeightId table, uint64_t vocabulary);
  // out = add + norm(in); `tensor` without its ending.
  void norm(Slot in, Slot out, const std::string& tensor, Slot add = kNoSlot);
  // out = add + residual_scale * (W in + bias), the last matrix of a part.
  void add_to_stream(Slot in, Slot out, const char* tensor, Slot add, Slot times = kNoSlot);

  // attention.cpp: out = add + attention(in)
  void attention(Slot in, Slot out, Slot add);
  // Rows [first, ...) of `all_rows`, where q, k and v are one tensor.
  void project(Slot in, Slot out, const char* part, uint64_t first, uint64_t all_rows);
  void norm_heads(Slot heads, const char* part);
  void plain_attention(Slot in);
  void latent_attention(Slot in);
  void latent_queries(Slot in);
  void rope_and_attend(Slot k, Slot v, Slot out, uint32_t head_size, uint32_t kv_heads, uint32_t value_size,
                       uint32_t first);

  // linear_attention.cpp: mixed_by_rule_ = the heads' results
  void linear_attention(Slot in);
  void project_queries_keys_values_gates(Slot in);
  void project_decay_and_beta(Slot in);
  void take_heads(Slot in, uint32_t first, uint32_t stride, uint32_t heads, uint32_t count, Slot out,
                  uint32_t out_first);
  StateId state(uint64_t width);

  // feed_forward.cpp: out = add + feed_forward(in)
  void feed_forward(Slot in, Slot out, Slot add);
  void gated(Slot in, Slot out, const char* gate, const char* up);
  void mixture(Slot in, Slot out, Slot add);
  // The expert of every token. It reads `in` before and adds to `out` after the others.
  void start_shared_expert(Slot in);
  void finish_shared_expert(Slot out);

  bool is_mixture() const { return config_.experts.count != 0 && layer_ >= config_.experts.dense_layers; }

  const Gguf& file_;
  const ModelConfig& config_;
  const Architecture& kind_;
  Program& program_;
  TensorReader tensors_;
  Slot stream_, normed_, other_normed_ = kNoSlot, part_ = kNoSlot;  // part_: what is normed before it joins the stream
  Slot q_, k_ = kNoSlot, v_ = kNoSlot, mixed_;
  Slot hidden_ = kNoSlot, route_ = kNoSlot, shared_ = kNoSlot, shared_gate_ = kNoSlot;
  Slot q_low_ = kNoSlot, latent_ = kNoSlot, low_ = kNoSlot, decoded_ = kNoSlot;  // of latent attention
  Slot heads_q_ = kNoSlot, heads_mixed_ = kNoSlot;
  Slot q_and_gate_ = kNoSlot, attention_gate_ = kNoSlot;                           // of gated attention
  Slot convolved_ = kNoSlot, gates_ = kNoSlot, decay_ = kNoSlot, beta_ = kNoSlot;  // of linear attention
  Slot together_ = kNoSlot, decay_and_beta_ = kNoSlot, mixed_by_rule_ = kNoSlot;
  RopeTableId still_ = 0, turning_ = 0, window_turning_ = 0;  // tables
  uint32_t layer_ = 0, cached_layers_ = 0;
};

}  // namespace hearth
