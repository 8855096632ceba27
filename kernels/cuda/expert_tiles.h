// The list of tiles of experts: a word that says how many there are; for each its expert, and the begin and number of
// its pairs in the list that follows; that list of all pairs (row * used + place), by expert.
#pragma once

#include <cstdint>

namespace hearth::cuda {

constexpr uint32_t kTileColumns = 32;  // pairs of a tile, at most
constexpr uint32_t kExpertTiles = 1;   // where the tiles begin

}  // namespace hearth::cuda
