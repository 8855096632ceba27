// Look-ups with their checks.
#include "engine/convert/settings.h"

#include <cmath>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {

Settings::Settings(Json json, std::string file) : json_(std::move(json)), file_(std::move(file)) {
  if (!json_.is_object()) fail("is no JSON object");
}

void Settings::fail(const std::string& name, const std::string& what) const {
  throw FileError(file_ + ": " + path_ + name + " " + what);
}

void Settings::fail(const std::string& what) const { throw FileError(file_ + ": " + what); }

std::pair<const Json*, const char*> Settings::look_up(Names names) const {
  for (const char* name : names) {
    const auto found = json_.find(name);
    if (found != json_.end() && !found->is_null()) return {&*found, name};
  }
  return {nullptr, nullptr};
}

const Json* Settings::find(Names names) const { return look_up(names).first; }

std::optional<uint32_t> Settings::size(Names names) const {
  const auto [value, name] = look_up(names);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_unsigned() || value->get<uint64_t>() > kLargestSetting)
    fail(name, "is no whole number up to " + std::to_string(kLargestSetting));
  return value->get<uint32_t>();
}

uint32_t Settings::require_size(Names names) const {
  const auto value = size(names);
  if (!value) fail(*names.begin(), "is missing");
  if (*value == 0) fail(*names.begin(), "is 0");
  return *value;
}

std::optional<double> Settings::real(Names names) const {
  const auto [value, name] = look_up(names);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || !std::isfinite(value->get<float>())) fail(name, "is no number");
  return value->get<double>();
}

double Settings::require_real(Names names) const {
  const auto value = real(names);
  if (!value) fail(*names.begin(), "is missing");
  return *value;
}

std::optional<bool> Settings::flag(const char* name) const {
  const Json* value = find({name});
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) fail(name, "is neither true nor false");
  return value->get<bool>();
}

std::optional<std::string> Settings::text(Names names) const {
  const auto [value, name] = look_up(names);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) fail(name, "is no text");
  return value->get<std::string>();
}

std::vector<std::string> Settings::texts(const char* name) const {
  const Json* value = find({name});
  if (value == nullptr) return {};
  if (!value->is_array()) fail(name, "is no list");
  std::vector<std::string> result;
  for (const Json& one : *value) {
    if (!one.is_string()) fail(name, "is no list of texts");
    result.push_back(one.get<std::string>());
  }
  return result;
}

std::vector<float> Settings::reals(const char* name) const {
  const Json* value = find({name});
  if (value == nullptr) return {};
  if (!value->is_array()) fail(name, "is no list");
  std::vector<float> result;
  for (const Json& one : *value) {
    if (!one.is_number() || !std::isfinite(one.get<float>())) fail(name, "is no list of numbers");
    result.push_back(one.get<float>());
  }
  return result;
}

Settings Settings::object(Names names) const {
  const auto [value, name] = look_up(names);
  Settings result(Json::object(), file_);
  if (value == nullptr) return result;
  if (!value->is_object()) fail(name, "is no object");
  result.json_ = *value;
  result.path_ = path_ + name + ".";
  return result;
}

}  // namespace hearth
