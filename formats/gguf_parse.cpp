// Parses a GGUF file; every number is checked in 64 bits against the bytes before anything depends on it.
#include "formats/gguf_parse.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <unordered_set>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

static_assert(std::endian::native == std::endian::little, "values are read as they lie in the file");

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint32_t kSwappedMagic = 0x47475546;
constexpr uint64_t kSmallestEntry = 8 + 1 + 4 + 1;           // key length, one letter, type, one byte
constexpr uint64_t kSmallestTensor = 8 + 1 + 4 + 8 + 4 + 8;  // name length, one letter, count, dimension, type, offset

// A name that may stand in an error message: bounded and not empty.
std::string_view read_name(ByteCursor& cursor, const char* what) {
  const uint64_t at = cursor.position();
  const std::string_view text = cursor.read_string(what);
  if (text.empty() || text.size() > kGgufLongestName)
    cursor.fail(std::string(what) + " of " + std::to_string(text.size()) + " bytes", at);
  return text;
}

GgufType read_type(ByteCursor& cursor, std::string_view key) {
  const uint64_t at = cursor.position();
  const auto type = cursor.read<uint32_t>("a value type");
  if (type > static_cast<uint32_t>(GgufType::f64))
    cursor.fail("key " + in_quotes(key) + " has unknown value type " + std::to_string(type), at);
  return static_cast<GgufType>(type);
}

void check_bools(const ByteCursor& cursor, uint64_t at, std::span<const std::byte> bytes) {
  for (const std::byte value : bytes)
    if (value > std::byte{1})
      cursor.fail("boolean " + std::to_string(std::to_integer<int>(value)) + " instead of 0 or 1", at);
}

// Reads `count` elements of a type; the result spans them as they lie in the file.
std::span<const std::byte> read_elements(ByteCursor& cursor, std::span<const std::byte> file, GgufType type,
                                         uint64_t count) {
  const uint64_t at = cursor.position();
  if (const size_t size = gguf_type_size(type); size != 0) {
    if (count > cursor.remaining() / size)
      cursor.fail("an array of " + std::to_string(count) + " values does not fit the file", at);
    const auto bytes = cursor.take(count * size, "a value");
    if (type == GgufType::boolean) check_bools(cursor, at, bytes);
    return bytes;
  }
  if (count > cursor.remaining() / 8)
    cursor.fail("an array of " + std::to_string(count) + " strings does not fit the file", at);
  for (uint64_t i = 0; i < count; ++i) cursor.read_string("a string");
  return file.subspan(at, cursor.position() - at);
}

GgufEntry read_entry(ByteCursor& cursor, std::span<const std::byte> file) {
  GgufEntry entry{};
  entry.key = read_name(cursor, "a key");
  entry.type = entry.element_type = read_type(cursor, entry.key);
  entry.count = 1;
  if (entry.type == GgufType::string) {
    const auto text = cursor.read_string("a string");
    entry.bytes = std::as_bytes(std::span(text));
  } else if (entry.type == GgufType::array) {
    const uint64_t at = cursor.position();
    entry.element_type = read_type(cursor, entry.key);
    if (entry.element_type == GgufType::array) cursor.fail("an array of arrays, which is not supported,", at);
    entry.count = cursor.read<uint64_t>("an array's count");
    entry.bytes = read_elements(cursor, file, entry.element_type, entry.count);
  } else {
    entry.bytes = read_elements(cursor, file, entry.type, 1);
  }
  return entry;
}

struct PlacedTensor {
  GgufTensor tensor;
  uint64_t offset, size;  // in the data section
};

PlacedTensor read_tensor(ByteCursor& cursor, uint64_t alignment) {
  PlacedTensor placed{};
  GgufTensor& tensor = placed.tensor;
  const uint64_t at = cursor.position();
  tensor.name = read_name(cursor, "a tensor name");
  const auto fail = [&](const std::string& what) { cursor.fail("tensor " + in_quotes(tensor.name) + " " + what, at); };
  const auto rank = cursor.read<uint32_t>("a dimension count");
  if (rank < 1 || rank > 4) fail("has " + std::to_string(rank) + " dimensions instead of 1 to 4");
  uint64_t values = 1;
  for (uint32_t i = 0; i < 4; ++i) {
    tensor.dims[i] = i < rank ? cursor.read<uint64_t>("a dimension") : 1;
    if (tensor.dims[i] == 0) fail("has a dimension of 0");
    if (values > std::numeric_limits<int64_t>::max() / tensor.dims[i]) fail("has too many values");
    values *= tensor.dims[i];
  }
  const auto type = cursor.read<uint32_t>("a tensor type");
  const FormatInfo* info = find_format(type);
  if (info == nullptr) {
    fail("has type " + std::to_string(type) + ", which is not known,");
    return placed;
  }
  tensor.format = info->format;
  if (tensor.dims[0] % info->block_size != 0)
    fail(std::string("has rows of ") + std::to_string(tensor.dims[0]) + " values, not a multiple of " +
         std::to_string(info->block_size) + " as " + info->name + " needs,");
  const uint64_t blocks = values / info->block_size;
  if (blocks > std::numeric_limits<int64_t>::max() / info->block_bytes) fail("has too many values for the format");
  placed.size = blocks * info->block_bytes;
  placed.offset = cursor.read<uint64_t>("a tensor offset");
  if (placed.offset % alignment != 0)
    fail("has offset " + std::to_string(placed.offset) + ", not a multiple of " + std::to_string(alignment) + ",");
  return placed;
}

