// Fetching a model by name: what it is, whether it fits, its files, and its name in the store.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hearth/hearth.h"
#include "tools/fetch/settings.h"
#include "tools/store/model_name.h"
#include "tools/store/store.h"

namespace hearth::fetch {

// How far it has come, ten times a second.
struct Step {
  enum Kind { fetching, checking, waiting } kind;
  uint64_t done = 0, total = 0;  // bytes of all files
};

struct PullOptions {
  Settings settings;
  EngineOptions engine;  // what the memory is planned for
  uint64_t memory = 0;   // bytes that the model may take; 0: nine tenths of the machine's
  std::string as;        // the name in the store; empty: the model's own
  std::function<void(const std::string&)> say = [](const std::string&) {};  // lines for people
  std::function<void(const Step&)> on_step = [](const Step&) {};
  std::function<bool()> interrupted = [] { return false; };
  std::function<uint64_t()> free_bytes;  // of the disk; empty: asks the store
};

// Returns when every file is in the store, its hash is checked and the name stands for it. Throws Error, Interrupted,
// and std::runtime_error where the disk fails.
store::Entry pull(const store::ModelName& name, const store::Store& store, const PullOptions& options);

// A MODEL argument, as store::find_model; but a name that is not in the store is pulled, unless settings.offline.
std::filesystem::path find_or_pull(const std::string& text, const PullOptions& options);

}  // namespace hearth::fetch
