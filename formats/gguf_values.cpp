// Typed look-ups of GGUF metadata: a key that is there must have a type that fits.
#include <cstring>
#include <limits>
#include <string>

#include "formats/byte_cursor.h"
#include "formats/error.h"
#include "formats/gguf.h"
#include "formats/gguf_parse.h"

namespace hearth {
namespace {

[[noreturn]] void wrong_type(const Gguf& file, const GgufEntry& entry, const char* wanted) {
  std::string found = gguf_type_name(entry.type);
  if (entry.type == GgufType::array) found += std::string(" of ") + gguf_type_name(entry.element_type);
  throw FileError(file.name() + ": key " + in_quotes(entry.key) + " is " + found + " instead of " + wanted);
}

template <class T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// The integer at `bytes`; nullopt where the type is no integer or the value does not fit into int64_t.
std::optional<int64_t> integer(GgufType type, const std::byte* bytes) {
  switch (type) {
    case GgufType::u8:
      return load<uint8_t>(bytes);
    case GgufType::i8:
      return load<int8_t>(bytes);
    case GgufType::u16:
      return load<uint16_t>(bytes);
    case GgufType::i16:
      return load<int16_t>(bytes);
    case GgufType::u32:
      return load<uint32_t>(bytes);
    case GgufType::i32:
      return load<int32_t>(bytes);
    case GgufType::i64:
      return load<int64_t>(bytes);
    case GgufType::u64: {
      const auto value = load<uint64_t>(bytes);
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
      return static_cast<int64_t>(value);
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<int64_t> Gguf::find_int(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (entry == nullptr) return std::nullopt;
  const auto value = integer(entry->type, entry->bytes.data());
  if (!value) wrong_type(*this, *entry, "an integer below 2^63");
  return value;
}

std::optional<uint64_t> Gguf::find_uint(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (entry == nullptr) return std::nullopt;
  if (entry->type == GgufType::u64) return load<uint64_t>(entry->bytes.data());
  const auto value = integer(entry->type, entry->bytes.data());
  if (!value) wrong_type(*this, *entry, "an integer");
  if (*value < 0)
    throw FileError(name() + ": key " + in_quotes(key) + " is " + std::to_string(*value) + ", which is negative");
  return static_cast<uint64_t>(*value);
}

std::optional<double> Gguf::find_float(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (entry == nullptr) return std::nullopt;
  if (entry->type == GgufType::f32) return load<float>(entry->bytes.data());
  if (entry->type == GgufType::f64) return load<double>(entry->bytes.data());
  wrong_type(*this, *entry, "a float");
}

std::optional<bool> Gguf::find_bool(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (entry == nullptr) return std::nullopt;
  if (entry->type != GgufType::boolean) wrong_type(*this, *entry, "bool");
  return entry->bytes[0] != std::byte{0};
}

std::optional<std::string_view> Gguf::find_string(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (entry == nullptr) return std::nullopt;
  if (entry->type != GgufType::string) wrong_type(*this, *entry, "string");
  return std::string_view(reinterpret_cast<const char*>(entry->bytes.data()), entry->bytes.size());
}

std::optional<std::vector<std::string_view>> Gguf::find_strings(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (entry == nullptr) return std::nullopt;
  if (entry->type != GgufType::array || entry->element_type != GgufType::string)
    wrong_type(*this, *entry, "array of string");
  return gguf_strings(*entry);
}

std::optional<std::vector<float>> Gguf::find_floats(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (entry == nullptr) return std::nullopt;
  const bool narrow = entry->element_type == GgufType::f32;
  if (entry->type != GgufType::array || (!narrow && entry->element_type != GgufType::f64))
    wrong_type(*this, *entry, "array of floats");
  std::vector<float> result(entry->count);
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = narrow ? load<float>(&entry->bytes[i * 4]) : static_cast<float>(load<double>(&entry->bytes[i * 8]));
  return result;
}

std::optional<std::vector<int64_t>> Gguf::find_ints(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (entry == nullptr) return std::nullopt;
  const size_t size = gguf_type_size(entry->element_type);
  std::vector<int64_t> result;
  if (entry->type == GgufType::array && size != 0) result.reserve(entry->count);
  for (uint64_t i = 0; i < entry->count; ++i) {
    const auto value = entry->type == GgufType::array && size != 0
                           ? integer(entry->element_type, &entry->bytes[i * size])
                           : std::nullopt;
    if (!value) wrong_type(*this, *entry, "array of integers below 2^63");
    result.push_back(*value);
  }
  return result;
}

}  // namespace hearth