uint64_t read_alignment(const ByteCursor& cursor, const std::vector<GgufEntry>& entries) {
  for (const GgufEntry& entry : entries) {
    if (entry.key != "general.alignment") continue;
    if (entry.type != GgufType::u32)
      cursor.fail(std::string("general.alignment has type ") + gguf_type_name(entry.type) + ", not u32, in the header",
                  0);
    uint32_t value;
    std::memcpy(&value, entry.bytes.data(), sizeof value);
    if (!std::has_single_bit(value) || value < 8 || value > (1u << 20))
      cursor.fail(
          "general.alignment is " + std::to_string(value) + ", not a power of two from 8 to 2^20, in the header", 0);
    return value;
  }
  return 32;
}

// Sets each tensor's bytes, having checked that it lies in the file and on no other.
void place(const ByteCursor& cursor, std::span<const std::byte> data, uint64_t start,
           std::vector<PlacedTensor>& tensors) {
  std::vector<PlacedTensor*> by_offset;
  by_offset.reserve(tensors.size());
  for (PlacedTensor& placed : tensors) {
    if (placed.offset > data.size() || placed.size > data.size() - placed.offset) {
      cursor.fail("tensor " + in_quotes(placed.tensor.name) + " needs " + std::to_string(placed.size) +
                      " bytes at offset " + std::to_string(placed.offset) + ", past the end of the data that begins",
                  start);
    }
    placed.tensor.bytes = data.subspan(placed.offset, placed.size);
    by_offset.push_back(&placed);
  }
  std::sort(by_offset.begin(), by_offset.end(), [](auto* a, auto* b) { return a->offset < b->offset; });
  for (size_t i = 1; i < by_offset.size(); ++i) {
    if (by_offset[i - 1]->offset + by_offset[i - 1]->size > by_offset[i]->offset) {
      cursor.fail("tensors " + in_quotes(by_offset[i - 1]->tensor.name) + " and " +
                      in_quotes(by_offset[i]->tensor.name) + " overlap",
                  start + by_offset[i]->offset);
    }
  }
}

}  // namespace

size_t gguf_type_size(GgufType type) {
  switch (type) {
    case GgufType::u8:
    case GgufType::i8:
    case GgufType::boolean:
      return 1;
    case GgufType::u16:
    case GgufType::i16:
      return 2;
    case GgufType::u32:
    case GgufType::i32:
    case GgufType::f32:
      return 4;
    case GgufType::u64:
    case GgufType::i64:
    case GgufType::f64:
      return 8;
    case GgufType::string:
    case GgufType::array:
      return 0;
  }
  return 0;
}

const char* gguf_type_name(GgufType type) {
  constexpr const char* kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                    "bool", "string", "array", "u64", "i64", "f64"};
  return kNames[static_cast<uint32_t>(type)];
}

GgufDirectory parse_gguf(std::span<const std::byte> bytes, const std::string& name) {
  ByteCursor cursor(bytes, name);
  if (bytes.empty()) cursor.fail("the file is empty,", 0);
  const auto magic = cursor.read<uint32_t>("the magic number");
  const bool swapped = magic == kSwappedMagic;
  if (magic != kMagic && !swapped) cursor.fail("not a GGUF file: no magic number", 0);
  const auto version = cursor.read<uint32_t>("the version");
  if (swapped || version == 0x02000000 || version == 0x03000000)
    cursor.fail("a big-endian GGUF file, which is not supported,", 4);
  if (version != 2 && version != 3) cursor.fail("GGUF version " + std::to_string(version) + " instead of 2 or 3", 4);
  const auto tensor_count = cursor.read<uint64_t>("the tensor count");
  const auto entry_count = cursor.read<uint64_t>("the key count");
  if (tensor_count > bytes.size() / kSmallestTensor)
    cursor.fail("a count of " + std::to_string(tensor_count) + " tensors does not fit the file", 8);
  if (entry_count > bytes.size() / kSmallestEntry)
    cursor.fail("a count of " + std::to_string(entry_count) + " keys does not fit the file", 16);

  GgufDirectory directory;
  std::unordered_set<std::string_view> names;
  for (uint64_t i = 0; i < entry_count; ++i) {
    const uint64_t at = cursor.position();
    directory.entries.push_back(read_entry(cursor, bytes));
    if (!names.insert(directory.entries.back().key).second)
      cursor.fail("key " + in_quotes(directory.entries.back().key) + " occurs twice,", at);
  }
  const uint64_t alignment = read_alignment(cursor, directory.entries);
  std::vector<PlacedTensor> tensors;
  names.clear();
  for (uint64_t i = 0; i < tensor_count; ++i) {
    const uint64_t at = cursor.position();
    tensors.push_back(read_tensor(cursor, alignment));
    if (!names.insert(tensors.back().tensor.name).second)
      cursor.fail("tensor " + in_quotes(tensors.back().tensor.name) + " occurs twice,", at);
  }
  const uint64_t start = std::min<uint64_t>((cursor.position() + alignment - 1) / alignment * alignment, bytes.size());
  place(cursor, bytes.subspan(start), start, tensors);
  directory.tensors.reserve(tensors.size());
  for (const PlacedTensor& placed : tensors) directory.tensors.push_back(placed.tensor);
  return directory;
}

std::vector<std::string_view> gguf_strings(const GgufEntry& entry) {
  std::vector<std::string_view> result;
  result.reserve(entry.count);
  const std::byte* at = entry.bytes.data();
  for (uint64_t i = 0; i < entry.count; ++i) {
    uint64_t length;
    std::memcpy(&length, at, sizeof length);
    result.emplace_back(reinterpret_cast<const char*>(at + sizeof length), length);
    at += sizeof length + length;
  }
  return result;
}

}  // namespace hearth
