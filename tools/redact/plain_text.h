// Text as its reader sees it: without colours of a terminal and invisible characters, and with escapes read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::redact {

class PlainText {
 public:
  // Nothing where the text is plain already. Linear time.
  static std::optional<PlainText> of(std::string_view text);

  std::string_view text() const { return plain_; }
  // Where what stands at [begin, end) of the plain text stands in the original, with all that is hidden within.
  std::pair<size_t, size_t> original(size_t begin, size_t end) const;

 private:
  void add(char c, size_t begin, size_t end);

  std::string plain_;
  // From which places on the original is how far ahead, of characters' beginnings and ends.
  struct Shift {
    size_t at, begin, end;
  };
  std::vector<Shift> shifts_;
};

}  // namespace hearth::redact
