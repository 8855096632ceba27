// A model as a short program: a flat list of ops over numbered activation slots.
//
// A slot is a matrix [rows x slot_width]: one row per token of the batch, after Select one per wanted output. Slots
// have no data type; that is the backend's choice. A weight is a matrix of `rows` rows of `width` values, so that
// Linear is out[rows] = W[rows x width] in[width]; vectors (gains, biases) are matrices of one row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "quant/format.h"

namespace hearth {

using Slot = uint16_t;
using WeightId = uint32_t;
using RopeTableId = uint16_t;
inline constexpr Slot kNoSlot = 0xffff;
inline constexpr WeightId kNoWeight = 0xffffffff;

// Which elements of a head turn together: element 2i with 2i + 1, or i with i + half of the rotated size.
enum class RopeStyle : uint8_t { adjacent, halves };
enum class Activation : uint8_t { silu };

struct Embed {  // out = row `token` of table, times scale
  Slot out;
  WeightId table;
  float scale = 1;
};
struct RmsNorm {  // out = in / sqrt(mean(in^2) + eps) * gain
  Slot in, out;
  WeightId gain;
  float eps;
};
struct Linear {  // out = add + W in + bias
  Slot in, out;
  WeightId weight, bias = kNoWeight;
  Slot add = kNoSlot;
};
struct GateUp {  // out = act(G in) * (U in)
  Slot in, out;
  WeightId gate, up;
  Activation act;
};
struct RopeKv {  // turns q and k by their positions, in place, and stores k and v in the layer's cache
  Slot q, k, v;
  uint16_t layer;
  RopeTableId table;
  RopeStyle style;
  uint32_t head_size;
};
struct Attend {  // out = softmax(scale * q K^T) V over the positions up to the row's own; heads of q share those of K
  Slot q, out;
  uint16_t layer;
  uint32_t head_size, kv_heads;
  float scale;
};
struct Route {   // out = ids and weights of the `used` experts of largest softmax(W in), weights divided by their sum
  Slot in, out;  // out: [2 * used], ids first
  WeightId router;
  uint16_t used;
};
struct Experts {  // out = add + sum over route of weight * down_e (act(gate_e in) * (up_e in))
  Slot in, route, out, add;
  WeightId gate, up, down;  // experts one below the other
  uint16_t count, used;
  Activation act;
};
struct Select {  // the rows whose logits are wanted; what follows works on those
  Slot in, out;
};
struct Logits {  // the result of the step: of a decoder the logits, one for each token of the vocabulary
  Slot in;
};

using Op = std::variant<Embed, RmsNorm, Linear, GateUp, RopeKv, Attend, Route, Experts, Select, Logits>;

// A view of weights that the model file keeps; rows are contiguous in `bytes`.
struct Weight {
  std::string name;  // for errors and listings
  Format format;
  uint64_t width, rows;
  std::span<const std::byte> bytes;
};

// Angle of pair i at position p: p * frequency[i]; the turned pair is multiplied by magnitude. All scalings of RoPE
// (linear, YaRN, Llama 3, LongRoPE) are choices of these numbers.
struct RopeTable {
  std::vector<double> frequency;  // one per pair; the rest of a head is left as it is
  double magnitude = 1;
};

struct Program {
  std::vector<uint32_t> slot_width;
  std::vector<Weight> weights;
  std::vector<RopeTable> rope_tables;
  std::vector<Op> ops;
  uint32_t vocabulary = 0;
  uint16_t layers = 0;
  uint32_t kv_width = 0;  // values of k (and of v) per token and layer
};

}  // namespace hearth
