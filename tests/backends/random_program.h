// Small random decoders with every op, and random batches for them.
#pragma once

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "tests/kernels/random_blocks.h"

namespace hearth {

struct Shape {
  uint32_t width = 64, heads = 4, kv_heads = 2, head_size = 16, hidden = 96, vocabulary = 100, layers = 2;
  uint32_t experts = 0, used = 0;  // 0: a plain feed-forward part
  uint32_t rope_pairs = 8;
  RopeStyle style = RopeStyle::halves;
  Format format = Format::f32;  // of the matrices
  Format other = Format::f32;   // of v and down, as mixed files have
  bool bias = false;            // on q, k, v, and of the feed-forward part
  bool fold_norms = true;       // false: the norms' results are also added up, so that they must exist

  bool centered = false;    // LayerNorm
  bool head_norms = false;  // q shares a gain, k has one for each head
  bool post_norms = false;  // of what joins the stream
  bool positions = false;   // a vector for each position, and one more
  float scale = 1;          // of what joins the stream, and of the logits
  Activation act = Activation::silu;
  bool gated = true;
  float softcap = 0;
  uint32_t window = 0;
  bool sinks = false, causal = true;
  uint32_t value_size = 0;  // 0: head_size
  uint32_t rope_first = 0;
  float temperature = 0;
  uint32_t latent = 0;  // width of what keys and values are made of, in the absorbed form
  bool shared = false;  // an expert for all, times a sigmoid
  bool choice_bias = false;
  Gating gating = Gating::softmax;
  bool normalised = true;
  uint16_t groups = 1, groups_used = 1;

  uint32_t delta_heads = 0;  // of the first layer, which then has a delta rule instead of attention
  uint32_t delta_key_heads = 1, delta_key_size = 8, delta_value_size = 8, taps = 4;
  bool cyclic = false;
  bool gated_attention = false;
  uint16_t adapters = 0;  // each of its own rank, changing most matrices
};

// A program and the bytes it views.
struct RandomProgram {
  Program program;
  std::deque<std::vector<std::byte>> storage;
};

class RandomProgramBuilder {
 public:
  RandomProgramBuilder(const Shape& shape, uint32_t seed) : shape_(shape), random_(seed) {
    const uint32_t value_size = shape.value_size == 0 ? shape.head_size : shape.value_size;
    x_ = slot(shape.width);
    normed_ = slot(shape.width);
    q_ = slot(shape.heads * shape.head_size);
    k_ = slot(shape.kv_heads * shape.head_size);
    v_ = slot(shape.kv_heads * value_size);
    mixed_ = slot(shape.heads * value_size);
    hidden_ = slot(shape.hidden);
    route_ = slot(shape.used > 0 ? 2 * shape.used : 1);
    wanted_ = slot(shape.width);
    logits_ = slot(shape.vocabulary);
    part_ = slot(shape.width);
    gate_ = slot(1);
    p_.vocabulary = shape.vocabulary;
    p_.layers = static_cast<uint16_t>(shape.layers);
    p_.key_width = width(k_);
    p_.value_width = width(v_);
    p_.positions = shape.positions ? 64 : 0;
    RopeTable table{.frequency = {}, .magnitude = 1.1};
    for (uint32_t i = 0; i < shape.rope_pairs; ++i)
      table.frequency.push_back(std::pow(1000.0, -1.0 * i / shape.rope_pairs));
    p_.rope_tables.push_back(table);
  }

