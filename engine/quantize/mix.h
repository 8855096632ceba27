// Which format each tensor of a model gets: the mixes that llama.cpp's quantiser knows, by their names.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "quant/format.h"

namespace hearth {

struct Mix {
  const char* name;    // "Q4_K_M"
  Format format;       // of most matrices
  uint32_t file_type;  // general.file_type
};

std::span<const Mix> mixes();
// Null where unknown. Upper or lower case; Q3_K, Q4_K and Q5_K are their M mixes.
const Mix* find_mix(std::string_view name);
// The mix that comes nearest to one format for all matrices.
const Mix& plain_mix(Format format);

// What of a model the choice depends on.
struct MixModel {
  std::string_view architecture;
  uint32_t layers = 0;
  uint32_t experts = 0;         // 0: not a mixture
  uint32_t heads_per_kv = 1;    // query heads that share a key and value
  bool tied = false;            // the token embedding is the output matrix
  bool has_importance = false;  // an importance matrix is given
  // The layers that have a matrix of values, rising: mixes count those, not all layers.
  std::vector<uint32_t> attention_layers;
};

struct MixTensor {
  std::string_view name;
  uint64_t row;          // values
  bool stacked = false;  // has a third dimension: experts
};

// The layer of a tensor named "blk.N."...; UINT32_MAX where it is not.
uint32_t layer_of(std::string_view tensor);

// Whether a matrix gives attention its values, alone or among others.
bool holds_values(std::string_view tensor);

// Whether a mix changes the format of a tensor at all: matrices that are multiplied by, but no norms, routers,
// convolutions or position tables.
bool is_quantized(std::string_view tensor, uint32_t dimensions);

// The format that a mix gives to a tensor for which is_quantized holds, before its row's length is looked at.
Format choose_format(const Mix& mix, const MixModel& model, const MixTensor& tensor);

// Whether a format has so few bits that a matrix in it should be made by importance. llama.cpp makes none without.
bool wants_importance(Format format);

// The format itself where a row is a whole number of its blocks, otherwise one of as many bits with shorter blocks; F16
// at last.
Format fitting_format(Format format, uint64_t row);

}  // namespace hearth
