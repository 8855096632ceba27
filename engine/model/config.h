// The numbers that a model file states about its architecture.
#pragma once

#include <cstdint>
#include <string>

#include "backends/program.h"
#include "formats/gguf.h"

namespace hearth {

enum class RopeScaling : uint8_t { none, linear, yarn };

// How an architecture differs from the others: one row of a table.
struct Architecture {
  const char* name;    // as in general.architecture
  RopeStyle rope;      // which elements turn together
  bool fused_qkv;      // one attn_qkv tensor: rows of q, then k, then v
  bool fused_gate_up;  // ffn_up holds the rows of gate, then of up
};

// All sizes are positive and consistent with each other once read.
struct ModelConfig {
  const Architecture* architecture;
  uint32_t context_length;  // tokens the model was trained for
  uint32_t width;           // of the residual stream
  uint32_t layers;
  uint32_t feed_forward;  // width of the hidden layer, of one expert in a mixture
  uint32_t heads, kv_heads;
  uint32_t head_size;
  uint32_t experts = 0, experts_used = 0;  // 0: not a mixture
  float norm_epsilon;

  uint32_t rope_dimensions;  // the first elements of each head that turn, even
  double rope_base;
  RopeScaling rope_scaling = RopeScaling::none;
  double rope_factor = 1;         // of linear and yarn
  double rope_magnitude = 1;      // factor on the turned values
  uint32_t original_context = 0;  // before it was scaled; 0: not stated
};

// Throws FileError, naming key and value, for an architecture that Hearth does not run and for numbers that cannot be.
ModelConfig read_config(const Gguf& file);

// The architectures that run, for messages: "llama, qwen2, phi3".
std::string architecture_names();

}  // namespace hearth
