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
  bool bias = false;            // on q, k, v
  bool fold_norms = true;       // false: the norms' results are also added up, so that they must exist
};

// A program and the bytes it views.
struct RandomProgram {
  Program program;
  std::deque<std::vector<std::byte>> storage;
};

inline RandomProgram random_program(const Shape& shape, uint32_t seed) {
  RandomProgram result;
  Program& p = result.program;
  std::mt19937 random(seed);
  const auto weight = [&](Format format, uint64_t rows, uint64_t width, float size) {
    // One byte in front: files give no alignment.
    std::vector<std::byte> bytes = random_blocks(format, rows * width, random, size);
    bytes.insert(bytes.begin(), std::byte{0});
    result.storage.push_back(std::move(bytes));
    p.weights.push_back({"weight " + std::to_string(p.weights.size()), format, width, rows,
                         std::span<const std::byte>(result.storage.back()).subspan(1)});
    return static_cast<WeightId>(p.weights.size() - 1);
  };
  const auto matrix = [&](Format format, uint64_t rows, uint64_t width) {
    return weight(format, rows, width, 1 / std::sqrt(static_cast<float>(width)));
  };
  const auto slot = [&](uint32_t width) {
    p.slot_width.push_back(width);
    return static_cast<Slot>(p.slot_width.size() - 1);
  };
  const uint32_t q_width = shape.heads * shape.head_size, kv_width = shape.kv_heads * shape.head_size;
  const Slot x = slot(shape.width), normed = slot(shape.width), q = slot(q_width), k = slot(kv_width),
             v = slot(kv_width), mixed = slot(q_width), hidden = slot(shape.hidden), route = slot(2 * shape.used + 1),
             wanted = slot(shape.width), logits = slot(shape.vocabulary);
  p.slot_width[route] = shape.used > 0 ? 2 * shape.used : 1;
  p.vocabulary = shape.vocabulary;
  p.layers = static_cast<uint16_t>(shape.layers);
  p.kv_width = kv_width;
  RopeTable table{.frequency = {}, .magnitude = 1.1};
  for (uint32_t i = 0; i < shape.rope_pairs; ++i)
    table.frequency.push_back(std::pow(1000.0, -1.0 * i / shape.rope_pairs));
  p.rope_tables.push_back(table);
  const auto norm = [&](Slot in, Slot out) {
    p.ops.push_back(RmsNorm{in, out, weight(Format::f32, 1, shape.width, 1), 1e-5f});
  };
  p.ops.push_back(Embed{x, weight(shape.format, shape.vocabulary, shape.width, 1), 1.5f});
  for (uint16_t layer = 0; layer < shape.layers; ++layer) {
    norm(x, normed);
    const auto projection = [&](Format format, Slot out) {
      Linear op{normed, out, matrix(format, p.slot_width[out], shape.width)};
      if (shape.bias) op.bias = weight(Format::f32, 1, p.slot_width[out], 0.1f);
      p.ops.push_back(op);
    };
    projection(shape.format, q);
    projection(shape.format, k);
    projection(shape.other, v);
    p.ops.push_back(RopeKv{q, k, v, layer, 0, shape.style, shape.head_size});
    p.ops.push_back(
        Attend{q, mixed, layer, shape.head_size, shape.kv_heads, 1 / std::sqrt(static_cast<float>(shape.head_size))});
    p.ops.push_back(
        Linear{mixed, x, matrix(shape.format, shape.width, q_width), kNoWeight, shape.fold_norms ? x : normed});
    norm(x, normed);
    if (shape.experts == 0) {
      p.ops.push_back(GateUp{normed, hidden, matrix(shape.format, shape.hidden, shape.width),
                             matrix(shape.format, shape.hidden, shape.width), Activation::silu});
      p.ops.push_back(Linear{hidden, x, matrix(shape.other, shape.width, shape.hidden), kNoWeight, x});
    } else {
      const uint64_t n = shape.experts;
      p.ops.push_back(Route{normed, route, matrix(Format::f32, n, shape.width), static_cast<uint16_t>(shape.used)});
      p.ops.push_back(Experts{normed, route, x, x, matrix(shape.format, n * shape.hidden, shape.width),
                              matrix(shape.format, n * shape.hidden, shape.width),
                              matrix(shape.other, n * shape.width, shape.hidden), static_cast<uint16_t>(n),
                              static_cast<uint16_t>(shape.used), Activation::silu});
    }
  }
  p.ops.push_back(Select{x, wanted});
  norm(wanted, wanted);
  p.ops.push_back(Linear{wanted, logits, matrix(shape.format, shape.vocabulary, shape.width)});
  p.ops.push_back(Logits{logits});
  return result;
}

// Tokens of a few sequences whose pages lie scattered; positions start at 0.
struct Text {
  std::vector<std::vector<int32_t>> tokens;  // by sequence
  std::vector<std::vector<uint32_t>> pages;
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

// The rows [begin, end) of every sequence, as far as it has them, with the logits of all rows.
inline Batch batch_of(const Text& text, uint32_t begin, uint32_t end) {
  Batch batch{.row_begin = {0}, .page_begin = {0}};
  for (size_t s = 0; s < text.tokens.size(); ++s) {
    for (uint32_t i = begin; i < end && i < text.tokens[s].size(); ++i) {
      batch.outputs.push_back(static_cast<uint32_t>(batch.tokens.size()));
      batch.tokens.push_back(text.tokens[s][i]);
      batch.positions.push_back(i);
    }
    batch.row_begin.push_back(static_cast<uint32_t>(batch.tokens.size()));
    batch.pages.insert(batch.pages.end(), text.pages[s].begin(), text.pages[s].end());
    batch.page_begin.push_back(static_cast<uint32_t>(batch.pages.size()));
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
    const Batch batch = batch_of(text, begin, begin + step);
    plan->submit(batch);
    const auto found = plan->wait().logits;
    for (size_t s = 0; s < logits.size(); ++s)
      logits[s].insert(logits[s].end(), found.begin() + batch.row_begin[s] * program.vocabulary,
                       found.begin() + batch.row_begin[s + 1] * program.vocabulary);
  }
  return logits;
}

}  // namespace hearth
