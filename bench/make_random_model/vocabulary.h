// A made-up byte-level BPE vocabulary of any size: all bytes, a few merges, filler words, special tokens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/make_random_model/presets.h"

namespace hearth {

struct Vocabulary {
  std::vector<std::string> tokens;  // by id, in the alphabet of GPT-2: a printable character for each byte
  std::vector<int32_t> types;       // 1: normal, 3: control
  std::vector<std::string> merges;  // "left right"
};

// Ids 0 to 255 are the single bytes, in the order of GPT-2's vocabulary; the preset's special tokens have their true
// ids.
Vocabulary make_vocabulary(const Preset& preset);

}  // namespace hearth
