// Look-ups with their checks.
#include "engine/model/config_reader.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "formats/error.h"

namespace hearth {

void ConfigReader::fail(std::string_view name, const std::string& what) const {
  throw FileError(file_.name() + ": " + prefix_ + std::string(name) + " " + what);
}

uint64_t ConfigReader::integer(std::string_view name) const {
  const std::string key = prefix_ + std::string(name);
  if (file_.find_entry(key)->type != GgufType::array) return *file_.find_uint(key);
  const std::vector<int64_t> values = *file_.find_ints(key);
  if (values.empty() || std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) != values.end())
    fail(name, "differs from layer to layer, which is not supported");
  if (values[0] < 0) fail(name, "is " + std::to_string(values[0]) + ", which no model has");
  return static_cast<uint64_t>(values[0]);
}

uint32_t ConfigReader::checked(std::string_view name, uint64_t value) const {
  if (value == 0 || value > kLargestSize) fail(name, "is " + std::to_string(value) + ", which no model has");
  return static_cast<uint32_t>(value);
}

uint32_t ConfigReader::size(std::string_view name) const {
  if (!has(name)) fail(name, "is missing");
  return checked(name, integer(name));
}

uint32_t ConfigReader::size(std::string_view name, uint32_t fallback) const {
  return has(name) ? checked(name, integer(name)) : fallback;
}

uint32_t ConfigReader::size_or_none(std::string_view name) const {
  return !has(name) || integer(name) == 0 ? 0 : size(name);
}

double ConfigReader::positive(std::string_view name, double fallback) const {
  const auto value = file_.find_float(prefix_ + std::string(name));
  if (value && (!(*value > 0) || !std::isfinite(*value))) fail(name, "is not a positive number");
  return value.value_or(fallback);
}

double ConfigReader::positive_or(std::string_view name, double fallback) const {
  const auto value = file_.find_float(prefix_ + std::string(name));
  return value && *value == 0 ? fallback : positive(name, fallback);
}

bool ConfigReader::flag(std::string_view name, bool fallback) const {
  return file_.find_bool(prefix_ + std::string(name)).value_or(fallback);
}

std::string_view ConfigReader::text(std::string_view name, std::string_view fallback) const {
  return file_.find_string(prefix_ + std::string(name)).value_or(fallback);
}

std::vector<bool> ConfigReader::pattern(std::string_view name, uint32_t period, uint32_t layers) const {
  const std::string key = prefix_ + std::string(name);
  const GgufEntry* entry = file_.find_entry(key);
  std::vector<bool> marked(layers);
  if (entry != nullptr && entry->type == GgufType::array) {
    if (entry->count < layers)
      fail(name, "has " + std::to_string(entry->count) + " values for " + std::to_string(layers) + " layers");
    if (entry->element_type == GgufType::boolean) {
      for (uint32_t i = 0; i < layers; ++i) marked[i] = entry->bytes[i] != std::byte{0};
    } else {
      const std::vector<int64_t> values = *file_.find_ints(key);
      for (uint32_t i = 0; i < layers; ++i) marked[i] = values[i] != 0;
    }
    return marked;
  }
  if (entry != nullptr) period = size_or_none(name);
  for (uint32_t i = 0; i < layers; ++i) marked[i] = period == 0 || i % period + 1 < period;
  return marked;
}

}  // namespace hearth
