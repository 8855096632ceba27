// Whether the audit log is as it was written.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/audit/chain.h"

namespace hearth::audit {

struct Verdict {
  uint64_t rows = 0, decisions = 0, left = 0, outcomes = 0;
  Link last;                         // the chain's end
  std::vector<std::string> faults;   // none: the log is whole
  std::vector<std::string> remarks;  // what is no fault but worth knowing
  bool whole() const { return faults.empty(); }
};

// Recomputes the chain. A row that was changed, removed or moved breaks it; rows that were cut off at the end are
// missed by the head. Whoever can write both files can replace both: a link noted earlier elsewhere, given as `noted`,
// shows that what stood before it still stands.
Verdict verify(const std::filesystem::path& log, const std::optional<Link>& noted = {});

}  // namespace hearth::audit
