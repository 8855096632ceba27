// What to do about an answer that did not come: ask again after a pause, or give up and say why.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

#include "tools/fetch/transfer.h"

namespace hearth::fetch {

// Somebody pressed Ctrl-C; the message says how to go on.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Counts failures in a row.
class Patience {
 public:
  // `what` is what is asked for, as "library/llama3.1:8b"; `advice` is put behind the message that ends it.
  Patience(const Settings& settings, std::string what, std::string advice = "");

  // After a transfer that was neither complete nor unwanted: pauses, a little longer each time, or throws Error
  // (bad_model): at once where asking again would not help, else after Settings::attempts failures. `unwanted` ends the
  // pause.
  void failed(const Outcome& outcome, const Ask& ask, const std::function<bool()>& unwanted);
  // Something came: counts from the beginning.
  void came() { failures_ = 0; }

 private:
  const Settings& settings_;
  std::string what_, advice_;
  int failures_ = 0;
};

// All of a small text. Throws Error as Patience does, and where it is larger than `most` bytes; Interrupted.
struct Text {
  std::string body, link;
};
Text get_text(Getter& getter, const Ask& ask, size_t most, const Settings& settings, const std::string& what,
              const std::function<bool()>& interrupted);

}  // namespace hearth::fetch
