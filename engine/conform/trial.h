// What a case of conformance runs: a small program with inputs of its own, and texts for it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "engine/conform/tolerance.h"

namespace hearth::conform {

// Tokens of a few sequences, whose pages lie scattered. Positions start at 0.
struct Text {
  std::vector<std::vector<int32_t>> tokens;  // by sequence
  std::vector<std::vector<uint32_t>> pages;
  std::vector<std::vector<float>> scales = {};  // of adapters; none: no sequence uses any
};

// A program and the bytes that it views; may be moved.
struct OwnedProgram {
  Program program;
  std::deque<std::vector<std::byte>> storage;
};

// Where a row of a result stands: its sequence's tokens, and its position among them.
struct Place {
  std::span<const int32_t> tokens;
  uint32_t position;
  int32_t token() const { return tokens[position]; }
};

struct Trial {
  OwnedProgram own;
  Limits limits;
  Text text;
  std::vector<uint32_t> chunks;      // rows of each sequence in a step; the text is run once for each
  uint32_t most_steps = UINT32_MAX;  // of each such run; rows behind them are left out
  // How many of a row's largest logits are its result, each followed by its token; 0: all logits are.
  uint32_t candidates = 0;
  // A layer whose cache counts as part of each row's result, keys before values.
  std::optional<uint16_t> cached_layer = std::nullopt;
  // How far each value of a row may be from what is expected; both [values of a row].
  std::function<void(const Place&, Precision, std::span<const float> expected, std::span<double> bound)> bounds;
};

// By sequence: [position x values of a row].
using Results = std::vector<std::vector<float>>;

// A program that receives rows gets those of its first weight by token, and has no other use of that; of one that sends
// rows these are the result. Runs a text through a plan, `chunk` rows of each sequence at a time; values of a row:
// those that the program's result has, or of Trial::candidates, and of the cache with Trial::cached_layer. A run that
// ends after `most_steps` gives fewer rows. Throws DeviceError as the plan does.
Results run_text(Plan& plan, const Program& program, const Limits& limits, const Text& text, uint32_t chunk,
                 std::optional<uint16_t> cached_layer = std::nullopt, uint32_t most_steps = UINT32_MAX,
                 uint32_t candidates = 0);

// The width of a row of the program's result.
uint32_t result_width(const Program& program);

}  // namespace hearth::conform
