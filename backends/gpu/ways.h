// Which of several ways of computing the same a plan may take.
#pragma once

#include <array>
#include <cstdint>

namespace hearth::gpu {

// The columns of a workgroup, where few are multiplied; more than kMostColumns are multiplied in tiles.
inline constexpr std::array<uint32_t, 3> kColumns{1, 4, 8};
inline constexpr uint32_t kMostColumns = kColumns.back();

struct Ways {
  // Products with weights of few bits multiply inputs rounded to 8 bits: those of many rows, and those of few where the
  // machine has kernels for that.
  bool rounds = false;
  bool rounds_few = true;     // those of few rows, too
  bool matrices = false;      // products of many rows are made by matrix_tiles where the machine has it for a format
  bool rounds_norms = true;   // norms round their results at once for such products, attention where the machine can
  bool joins = true;          // products of one input are one launch, where the machine has kernels for that
  bool lists_experts = true;  // experts multiply many rows in tiles, by lists of which rows they get
};

}  // namespace hearth::gpu
