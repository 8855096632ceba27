// Keeping and forgetting.
#include "tools/serve/responses/response_store.h"

#include <algorithm>

namespace hearth::serve {

namespace {

// About what a value takes in memory; its depth was bounded when it was read.
size_t memory_of(const Json& value) {
  size_t bytes = sizeof(Json);
  if (value.is_string()) bytes += sizeof(std::string) + value.get_ref<const std::string&>().size();
  if (value.is_array())
    for (const Json& item : value) bytes += memory_of(item);
  if (value.is_object())
    for (const auto& [name, member] : value.items())
      bytes += sizeof(std::string) + name.size() + memory_of(member) + 32;
  return bytes;
}

}  // namespace

void ResponseStore::keep(const Json& response, const Json& input) {
  const size_t bytes = memory_of(response) + memory_of(input);
  const std::string id = response["id"].get<std::string>();
  const std::lock_guard lock(mutex_);
  if (bytes > most_bytes_ || entries_.contains(id)) return;
  while (!order_.empty() && (order_.size() >= most_responses_ || bytes_ + bytes > most_bytes_)) drop(order_.front());
  entries_[id] = {response, input, bytes};
  order_.push_back(id);
  bytes_ += bytes;
}

std::optional<Json> ResponseStore::response(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? std::nullopt : std::optional(found->second.response);
}

std::optional<Json> ResponseStore::conversation(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  Json items = found->second.input;
  for (const Json& item : found->second.response["output"]) items.push_back(item);
  return items;
}

std::optional<Json> ResponseStore::item(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto find_in = [&](const Json& items) -> const Json* {
    const auto found = std::ranges::find_if(
        items, [&](const Json& item) { return item.is_object() && item.contains("id") && item["id"] == id; });
    return found == items.end() ? nullptr : &*found;
  };
  for (const auto& [key, entry] : entries_)
    for (const Json* items : {&entry.response["output"], &entry.input})
      if (const Json* found = find_in(*items)) return *found;
  return std::nullopt;
}

bool ResponseStore::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (!entries_.contains(id)) return false;
  drop(id);
  return true;
}

ResponseStore& ResponseStores::of(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return stores_.try_emplace(key).first->second;
}

void ResponseStore::drop(const std::string& id) {
  const std::string dropped = id;  // it may be the one that is erased
  bytes_ -= entries_[dropped].bytes;
  entries_.erase(dropped);
  std::erase(order_, dropped);
}

}  // namespace hearth::serve
