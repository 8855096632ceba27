// A random model before it is written: which tensors it has, in which format and with which deviation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/make_random_model/presets.h"
#include "engine/quantize/mix.h"
#include "quant/format.h"

namespace hearth {

// How the matrices of a model are stored: all in one format, or mixed.
struct Storage {
  std::string name;    // "Q4_0", "Q4_K_M"
  Format format;       // of all matrices of a plain storage, of most in a mix
  const Mix* mix;      // null: all matrices in the format
  uint32_t file_type;  // general.file_type
};
// Every storage by name: all formats but NVFP4, Q4_K_M and Q5_K_M.
const std::vector<Storage>& storages();
const Storage* find_storage(std::string_view name);  // null where unknown; upper or lower case

// A tensor to be written. Norms, biases and RoPE factors carry their values; matrices are made as they are written.
struct PlannedTensor {
  std::string name;
  Format format;
  std::vector<uint64_t> dims;
  double deviation;
  std::vector<float> values;
};

struct PlannedModel {
  std::vector<PlannedTensor> tensors;
  std::vector<std::string> notes;  // a line for each format that a row's length forced
};

// Weights such that activations stay of order one: a matrix has deviation 1/sqrt(row), those that add to the residual
// stream a further 1/sqrt(2 layers), and embedding and output 2/sqrt(row), which gives logits a deviation of about 2.
PlannedModel plan_model(const Preset& preset, const Storage& storage, uint64_t seed);

}  // namespace hearth
