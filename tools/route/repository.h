// The policies of repositories: found from the hint that a request gives.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/redact/finder.h"
#include "tools/route/policy.h"
#include "tools/route/text_facts.h"

namespace hearth::route {

// The server's policy and those of repositories together, ready for use. Immutable.
struct Ruling {
  Policy policy;
  TextRules texts;
  redact::Finder patterns;  // of the policy, without the usual secrets
  explicit Ruling(Policy ruled);
};

// Where the symbolic links of an absolute place lead, as far as it exists on this machine; as it is, where it is none.
// Nothing where the machine does not tell.
std::optional<std::string> resolved_place(const std::string& place);

// Reads files again when they have changed. For one thread.
class Repositories {
 public:
  explicit Repositories(const Policy& server);

  // All .hearth.toml at or above each of the places count that are absolute; others are names. What cannot be read,
  // looked into or understood forbids that anything leaves; what does not exist says nothing.
  std::shared_ptr<const Ruling> find(const std::vector<std::string>& places);

 private:
  struct Stamp {
    std::filesystem::file_time_type time;
    uintmax_t size = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Known {
    std::vector<Stamp> stamps;
    std::shared_ptr<const Ruling> ruling;
  };

  std::shared_ptr<const Ruling> server_;
  std::map<std::vector<std::filesystem::path>, Known> known_;  // by files
};

}  // namespace hearth::route
