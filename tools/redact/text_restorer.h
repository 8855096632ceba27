// Puts secrets back where their placeholders stand in a text that comes in pieces.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace hearth::redact {

// By placeholder. All placeholders begin with kPlaceholderBegin.
using Secrets = std::map<std::string, std::string>;
inline constexpr std::string_view kPlaceholderBegin = "HEARTH_REDACTED_";

// How the text is written: as it is, or as the inside of a string of JSON.
enum class Notation { plain, json };

class TextRestorer {
 public:
  // `secrets` must outlive this.
  TextRestorer(const Secrets& secrets, Notation notation) : secrets_(secrets), notation_(notation) {}

  // What can be told after this piece: all but what may become a placeholder.
  std::string feed(std::string_view piece);
  // The rest, once no piece will follow.
  std::string finish();
  bool holds_back() const { return !held_.empty(); }

 private:
  const Secrets& secrets_;
  Notation notation_;
  std::string held_;
};

}  // namespace hearth::redact
