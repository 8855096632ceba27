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
using StateId = uint32_t;
inline constexpr Slot kNoSlot = 0xffff;
inline constexpr WeightId kNoWeight = 0xffffffff;

// Which elements of a head turn together: element 2i with 2i + 1, or i with i + half of the rotated size.
enum class RopeStyle : uint8_t { adjacent, halves };
// sigmoid(x) = 1 / (1 + exp(-x)); silu(x) = x sigmoid(x); gelu(x) = x sigmoid(2 c (x + 0.044715 x^3)), c = sqrt(2 /
// pi), which is its tanh form. clamped is gpt-oss's product of two: of g = min(gate, 7) and u = max(-7, min(up, 7)) it
// is g sigmoid(1.702 g) (u + 1); others are act(gate) * up.
enum class Activation : uint8_t { none, silu, gelu, sigmoid, clamped };

struct Embed {  // out = row `token` of table, times scale, + row `position` of positions + bias
  Slot out;
  WeightId table;
  float scale = 1;
  WeightId positions = kNoWeight, bias = kNoWeight;
};
// Each run of gain.width values of a row is normed by itself, and a rest shorter than a run stays as it is. The runs
// share the gain, or have one of its rows each.
struct RmsNorm {  // out = add + in / sqrt(mean(in^2) + eps) * gain
  Slot in, out;
  WeightId gain;
  float eps;
  Slot add = kNoSlot;
};
struct LayerNorm {  // out = (in - mean(in)) / sqrt(variance(in) + eps) * gain + bias; runs as in RmsNorm
  Slot in, out;
  WeightId gain, bias;
  float eps;
};
struct Linear {  // out = add + scale * times * act(W in + bias)
  Slot in, out;
  WeightId weight, bias = kNoWeight;
  Slot add = kNoSlot;
  Activation act = Activation::none;  // not clamped
  float scale = 1;
  Slot times = kNoSlot;  // of width 1
};
struct GateUp {  // out = act(G in + gate_bias) * (U in + up_bias)
  Slot in, out;
  WeightId gate, up;
  Activation act;
  WeightId gate_bias = kNoWeight, up_bias = kNoWeight;
};
// Heads apart, for weights that mix no heads: of each head h the values [out_first, out_first + out_count) of run h of
// out, runs being out_stride apart, are W_h times the in_count values of run h of in; without a weight they are those
// values. What else is in out stays.
struct EachHead {
  Slot in, out;
  WeightId weight;  // heads one below the other
  uint32_t heads;
  uint32_t in_first, in_stride, in_count;  // a stride of 0: all heads read the same
  uint32_t out_first, out_stride, out_count;
};
// Turns q and k by their positions, in place, and stores k and v in the layer's cache. q is also multiplied by
// 1 + temperature * log(1 + floor(position / temperature_span)), where there is a temperature.
struct RopeKv {
  Slot q, k, v;  // v: kNoSlot where the program keeps no values
  uint16_t layer;
  RopeTableId table;
  RopeStyle style;
  uint32_t head_size;
  uint32_t first = 0;  // of a head's elements that turn
  float temperature = 0;
  uint32_t temperature_span = 0;
};
// out = softmax(scores) V over the positions that a row sees: those up to its own, of which `window`, if any, is the
// number; all of its sequence in this batch where not causal. scores = scale * q K^T, then softcap * tanh(scores /
// softcap) where there is one. Heads of q share those of K. With sinks, each head of q has a score more, of no value.
struct Attend {
  Slot q, out;
  uint16_t layer;
  uint32_t head_size, kv_heads;
  float scale;
  float softcap = 0;
  uint32_t window = 0;
  WeightId sinks = kNoWeight;
  uint32_t value_size = 0;  // of a head of V and out; 0: head_size
  bool causal = true;
};
// Along the rows of a sequence, each channel c by itself: out = act(sum over j < taps of kernel[c][j] * in of the row
// taps - 1 - j before). Before the first row of a sequence lie zeros.
struct Convolve {
  Slot in, out;
  WeightId kernel;  // [channels x taps]
  StateId state;    // the last taps - 1 rows of in, the oldest first
  Activation act;   // not clamped
};
// The gated delta rule (Yang, Kautz, Hatamizadeh: "Gated Delta Networks", 2024) along the rows of a sequence. For each
// head, with a matrix S [key_size x value_size] that is zeros before the first row:
//   S = exp(rate * softplus(decay + decay_bias)) S;  S += k (sigmoid(beta) (v - S^T k))^T;  out = S^T q
// q and k are first divided by their length, or by eps where they are shorter; q also by the root of key_size.
struct DeltaRule {
  Slot in;           // [q of all key heads, k of all key heads, v of all heads]
  Slot decay, beta;  // one value for each head
  Slot out;
  WeightId rate, decay_bias;  // one value for each head
  StateId state;              // S of all heads, [heads x key_size x value_size]
  uint32_t key_heads, heads;
  uint32_t key_size, value_size;
  float eps;
  bool cyclic = false;  // head h shares key head h % key_heads; otherwise neighbours share one
};
struct Gate {  // out = in * act(gate)
  Slot in, gate, out;
  Activation act;  // silu or sigmoid
};
enum class Gating : uint8_t { softmax, sigmoid };
// out = ids and weights of the `used` experts that have the largest p + selection_bias; p = gating(W in + bias).
// Weights are p, divided by the sum of those chosen if they are normalised, times scale. With groups (of neighbours, as
// many each), only experts of the groups_used groups are chosen whose two best sum to most.
struct Route {
  Slot in, out;  // out: [2 * used], ids first
  WeightId router;
  uint16_t used;
  WeightId bias = kNoWeight, selection_bias = kNoWeight;
  Gating gating = Gating::softmax;
  bool normalised = true;
  float scale = 1;
  uint16_t groups = 1, groups_used = 1;
};
struct Experts {  // out = add + sum over route of weight * (down_e (act(gate_e in + bias) * (up_e in + bias)) + bias)
  Slot in, route, out, add;
  WeightId gate, up, down;  // experts one below the other
  uint16_t count, used;
  Activation act;
  WeightId gate_bias = kNoWeight, up_bias = kNoWeight, down_bias = kNoWeight;  // a row for each expert
};
struct Select {  // the rows whose logits are wanted; what follows works on those
  Slot in, out;
};
// The result of the step, softcap * tanh(in / softcap) where there is one: of a decoder the logits, one for each token
// of the vocabulary. Of rows whose batch says so, only the largest.
struct Logits {
  Slot in;
  float softcap = 0;
};

