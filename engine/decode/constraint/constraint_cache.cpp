// Keeping compiled constraints.
#include "engine/decode/constraint/constraint_cache.h"

#include <utility>

#include "engine/decode/constraint/gbnf.h"

namespace hearth {

ConstraintCache::ConstraintCache(size_t most_entries, size_t most_bytes)
    : most_entries_(most_entries), most_bytes_(most_bytes) {}

AutomatonPointer ConstraintCache::find(const Constraint& constraint) {
  if (const auto* schema = std::get_if<JsonSchema>(&constraint))
    return find("schema " + schema->json, [&] {
      GrammarBuilder builder;
      return build_automaton(builder, builder.json_schema(schema->json));
    });
  if (const auto* grammar = std::get_if<Grammar>(&constraint))
    return find("grammar " + grammar->gbnf, [&] {
      GrammarBuilder builder;
      return build_automaton(builder, read_gbnf(builder, grammar->gbnf));
    });
  return nullptr;
}

AutomatonPointer ConstraintCache::find(const std::string& key, const std::function<AutomatonPointer()>& build) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = places_.find(key); known != places_.end()) {
      entries_.splice(entries_.begin(), entries_, known->second);
      return known->second->automaton;
    }
  }
  // Not under the lock: others need not wait for a large one, and two of the same are made now and then.
  const AutomatonPointer made = build();
  const size_t bytes = (made ? made->memory() : 0) + 2 * key.size();
  const std::lock_guard lock(mutex_);
  if (bytes > most_bytes_ || places_.contains(key)) return made;
  entries_.push_front({key, made, bytes});
  places_.emplace(key, entries_.begin());
  bytes_ += bytes;
  while (entries_.size() > most_entries_ || bytes_ > most_bytes_) {
    bytes_ -= entries_.back().bytes;
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
  return made;
}

}  // namespace hearth
