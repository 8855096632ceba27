// Keeping and writing entries.
#include "engine/convert/metadata.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>

namespace hearth {
namespace {

struct EntryWriter {
  GgufWriter& writer;
  const std::string& key;

  void operator()(uint32_t value) const { writer.add(key, value); }
  void operator()(float value) const { writer.add(key, value); }
  void operator()(bool value) const { writer.add(key, value); }
  void operator()(const std::string& value) const { writer.add(key, std::string_view(value)); }
  void operator()(const std::vector<int32_t>& values) const { writer.add_array(key, std::span<const int32_t>(values)); }
  void operator()(const std::vector<float>& values) const { writer.add_array(key, std::span<const float>(values)); }
  void operator()(const std::vector<std::string>& values) const {
    writer.add_strings(key, std::vector<std::string_view>(values.begin(), values.end()));
  }
  void operator()(const Flags& values) const {
    const auto flags = std::make_unique<bool[]>(values.size());
    std::copy(values.begin(), values.end(), flags.get());
    writer.add_array(key, std::span<const bool>(flags.get(), values.size()));
  }
};

}  // namespace

void Metadata::set(const std::string& key, MetadataValue value) {
  const auto known =
      std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == key; });
  if (known != entries_.end())
    known->second = std::move(value);
  else
    entries_.emplace_back(key, std::move(value));
}

const MetadataValue* Metadata::find(const std::string& key) const {
  for (const auto& [name, value] : entries_)
    if (name == key) return &value;
  return nullptr;
}

void Metadata::write(GgufWriter& writer) const {
  for (const auto& [key, value] : entries_) std::visit(EntryWriter{writer, key}, value);
}

}  // namespace hearth
