// What left the machine in a period, or that nothing did.
#pragma once

#include <filesystem>
#include <iosfwd>

namespace hearth::audit {

// Milliseconds since 1970; from is inside, to is not.
struct Period {
  int64_t from = 0, to = INT64_MAX;
};

// Lists each time that bytes left, where to, and their sum, and says whether the chain that proves it is whole. False
// where it is not: then the list proves nothing.
bool tell_egress(const std::filesystem::path& log, const Period& period, std::ostream& out);

}  // namespace hearth::audit
