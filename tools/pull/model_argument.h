// MODEL arguments that may be names: what run and serve do with one that is not in the store.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tools/command.h"
#include "tools/fetch/pull.h"

namespace hearth {

// Lines and a bar on stderr. Lives as long as something is pulled; Ctrl-C ends the pull in an orderly way meanwhile.
class PullDisplay {
 public:
  PullDisplay();
  ~PullDisplay();
  PullDisplay(const PullDisplay&) = delete;
  PullDisplay& operator=(const PullDisplay&) = delete;

  // Sets what is shown and asked.
  void attach(fetch::PullOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Runs `action`; where Ctrl-C ended it, says so and throws what makes the program end with exit code 130.
void ending_on_interrupt(const std::function<void()>& action);

// Adds --offline.
void add_offline_option(CLI::App& command, bool& offline);

// A MODEL argument's file; a name that is not in the store is pulled first, for an engine with these options and in
// `memory` bytes (0: nine tenths of the machine's).
std::filesystem::path pulled_model(const std::string& text, const EngineOptions& options, bool offline,
                                   uint64_t memory = 0);

}  // namespace hearth