  RandomProgram build() {
    Embed embed{x_, weight(shape_.format, shape_.vocabulary, shape_.width, 1), 1.5f};
    if (shape_.positions) {
      embed.positions = weight(Format::f16, p_.positions, shape_.width, 1);
      embed.bias = vector(shape_.width, 1);
    }
    p_.ops.push_back(embed);
    for (layer_ = 0; layer_ < shape_.layers; ++layer_) {
      norm(x_, normed_);
      if (shape_.delta_heads > 0 && layer_ == 0) {
        delta_rule();
        continue_after_mixing(delta_mixed_);
        continue;
      }
      if (shape_.latent == 0) {
        attention();
      } else {
        latent_attention();
      }
      if (shape_.gated_attention) {
        const Slot gate = slot(width(mixed_));
        project(shape_.format, gate);
        p_.ops.push_back(Gate{mixed_, gate, mixed_, Activation::sigmoid});
      }
      continue_after_mixing(mixed_);
    }
    p_.ops.push_back(Select{x_, wanted_});
    norm(wanted_, wanted_);
    Linear head{wanted_, logits_, matrix(shape_.format, shape_.vocabulary, shape_.width)};
    head.scale = shape_.scale;
    p_.ops.push_back(head);
    p_.ops.push_back(Logits{logits_, shape_.softcap});
    for (p_.adapters = 0; p_.adapters < shape_.adapters; ++p_.adapters) adapt();
    return std::move(result_);
  }

 private:
  WeightId weight(Format format, uint64_t rows, uint64_t width, float size) {
    // One byte in front: files give no alignment.
    std::vector<std::byte> bytes = random_blocks(format, rows * width, random_, size);
    bytes.insert(bytes.begin(), std::byte{0});
    result_.storage.push_back(std::move(bytes));
    p_.weights.push_back({"weight " + std::to_string(p_.weights.size()), format, width, rows,
                          std::span<const std::byte>(result_.storage.back()).subspan(1)});
    return static_cast<WeightId>(p_.weights.size() - 1);
  }
  WeightId matrix(Format format, uint64_t rows, uint64_t width) {
    return weight(format, rows, width, 1 / std::sqrt(static_cast<float>(width)));
  }
  WeightId vector(uint64_t width, float size) { return weight(Format::f32, 1, width, size); }
  WeightId bias(uint64_t width) { return shape_.bias ? vector(width, 0.1f) : kNoWeight; }
  // One more adapter.
  void adapt() {
    constexpr Format kFormats[] = {Format::f16, Format::f32, Format::bf16};
    const uint64_t rank = 3 + 5 * p_.adapters;
    p_.changes.resize(p_.weights.size());
    const size_t own = p_.weights.size();  // what follows is no weight of the program
    const auto take = [&](uint64_t rows, uint64_t width) {
      return p_.weights[matrix(kFormats[random_() % 3], rows, width)];
    };
    const auto change = [&](WeightId id, uint64_t matrices) {
      if (random_() % 4 == 0) return;  // adapters leave some weights as they are
      const Weight of = p_.weights[id];
      const Weight down = take(matrices * rank, of.width), up = take(of.rows, rank);
      p_.changes[id].push_back({p_.adapters, down, up, 1.5f});
    };
    for (const Op& op : p_.ops) {
      if (const auto* linear = std::get_if<Linear>(&op)) change(linear->weight, 1);
      if (const auto* both = std::get_if<GateUp>(&op)) {
        change(both->gate, 1);
        change(both->up, 1);
      }
      if (const auto* route = std::get_if<Route>(&op)) change(route->router, 1);
      if (const auto* experts = std::get_if<Experts>(&op))
        for (const WeightId id : {experts->gate, experts->up, experts->down}) change(id, experts->count);
    }
    const Weight down = take(shape_.vocabulary, rank), up = take(shape_.width, rank);
    p_.embedding_changes.push_back({p_.adapters, down, up, 0.7f});
    p_.weights.resize(own);
  }
  Slot slot(uint32_t width) {
    p_.slot_width.push_back(width);
    return static_cast<Slot>(p_.slot_width.size() - 1);
  }
  uint32_t width(Slot one) const { return p_.slot_width[one]; }

