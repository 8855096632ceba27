// Constraints that were compiled, for the next request that has the same one.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "engine/decode/constraint/automaton.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {

using AutomatonPointer = std::shared_ptr<const LanguageAutomaton>;

// All functions may be called from several threads. What was used longest ago goes first.
class ConstraintCache {
 public:
  explicit ConstraintCache(size_t most_entries = 512, size_t most_bytes = 64 << 20);

  // The automaton of a request's constraint; null for none. Throws Error (invalid_argument).
  AutomatonPointer find(const Constraint& constraint);
  // What `build` made under this key, which says everything that it depends on; it may be null.
  AutomatonPointer find(const std::string& key, const std::function<AutomatonPointer()>& build);

 private:
  struct Entry {
    std::string key;
    AutomatonPointer automaton;
    size_t bytes;
  };

  size_t most_entries_, most_bytes_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<std::string, std::list<Entry>::iterator> places_;
  size_t bytes_ = 0;
};

}  // namespace hearth
