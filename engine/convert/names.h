// Names of tensors: from those of transformers to those of GGUF.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/convert/families.h"

namespace hearth {

// How a stored tensor lies in what GGUF has instead.
enum class Layout : uint8_t {
  plain,               // as one tensor, or as one of several that are stacked
  halves,              // rows of one tensor, then as many of another; of each expert where there are several
  transposed,          // each expert as [input x output]
  alternating,         // transposed, and columns of one tensor and of another take turns
  alternating_values,  // the same of a vector for each expert
  blocks,              // MXFP4: blocks, with their scales in a tensor of their own
  alternating_blocks,  // MXFP4, and rows of one tensor and of another take turns
  latent,              // for each head rows of attn_k_b, which GGUF has transposed, then rows of attn_v_b
  // Of linear attention, whose heads of values GGUF may have in another order.
  mixed_rows,     // rows of q and k, then of heads of values
  value_rows,     // rows of heads of values
  value_columns,  // columns of heads of values
  each_value,     // a row or a number for each head of values
  decays,         // the same; GGUF has -exp(x)
  groups,         // for each key head q, k, values and gates of the heads that share it: mixed rows, then gates
  left_out,
};

struct TensorName {
  std::string name;    // "blk.0.attn_q.weight"
  std::string second;  // of layouts with two tensors
  Layout layout = Layout::plain;
  std::optional<uint32_t> block;
  std::optional<uint32_t> part;  // which one of those that are stacked
};

// nullopt for a tensor that has no place in the architecture.
std::optional<TensorName> translate_name(const ModelFamily& family, std::string_view name);

}  // namespace hearth