  void continue_after_mixing(Slot mixed) {
    join(mixed, shape_.format, shape_.fold_norms ? x_ : normed_);
    norm(x_, normed_);
    if (shape_.experts > 0) {
      mixture();
      return;
    }
    if (shape_.gated) {
      gate_up(hidden_);
    } else {
      p_.ops.push_back(Linear{normed_, hidden_, matrix(shape_.format, shape_.hidden, shape_.width), bias(shape_.hidden),
                              kNoSlot, shape_.act});
    }
    join(hidden_, shape_.other, x_);
  }
  void norm(Slot in, Slot out) {
    const WeightId gain = vector(shape_.width, 1);
    if (shape_.centered) {
      p_.ops.push_back(LayerNorm{in, out, gain, layer_ == 0 ? kNoWeight : vector(shape_.width, 0.1f), 1e-5f});
    } else {
      p_.ops.push_back(RmsNorm{in, out, gain, 1e-5f});
    }
  }
  // What joins the stream, which has been `add`.
  void join(Slot in, Format format, Slot add) {
    const WeightId one = matrix(format, shape_.width, width(in));
    Linear op{in, x_, one, kNoWeight, add};
    op.scale = shape_.scale;
    if (shape_.post_norms) {
      op.out = part_;
      op.add = kNoSlot;
    }
    p_.ops.push_back(op);
    if (shape_.post_norms) p_.ops.push_back(RmsNorm{part_, x_, vector(shape_.width, 1), 1e-5f, add});
  }
  void project(Format format, Slot out) {
    p_.ops.push_back(Linear{normed_, out, matrix(format, width(out), shape_.width), bias(width(out))});
  }
  void norm_heads() {
    const uint32_t size = shape_.head_size;
    const WeightId shared = vector(size, 1), own = weight(Format::f32, shape_.kv_heads, size, 1);
    if (shape_.centered) {
      p_.ops.push_back(LayerNorm{q_, q_, shared, kNoWeight, 1e-5f});
      p_.ops.push_back(LayerNorm{k_, k_, own, kNoWeight, 1e-5f});
    } else {
      p_.ops.push_back(RmsNorm{q_, q_, shared, 1e-5f});
      p_.ops.push_back(RmsNorm{k_, k_, own, 1e-5f});
    }
  }
  void rope_and_attend(RopeKv rope, Attend attend) {
    rope.first = shape_.latent == 0 ? shape_.rope_first : shape_.latent;
    rope.temperature = shape_.temperature;
    rope.temperature_span = 8;
    p_.ops.push_back(rope);
    attend.softcap = shape_.softcap;
    attend.window = shape_.window;
    attend.causal = shape_.causal;
    if (shape_.sinks) attend.sinks = vector(shape_.heads, 2);
    p_.ops.push_back(attend);
  }
  void attention() {
    project(shape_.format, q_);
    project(shape_.format, k_);
    project(shape_.other, v_);
    if (shape_.head_norms) norm_heads();
    Attend attend{
        q_, mixed_, layer_, shape_.head_size, shape_.kv_heads, 1 / std::sqrt(static_cast<float>(shape_.head_size))};
    attend.value_size = shape_.value_size;
    rope_and_attend({q_, k_, v_, layer_, 0, shape_.style, shape_.head_size}, attend);
  }
  // Rates that let states fade, as those of models do.
  WeightId negative_vector(uint64_t count) {
    const WeightId id = vector(count, 1);
    for (uint64_t i = 0; i < count; ++i) result_.storage.back()[1 + 4 * i + 3] |= std::byte{0x80};
    return id;
  }
  StateId state(uint32_t size) {
    p_.state_width.push_back(size);
    return static_cast<StateId>(p_.state_width.size() - 1);
  }
  void delta_rule() {
    const uint32_t heads = shape_.delta_heads, key_heads = shape_.delta_key_heads, keys = shape_.delta_key_size,
                   values = shape_.delta_value_size;
    const Slot in = slot(2 * key_heads * keys + heads * values), decay = slot(heads), beta = slot(heads);
    const Slot gate = slot(heads * values);
    delta_mixed_ = slot(heads * values);
    for (const Slot one : {in, decay, beta, gate}) project(shape_.format, one);
    const WeightId kernel = weight(Format::f32, width(in), shape_.taps, 0.5f);
    p_.ops.push_back(Convolve{in, in, kernel, state((shape_.taps - 1) * width(in)), Activation::silu});
    DeltaRule rule{in,
                   decay,
                   beta,
                   delta_mixed_,
                   negative_vector(heads),
                   vector(heads, 1),
                   state(heads * keys * values),
                   key_heads,
                   heads,
                   keys,
                   values,
                   1e-6f,
                   shape_.cyclic};
    p_.ops.push_back(rule);
    p_.ops.push_back(RmsNorm{delta_mixed_, delta_mixed_, vector(values, 1), 1e-6f});
    p_.ops.push_back(Gate{delta_mixed_, gate, delta_mixed_, Activation::silu});
  }
  // q: of each head [what W_k is applied to, what turns].
  void latent_attention() {
    const uint32_t rank = shape_.latent, turning = 2 * shape_.rope_pairs, all = rank + turning, heads = shape_.heads;
    const uint32_t plain = shape_.head_size - turning, value = width(mixed_) / heads;
    if (layer_ == 0) {
      latent_ = slot(all);
      wide_q_ = slot(heads * all);
      wide_mixed_ = slot(heads * rank);
      p_.key_width = all;
      p_.value_width = 0;
    }
    project(shape_.format, q_);
    project(shape_.other, latent_);
    p_.ops.push_back(RmsNorm{latent_, latent_, vector(rank, 1), 1e-5f});
    p_.ops.push_back(EachHead{q_, wide_q_, matrix(shape_.format, uint64_t{heads} * rank, plain), heads, 0,
                              shape_.head_size, plain, 0, all, rank});
    p_.ops.push_back(EachHead{q_, wide_q_, kNoWeight, heads, plain, shape_.head_size, turning, rank, all, turning});
    Attend attend{wide_q_, wide_mixed_, layer_, all, 1, 1 / std::sqrt(static_cast<float>(all))};
    attend.value_size = rank;
    rope_and_attend({wide_q_, latent_, kNoSlot, layer_, 0, shape_.style, all}, attend);
    p_.ops.push_back(EachHead{wide_mixed_, mixed_, matrix(shape_.other, uint64_t{heads} * value, rank), heads, 0, rank,
                              rank, 0, value, value});
  }
  void gate_up(Slot out) {
    GateUp op{normed_, out, matrix(shape_.format, width(out), shape_.width),
              matrix(shape_.format, width(out), shape_.width), shape_.act};
    op.gate_bias = bias(width(out));
    op.up_bias = bias(width(out));
    p_.ops.push_back(op);
  }
  void mixture() {
    const uint64_t n = shape_.experts, hidden = shape_.hidden, width = shape_.width;
    Route route{normed_, route_, matrix(Format::f32, n, width), static_cast<uint16_t>(shape_.used)};
    route.bias = bias(n);
    if (shape_.choice_bias) route.selection_bias = vector(n, 0.3f);
    route.gating = shape_.gating;
    route.normalised = shape_.normalised;
    route.scale = shape_.scale;
    route.groups = shape_.groups;
    route.groups_used = shape_.groups_used;
    p_.ops.push_back(route);
    if (shape_.shared) {
      gate_up(hidden_);
      p_.ops.push_back(Linear{normed_, gate_, matrix(Format::f32, 1, width), kNoWeight, kNoSlot, Activation::sigmoid});
    }
    Experts op{normed_,
               route_,
               x_,
               x_,
               matrix(shape_.format, n * hidden, width),
               matrix(shape_.format, n * hidden, width),
               matrix(shape_.other, n * width, hidden),
               static_cast<uint16_t>(n),
               static_cast<uint16_t>(shape_.used),
               shape_.act};
    if (shape_.bias) {
      op.gate_bias = weight(Format::f32, n, hidden, 0.1f);
      op.up_bias = weight(Format::f32, n, hidden, 0.1f);
      op.down_bias = weight(Format::f32, n, width, 0.1f);
    }
    p_.ops.push_back(op);
    if (!shape_.shared) return;
    Linear down{hidden_, x_, matrix(shape_.other, width, hidden), kNoWeight, x_};
    down.scale = shape_.scale;
    down.times = gate_;
    p_.ops.push_back(down);
  }

