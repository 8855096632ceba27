// The work of one step: tokens of several sequences, and where their keys and values lie. All that changes from step to
// step is here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hearth {

inline constexpr uint32_t kMostCandidates = 256;

// CSR over sequences: sequence s has the rows [row_begin[s], row_begin[s + 1]) and the pages
// [page_begin[s], page_begin[s + 1]). Its token at position p has its keys and values in cell p % page_size of page
// pages[page_begin[s] + p / page_size]. Positions of a sequence rise by one from row to row, and the cells of all
// earlier positions have been written by earlier steps.
struct Batch {
  std::vector<int32_t> tokens;       // [rows]
  std::vector<uint32_t> positions;   // [rows]
  std::vector<uint32_t> row_begin;   // [sequences + 1]
  std::vector<uint32_t> page_begin;  // [sequences + 1]
  std::vector<uint32_t> pages;
  std::vector<uint32_t> outputs;  // rows whose logits are wanted, rising
  // How many of an output's largest logits tell enough, up to kMostCandidates; 0: all are wanted. [outputs], or empty:
  // all logits of all outputs are. Only of programs with a Select.
  std::vector<uint32_t> candidates = {};
  uint32_t candidates_of(size_t output) const { return candidates.empty() ? 0 : candidates[output]; }

  // Of programs that keep states: which of the plan's places holds that of each sequence, no two the same [sequences].
  // A sequence whose first row has position 0 starts anew; another goes on from its state, which must be that after the
  // position before.
  std::vector<uint32_t> states;
  struct Copy {
    uint32_t from, to;
  };
  std::vector<Copy> state_copies;  // of places, made in this order before the rows are computed

  std::vector<float> adapter_scales;  // [sequences x adapters of the program], 0: not used; empty: no sequence uses any

  // What Receive puts into its slot, of programs that have it [rows x its width]; viewed until Plan::wait.
  std::span<const float> received = {};
};

}  // namespace hearth