// The ends of a piece of a program that is split between devices (split.h).
struct Send {  // the last op, after no Select: the rows of in are a result of the step
  Slot in;
};
struct Receive {  // the first op: out = the rows that the batch brings
  Slot out;
};

using Op = std::variant<Embed, RmsNorm, LayerNorm, Linear, GateUp, EachHead, RopeKv, Attend, Convolve, DeltaRule, Gate,
                        Route, Experts, Select, Logits, Send, Receive>;

// A view of weights that the model file keeps; rows are contiguous in `bytes`.
struct Weight {
  std::string name;  // for errors and listings
  Format format;
  uint64_t width, rows;
  std::span<const std::byte> bytes;
  // What products with each of the matrices that lie one below the other are multiplied by, before biases; empty: 1.
  std::vector<float> scales = {};
  float scale_of(uint64_t row) const { return scales.empty() ? 1 : scales[row / (rows / scales.size())]; }
};

// What an adapter makes of a weight W: in sequences for which the batch scales the adapter by s, the ops that multiply
// by W (Linear, GateUp, Route and Experts) multiply by W + s * factor * up down instead. Where matrices lie one below
// the other in W, those of up and of down do too, each as wide as the rank.
struct Change {
  uint16_t adapter;  // of the program's
  Weight down, up;   // [matrices * rank x W.width], [W.rows x rank]; of floats
  float factor;
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
  uint16_t adapters = 0;
  std::vector<std::vector<Change>> changes;  // by WeightId; nothing changes the weights behind the last
  // Of Embed, whose rows become table[token] + s * factor * up down[token]; down is [vocabulary x rank] here.
  std::vector<Change> embedding_changes;
  std::span<const Change> changes_of(WeightId id) const {
    return id < changes.size() ? std::span<const Change>(changes[id]) : std::span<const Change>();
  }
  uint32_t vocabulary = 0;
  uint32_t positions = 0;                   // that the table of positions has; 0: any number
  uint16_t layers = 0;                      // that keep keys and values
  uint32_t key_width = 0, value_width = 0;  // of a token's k and v in each layer; no value_width: a head of V is the
                                            // beginning of that of K
  std::vector<uint32_t> state_width;        // values that a sequence keeps beside those, whatever its length
};

}  // namespace hearth