  const Shape shape_;
  std::mt19937 random_;
  RandomProgram result_;
  Program& p_ = result_.program;
  Slot x_, normed_, q_, k_, v_, mixed_, hidden_, route_, wanted_, logits_, part_, gate_;
  Slot delta_mixed_ = kNoSlot, latent_ = kNoSlot, wide_q_ = kNoSlot, wide_mixed_ = kNoSlot;
  uint16_t layer_ = 0;
};

inline RandomProgram random_program(const Shape& shape, uint32_t seed) {
  return RandomProgramBuilder(shape, seed).build();
}

// Tokens of a few sequences whose pages lie scattered; positions start at 0.
struct Text {
  std::vector<std::vector<int32_t>> tokens;  // by sequence
  std::vector<std::vector<uint32_t>> pages;
  std::vector<std::vector<float>> scales = {};  // of adapters; none: no sequence has any
};

inline Text random_text(const std::vector<uint32_t>& lengths, uint32_t vocabulary, const Limits& limits,
                        uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint32_t> free(limits.pages);
  for (uint32_t i = 0; i < limits.pages; ++i) free[i] = i;
  std::shuffle(free.begin(), free.end(), random);
  Text text;
  for (const uint32_t length : lengths) {
    auto& tokens = text.tokens.emplace_back(length);
    for (int32_t& token : tokens) token = static_cast<int32_t>(random() % vocabulary);
    auto& pages = text.pages.emplace_back();
    for (uint32_t i = 0; i < length; i += limits.page_size) {
      pages.push_back(free.back());
      free.pop_back();
    }
  }
  return text;
}

// The rows [begin, end) of every sequence, as far as it has them, with the logits of all rows; for a program that keeps
// states with places for them, the last sequence's first.
inline Batch batch_of(const Text& text, uint32_t begin, uint32_t end, bool states = false) {
  Batch batch{.tokens = {},
              .positions = {},
              .row_begin = {0},
              .page_begin = {0},
              .pages = {},
              .outputs = {},
              .states = {},
              .state_copies = {}};
  for (size_t s = text.tokens.size(); s-- > 0 && states;) batch.states.push_back(static_cast<uint32_t>(s + 1));
  for (size_t s = 0; s < text.tokens.size(); ++s) {
    for (uint32_t i = begin; i < end && i < text.tokens[s].size(); ++i) {
      batch.outputs.push_back(static_cast<uint32_t>(batch.tokens.size()));
      batch.tokens.push_back(text.tokens[s][i]);
      batch.positions.push_back(i);
    }
    batch.row_begin.push_back(static_cast<uint32_t>(batch.tokens.size()));
    batch.pages.insert(batch.pages.end(), text.pages[s].begin(), text.pages[s].end());
    batch.page_begin.push_back(static_cast<uint32_t>(batch.pages.size()));
    if (!text.scales.empty())
      batch.adapter_scales.insert(batch.adapter_scales.end(), text.scales[s].begin(), text.scales[s].end());
  }
  return batch;
}

// Logits of all rows, [sequence][position x vocabulary], computed in steps of `step` rows of each sequence.
inline std::vector<std::vector<float>> logits_of(Device& device, const Program& program, const Limits& limits,
                                                 const Text& text, uint32_t step) {
  const auto plan = device.compile(program, limits);
  std::vector<std::vector<float>> logits(text.tokens.size());
  size_t longest = 0;
  for (const auto& tokens : text.tokens) longest = std::max(longest, tokens.size());
  for (uint32_t begin = 0; begin < longest; begin += step) {
    const Batch batch = batch_of(text, begin, begin + step, !program.state_width.empty());
    plan->submit(batch);
    const auto found = plan->wait().logits;
    for (size_t s = 0; s < logits.size(); ++s)
      logits[s].insert(logits[s].end(), found.begin() + batch.row_begin[s] * program.vocabulary,
                       found.begin() + batch.row_begin[s + 1] * program.vocabulary);
  }
  return logits;
}

}  // namespace hearth
