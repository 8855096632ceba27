// The numbers that a model file states about its architecture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/architectures.h"
#include "formats/gguf.h"

namespace hearth {

enum class RopeScaling : uint8_t { none, linear, yarn };

// How hidden states of a sequence become one vector: none stated, their mean, the first or the last.
enum class PoolingRule : uint8_t { unstated, mean, first, last };

struct RopeConfig {
  uint32_t dimensions = 0;  // elements of each head that turn, even
  double base = 10000;
  RopeScaling scaling = RopeScaling::none;
  double factor = 1;                     // of linear and yarn
  double magnitude = 1;                  // factor on the turned values
  uint32_t original_context = 0;         // before it was scaled
  double beta_fast = 32, beta_slow = 1;  // of yarn: turns over the original context where its ramp ends
  double log_multiplier = 0;             // of yarn: where stated, it takes back the growth of the magnitude
};

struct ExpertConfig {
  uint32_t count = 0, used = 0;  // 0: not a mixture
  uint32_t feed_forward = 0;     // width of the hidden layer of one expert
  uint32_t shared = 0;           // of the expert that every token goes through; 0: there is none
  uint32_t dense_layers = 0;     // first layers that are no mixtures
  Gating gating = Gating::softmax;
  bool normalised = true;
  float scale = 1;
  uint32_t groups = 1, groups_used = 1;
};

// Multi-head latent attention: keys and values of all heads are made of one vector of `kv_rank` values, and one rotated
// key of rope.dimensions values that the heads share.
struct LatentConfig {
  uint32_t q_rank = 0;    // 0: q is not made of a smaller vector
  uint32_t kv_rank = 0;   // 0: not latent
  bool absorbed = false;  // the file has W_k and W_v apart, so that attention can run on the latent vectors
};

// Linear attention by the gated delta rule, with a short convolution of queries, keys and values before it.
struct RecurrentConfig {
  std::vector<bool> layers;  // which have it
  uint32_t taps = 0;         // rows that the convolution sees
  uint32_t key_heads = 0, heads = 0;
  uint32_t head_size = 0;  // of queries, keys and values
};

// All sizes are positive and consistent with each other once read.
struct ModelConfig {
  const Architecture* architecture;
  uint32_t context_length;  // tokens the model was trained for
  uint32_t width;           // of the residual stream
  uint32_t layers;
  uint32_t prediction_layers;  // behind them in the file, of which nothing is computed: they guess tokens further on
  uint32_t feed_forward;       // width of the hidden layer of what is no mixture
  uint32_t heads, kv_heads;
  uint32_t head_size, value_size;  // of a head of q and k, and of v
  float norm_epsilon;
  bool parallel;  // attention and feed-forward read the same stream

  float embedding_scale = 1, residual_scale = 1, logit_scale = 1;
  float attention_scale;
  float attention_softcap = 0, final_softcap = 0;  // 0: none
  float temperature = 0;                           // of q, growing with the logarithm of its position
  uint32_t temperature_span = 0;

  uint32_t window = 0;         // of the layers that have one
  std::vector<bool> windowed;  // by layer
  RopeConfig rope, window_rope;
  ExpertConfig experts;
  LatentConfig latent;
  RecurrentConfig recurrent;
  bool causal = true;
  PoolingRule pooling = PoolingRule::unstated;
};

// Throws FileError, naming key and value, for an architecture that Hearth does not run and for numbers that cannot be.
ModelConfig read_config(const Gguf& file);

}  // namespace hearth
