// The architectures that run: one row of a table each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "backends/program.h"

namespace hearth {

// Where norms stand. before: of what attention and feed-forward read. after: of what they add. around: both. parallel:
// attention and feed-forward read the same norm of the same stream, or a norm each. encoder: of the sum with the
// stream, which it replaces.
enum class Norms : uint8_t { before, after, around, parallel, encoder };

// Norms of q and k: of each head with one gain for all (each_head), of all heads together (together), or of each head
// with a gain of its own, if the file has any (own_gains).
enum class HeadNorms : uint8_t { none, each_head, together, own_gains };

// How an architecture differs from the others.
struct Architecture {
  const char* name;  // as in general.architecture

  RopeStyle rope = RopeStyle::halves;
  bool turns = true;                   // positions by RoPE; otherwise a learned vector is added to the embedding
  uint16_t unturned_step = 0;          // every so many-th layer does without RoPE
  bool turns_in_windows_only = false;  // where there are windows, layers that see everything do without RoPE

  Norms norms = Norms::before;
  bool centered = false;  // LayerNorm with bias instead of RMSNorm
  HeadNorms head_norms = HeadNorms::none;
  const char* feed_forward_norm = "ffn_norm";
  bool parallel_norms = false;         // parallel parts have a norm each
  bool parallel_without_norm = false;  // a layer without a norm of its feed-forward part is a parallel one

  bool fused = false;  // usually one attn_qkv tensor, and ffn_up with the rows of gate, then of up
  bool gated = true;   // feed-forward: act(gate) * up; otherwise act(up)
  Activation activation = Activation::silu;

  // Sliding windows: 0: none, whatever the file says; 1: in all layers; n: in all layers but each n-th.
  uint16_t window_period = 0;
  uint32_t window = 0;         // where the file states none
  bool scaled_windows = true;  // windowed layers have the scaling of RoPE that the others have
  float window_rope_base = 0;  // where the file states none; 0: as the others
  bool sinks = false;
  float attention_softcap = 0, final_softcap = 0;  // where the file states none
  uint16_t wide_scale_layers =
      0;  // with so many layers, scores are scaled by the width of a head as part of the stream

  bool scaled_embedding = false;  // by the root of its width
  bool divides_logits = false;    // by logit_scale; otherwise they are multiplied by it

  bool normalised_experts = true;
  bool shared_feed_forward = false;  // a file without expert_feed_forward_length shares feed_forward_length out
  bool gated_shared_expert = false;  // its result is multiplied by a sigmoid

  bool latent = false;  // multi-head latent attention

  uint16_t attention_period = 0;  // n: layers but each n-th have linear attention, where the file says nothing else
  bool gated_attention = false;   // attn_q has a gate behind each head, whose sigmoid the result is multiplied by
  bool cyclic_heads = false;      // linear attention: head h shares key head h % their number
};

// Null for a name that is not in the table.
const Architecture* find_architecture(std::string_view name);

// The architectures that run, for messages: "llama, qwen2, ...".
std::string architecture_names();

}  // namespace hearth
