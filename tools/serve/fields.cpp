// Typed access to JSON fields.
#include "tools/serve/fields.h"

#include <algorithm>
#include <cmath>

#include "tools/serve/api_error.h"

namespace hearth::serve {
namespace {

std::string plain(double number) {
  return std::abs(number) < 1e15 && number == std::floor(number) ? std::to_string(static_cast<int64_t>(number))
                                                                 : Json(number).dump();
}

}  // namespace

void refuse(const std::string& path, const std::string& wanted) {
  throw invalid_request("'" + path + "' must be " + wanted, path, "invalid_value");
}

Fields::Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object.is_object()) refuse(path_, "an object");
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

const Json* Fields::find(const char* name) {
  asked_.insert(name);
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool Fields::boolean(const char* name, bool otherwise) {
  const Json* value = find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) refuse(path_of(name), "true or false");
  return value->get<bool>();
}

std::optional<std::string> Fields::text(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) refuse(path_of(name), "a string");
  return value->get<std::string>();
}

const Json& Fields::required(const char* name) {
  const Json* value = find(name);
  if (value == nullptr)
    throw invalid_request("'" + path_of(name) + "' is missing", path_of(name), "missing_required_parameter");
  return *value;
}

std::string Fields::required_text(const char* name) {
  required(name);
  return *text(name);
}

std::optional<double> Fields::number(const char* name, double least, double most) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const double number = value->is_number() ? value->get<double>() : NAN;
  if (!(number >= least && number <= most))
    refuse(path_of(name), "a number from " + plain(least) + " to " + plain(most));
  return number;
}

std::optional<int64_t> Fields::integer(const char* name, int64_t least, int64_t most) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  return read_integer(*value, path_of(name), least, most);
}

std::vector<std::string> Fields::ignored() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : object_.items())
    if (!asked_.contains(name)) names.push_back(path_of(name));
  return names;
}

int64_t read_integer(const Json& value, const std::string& path, int64_t least, int64_t most) {
  std::optional<int64_t> number;
  if (value.is_number_unsigned()) {
    if (value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX)) number = value.get<int64_t>();
  } else if (value.is_number_integer()) {
    number = value.get<int64_t>();
  } else if (value.is_number_float()) {
    const double real = value.get<double>();  // 5.0 is what some clients make of 5
    if (std::abs(real) < 1e15 && real == std::floor(real)) number = static_cast<int64_t>(real);
  }
  if (!number || *number < least || *number > most)
    refuse(path, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return *number;
}

std::string header_list(const std::vector<std::string>& names) {
  constexpr size_t kMost = 1024;
  std::string list;
  for (const std::string& name : names) {
    const bool harmless = std::ranges::all_of(name, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '[' || c == ']';
    });
    if (!harmless || list.size() + name.size() > kMost) continue;
    list += (list.empty() ? "" : ", ") + name;
  }
  return list;
}

}  // namespace hearth::serve
