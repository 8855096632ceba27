// Entries of every type.
#include "tools/inspect/metadata.h"

namespace hearth {
namespace {

constexpr uint64_t kLongestArray = 8;

template <class T>
nlohmann::ordered_json list(const T& values) {
  auto out = nlohmann::ordered_json::array();
  for (const auto& value : values) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string_view>) out.push_back(std::string(value));
    else out.push_back(value);
  }
  return out;
}

nlohmann::ordered_json value_of(const Gguf& file, const GgufEntry& entry) {
  const GgufType type = entry.element_type;
  const bool integral = type != GgufType::string && type != GgufType::f32 && type != GgufType::f64 && type != GgufType::boolean;
  if (entry.type == GgufType::array) {
    if (entry.count > kLongestArray || type == GgufType::array || type == GgufType::boolean || type == GgufType::u64)
      return "array of " + std::to_string(entry.count);
    if (type == GgufType::string) return list(*file.find_strings(entry.key));
    return integral ? list(*file.find_ints(entry.key)) : list(*file.find_floats(entry.key));
  }
  if (type == GgufType::string) return std::string(*file.find_string(entry.key));
  if (type == GgufType::boolean) return *file.find_bool(entry.key);
  if (type == GgufType::u64) return *file.find_uint(entry.key);
  if (integral) return *file.find_int(entry.key);
  return *file.find_float(entry.key);
}

}  // namespace

nlohmann::ordered_json metadata(const Gguf& file) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const GgufEntry& entry : file.entries()) out[std::string(entry.key)] = value_of(file, entry);
  return out;
}

}  // namespace hearth
