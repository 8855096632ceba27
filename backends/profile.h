// Where the time of a step goes, and the work that its ops cannot do without.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/batch.h"

namespace hearth {

// What ops of one kind did. Each byte of weights, cache, states and activations that they need counts once, of experts
// as many as the rows can choose; a product and its addition are two operations, and others are not counted.
struct OpProfile {
  std::string name;  // of the op or kernel, and of the formats of its matrices or cache: "linear Q4_K", "attend f16"
  uint32_t launches = 0;
  double seconds = 0, bytes = 0, operations = 0;
};

struct StepProfile {
  std::vector<OpProfile> ops;  // of names that differ
  double seconds = 0;          // of the whole, with what lies between ops; of a GPU from its first op on

  void add(const OpProfile& op);  // to the one of its name
  void add(const StepProfile& step);
  OpProfile sum() const;  // of the ops, without a name
};

// What attention in one layer reads: positions of the cache, and those that each row sees together.
struct Seen {
  double positions = 0, of_rows = 0;
};
// window: as in Attend.
Seen seen_in(const Batch& batch, uint32_t window, bool causal);

}  // namespace hearth
