// Finding, making and giving up copies of states.
#include "engine/decode/state_cache.h"

#include <algorithm>
#include <utility>

namespace hearth {

// One that holds nothing, else the copy that was not used for longest.
std::optional<uint32_t> StateCache::free_place() const {
  std::optional<uint32_t> best;
  for (uint32_t i = 0; i < places(); ++i) {
    const Place& place = places_[i];
    if (place.holds == Holds::running) continue;
    if (place.holds == Holds::nothing) return i;
    if (!best || place.used < places_[*best].used) best = i;
  }
  return best;
}

uint32_t StateCache::take() {
  const uint32_t place = free_place().value();
  places_[place] = {.holds = Holds::running};
  return place;
}

void StateCache::give_back(uint32_t place) { places_[place] = {}; }

void StateCache::keep(uint32_t place, std::span<const int32_t> tokens, const std::vector<float>& setting) {
  if (tokens.empty()) {
    give_back(place);
    return;
  }
  forget_same(tokens, setting);
  places_[place] = {
      .holds = Holds::copy, .used = ++clock_, .tokens = {tokens.begin(), tokens.end()}, .setting = setting};
}

void StateCache::copy(uint32_t place, std::span<const int32_t> tokens, const std::vector<float>& setting) {
  forget_same(tokens, setting);
  const std::optional<uint32_t> to = free_place();
  if (!to) return;
  pending_.push_back({place, *to});
  places_[*to] = {.holds = Holds::copy, .used = ++clock_, .tokens = {tokens.begin(), tokens.end()}, .setting = setting};
}

uint32_t StateCache::restore(uint32_t place, std::span<const int32_t> tokens,
                             const std::function<bool(uint32_t)>& usable, const std::vector<float>& setting) {
  const std::optional<uint32_t> from = find(tokens, usable, setting);
  if (!from) return 0;
  pending_.push_back({*from, place});
  places_[*from].used = ++clock_;
  return static_cast<uint32_t>(places_[*from].tokens.size());
}

uint32_t StateCache::longest(std::span<const int32_t> tokens, const std::function<bool(uint32_t)>& usable,
                             const std::vector<float>& setting) const {
  const std::optional<uint32_t> found = find(tokens, usable, setting);
  return found ? static_cast<uint32_t>(places_[*found].tokens.size()) : 0;
}

std::optional<uint32_t> StateCache::find(std::span<const int32_t> tokens, const std::function<bool(uint32_t)>& usable,
                                         const std::vector<float>& setting) const {
  std::optional<uint32_t> best;
  for (uint32_t i = 0; i < places(); ++i) {
    const std::vector<int32_t>& held = places_[i].tokens;
    if (places_[i].holds != Holds::copy || held.size() > tokens.size() || places_[i].setting != setting) continue;
    if (best && held.size() <= places_[*best].tokens.size()) continue;
    if (std::equal(held.begin(), held.end(), tokens.begin()) && usable(static_cast<uint32_t>(held.size()))) best = i;
  }
  return best;
}

void StateCache::forget_same(std::span<const int32_t> tokens, const std::vector<float>& setting) {
  for (Place& place : places_)
    if (place.holds == Holds::copy && place.setting == setting &&
        std::equal(place.tokens.begin(), place.tokens.end(), tokens.begin(), tokens.end()))
      place = {};
}

void StateCache::clear() {
  for (Place& place : places_)
    if (place.holds == Holds::copy) place = {};
  pending_.clear();
}

std::vector<Batch::Copy> StateCache::take_copies() { return std::exchange(pending_, {}); }

}  // namespace hearth
