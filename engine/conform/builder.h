// Puts programs of a few ops together, with random weights and inputs.
#pragma once

#include <map>
#include <random>

#include "engine/conform/random_blocks.h"
#include "engine/conform/trial.h"

namespace hearth::conform {

// What the inputs of a program are like. denormal: of four tokens one is all zeros, one far below 2^-126, one has such
// values among others; large: past what binary16 holds.
enum class Inputs : uint8_t { usual, denormal, large };

struct BuildContext {
  BlockPool& pool;
  uint32_t seed;
  Inputs inputs = Inputs::usual;
};

// Tokens of texts are below kTokens. Two more are as token 0, but for one value of each input.
inline constexpr int32_t kTokens = 24, kNanToken = kTokens, kInfinityToken = kTokens + 1;
inline constexpr float kMatrixSize = 0.125f;  // of the values of matrices, root mean square

class Builder {
 public:
  explicit Builder(const BuildContext& context);

  Slot slot(uint32_t width);
  uint32_t width(Slot slot) const { return program().slot_width[slot]; }
  // A slot that an Embed of its own fills with values of `size` by the row's token.
  Slot input(uint32_t width, float size = 1);
  // The same of a slot that is received.
  Slot received_input(uint32_t width);
  // The same with values [kTokens x width] that stay as they are for all Inputs and poisons.
  Slot fixed_input(uint32_t width, const std::vector<float>& values);
  WeightId weight(Format format, uint64_t rows, uint64_t width, float size);
  WeightId matrix(Format format, uint64_t rows, uint64_t width) { return weight(format, rows, width, kMatrixSize); }
  WeightId vector(uint64_t width, float size) { return weight(Format::f32, 1, width, size); }
  WeightId floats(uint64_t rows, uint64_t width, const std::vector<float>& values);
  // A weight of no program's own, for an adapter.
  Weight loose(Format format, uint64_t rows, uint64_t width, float size);
  StateId state(uint32_t size);
  void add(const Op& op) { program().ops.push_back(op); }
  // Ends the program with the rows of `result`.
  void finish(Slot result, float softcap = 0);

  Program& program() { return own_.program; }
  const Program& program() const { return own_.program; }
  std::mt19937& random() { return random_; }
  OwnedProgram take() { return std::move(own_); }

 private:
  // Of an input: [kTokens + 2 x width].
  std::vector<float> input_values(uint32_t width, float size);
  std::span<const std::byte> keep(std::vector<std::byte> bytes);
  WeightId name(Format format, uint64_t rows, uint64_t width, std::span<const std::byte> bytes);

  BlockPool& pool_;
  Inputs inputs_;
  std::mt19937 random_;
  OwnedProgram own_;
};

// A weight's values, [rows x width], times the scales beside it.
std::vector<float> decoded(const Weight& weight);

// Sequences of these lengths; tokens are drawn from `from`, or all of them where that is empty.
Text random_text(const std::vector<uint32_t>& lengths, const Limits& limits, std::mt19937& random,
                 const std::vector<int32_t>& from = {});

}  // namespace hearth::conform
