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

void StateCache::touch(std::span<const int32_t> tokens, const std::function<bool(uint32_t)>& usable,
                       const std::vector<float>& setting) {
  if (const std::optional<uint32_t> found = find(tokens, usable, setting)) places_[*found].used = ++clock_;
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

void StateCache::forget_copies() {
  for (Place& place : places_)
    if (place.holds == Holds::copy) place = {};
}

void StateCache::clear() {
  forget_copies();
  pending_.clear();
}

std::vector<std::vector<int32_t>> StateCache::held(std::optional<std::span<const int32_t>> whole) const {
  std::vector<const Place*> found;
  for (const Place& place : places_) {
    if (place.holds != Holds::copy || !place.setting.empty()) continue;
    if (!whole ||
        (place.tokens.size() <= whole->size() && std::equal(place.tokens.begin(), place.tokens.end(), whole->begin())))
      found.push_back(&place);
  }
  std::sort(found.begin(), found.end(), [](const Place* a, const Place* b) { return a->used > b->used; });
  std::vector<std::vector<int32_t>> result;
  for (const Place* place : found) result.push_back(place->tokens);
  return result;
}

std::optional<uint32_t> StateCache::place_of(std::span<const int32_t> tokens) const {
  const auto whole = [&](uint32_t size) { return size == tokens.size(); };
  const std::optional<uint32_t> place = find(tokens, whole, {});
  return place && !is_pending(*place) ? place : std::nullopt;
}

std::optional<uint32_t> StateCache::adopt(std::span<const int32_t> tokens) {
  if (place_of(tokens)) return std::nullopt;
  for (uint32_t i = 0; i < places(); ++i) {
    if (places_[i].holds != Holds::nothing || is_pending(i)) continue;
    places_[i] = {.holds = Holds::copy, .used = ++clock_, .tokens = {tokens.begin(), tokens.end()}};
    return i;
  }
  return std::nullopt;
}

bool StateCache::is_pending(uint32_t place) const {
  return std::any_of(pending_.begin(), pending_.end(),
                     [&](const Batch::Copy& copy) { return copy.from == place || copy.to == place; });
}

std::vector<Batch::Copy> StateCache::take_copies() { return std::exchange(pending_, {}); }

}  // namespace hearth
