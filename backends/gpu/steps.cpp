// Where barriers are needed.
#include "backends/gpu/steps.h"

namespace hearth::gpu {

bool StepList::depends(Uses uses) {
  std::erase(uses.reads, 0);  // what is absent
  std::erase(uses.writes, 0);
  bool result = false;
  for (const Address one : uses.reads) result = result || written_.contains(one);
  for (const Address one : uses.writes) result = result || written_.contains(one) || read_.contains(one);
  if (result) {
    read_.clear();
    written_.clear();
  }
  read_.insert(uses.reads.begin(), uses.reads.end());
  written_.insert(uses.writes.begin(), uses.writes.end());
  return result;
}

}  // namespace hearth::gpu
