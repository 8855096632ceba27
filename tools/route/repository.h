// The policies of repositories: found from the hint that a request gives.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "tools/redact/finder.h"
#include "tools/route/policy.h"
#include "tools/route/text_facts.h"

namespace hearth::route {

// The server's policy and a repository's together, ready for use. Immutable.
struct Ruling {
  Policy policy;
  TextRules texts;
  redact::Finder patterns;  // of the policy, without the usual secrets
  explicit Ruling(Policy ruled);
};

// Reads files again when they have changed. For one thread.
class Repositories {
 public:
  explicit Repositories(const Policy& server);

  // `hint` is a folder or file of this machine, whose nearest .hearth.toml above counts, or anything else: then the
  // server's policy holds alone. A file that cannot be read or understood forbids that anything leaves.
  std::shared_ptr<const Ruling> find(const std::string& hint);

 private:
  struct Known {
    std::filesystem::file_time_type time;
    uintmax_t size = 0;
    std::shared_ptr<const Ruling> ruling;
  };

  std::shared_ptr<const Ruling> server_;
  std::map<std::filesystem::path, Known> known_;  // by file
};

}  // namespace hearth::route
