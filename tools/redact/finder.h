// Finds secrets in text, in time linear in its length.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::redact {

// A pattern of the user's, in RE2's syntax.
struct UserPattern {
  std::string name, pattern;
};

struct Finding {
  size_t begin, end;  // bytes
  std::string rule;
};

struct FinderOptions {
  bool secrets = true;  // of the usual kinds
  bool email = true;
  std::vector<UserPattern> patterns;
};

// Immutable and thread-safe.
class Finder {
 public:
  // Throws std::invalid_argument that names a pattern which cannot be.
  explicit Finder(const FinderOptions& options);
  ~Finder();

  // In the order of the text, without overlaps.
  std::vector<Finding> find(std::string_view text) const;
  // Whether a value that stands under a name in a structure is a secret as a whole; the rule, or empty.
  std::string rule_of_member(std::string_view name, std::string_view value) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::redact
