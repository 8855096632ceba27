// Reading and checking the directory.
#include "formats/safetensors.h"

#include <algorithm>
#include <utility>

#include "formats/byte_cursor.h"
#include "formats/error.h"
#include "formats/json.h"

namespace hearth {
namespace {

constexpr uint64_t kLargestHeader = 100'000'000;  // bytes, the bound of the reference
constexpr size_t kMostDimensions = 8;
constexpr size_t kLongestTensorName = 1024;

struct TypeRow {
  SafetensorsType type;
  const char* name;
  uint32_t bytes;
};
constexpr TypeRow kTypes[] = {
    {SafetensorsType::boolean, "BOOL", 1},    {SafetensorsType::u8, "U8", 1},
    {SafetensorsType::i8, "I8", 1},           {SafetensorsType::u16, "U16", 2},
    {SafetensorsType::i16, "I16", 2},         {SafetensorsType::u32, "U32", 4},
    {SafetensorsType::i32, "I32", 4},         {SafetensorsType::u64, "U64", 8},
    {SafetensorsType::i64, "I64", 8},         {SafetensorsType::f8_e4m3, "F8_E4M3", 1},
    {SafetensorsType::f8_e5m2, "F8_E5M2", 1}, {SafetensorsType::f8_e8m0, "F8_E8M0", 1},
    {SafetensorsType::f16, "F16", 2},         {SafetensorsType::bf16, "BF16", 2},
    {SafetensorsType::f32, "F32", 4},         {SafetensorsType::f64, "F64", 8},
};

const TypeRow& row_of(SafetensorsType type) {
  return *std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeRow& row) { return row.type == type; });
}

// What one member of the directory says, before its bytes are known.
struct Entry {
  SafetensorsTensor tensor;
  uint64_t begin, end;
};

class DirectoryReader {
 public:
  DirectoryReader(const std::string& file, uint64_t data_size) : file_(file), data_size_(data_size) {}

  std::vector<Entry> read(const Json& directory) const {
    if (!directory.is_object()) fail("its header is no JSON object");
    std::vector<Entry> entries;
    for (const auto& [name, value] : directory.items())
      if (name != "__metadata__") entries.push_back(read_entry(name, value));
    // Tensors without values begin where others do.
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    uint64_t reached = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != reached)
        fail_at(entry.tensor.name, "begins at byte " + std::to_string(entry.begin) +
                                       " of the data, but the one before " + "ends at " + std::to_string(reached));
      reached = entry.end;
    }
    if (reached != data_size_)
      fail("has " + std::to_string(data_size_) + " bytes of data, but its tensors take " + std::to_string(reached));
    return entries;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw FileError(file_ + ": " + what); }
  [[noreturn]] void fail_at(std::string_view tensor, const std::string& what) const {
    fail("tensor " + in_quotes(tensor) + " " + what);
  }

  Entry read_entry(const std::string& name, const Json& value) const {
    if (name.empty() || name.size() > kLongestTensorName) fail_at(name, "has a name of wrong length");
    if (!value.is_object()) fail_at(name, "is no JSON object");
    const auto type = value.find("dtype"), shape = value.find("shape"), offsets = value.find("data_offsets");
    if (type == value.end() || !type->is_string()) fail_at(name, "has no dtype");
    if (shape == value.end() || !shape->is_array()) fail_at(name, "has no shape");
    if (offsets == value.end() || !offsets->is_array() || offsets->size() != 2) fail_at(name, "has no data_offsets");
    Entry entry{{name, type_of(name, type->get<std::string>()), {}, {}}, 0, 0};
    if (shape->size() > kMostDimensions)
      fail_at(name,
              "has " + std::to_string(shape->size()) + " dimensions; the most are " + std::to_string(kMostDimensions));
    uint64_t size = bytes_of(entry.tensor.type);
    for (const Json& dimension : *shape) {
      entry.tensor.shape.push_back(unsigned_of(name, dimension));
      if (__builtin_mul_overflow(size, entry.tensor.shape.back(), &size)) fail_at(name, "has too many values");
    }
    entry.begin = unsigned_of(name, (*offsets)[0]);
    entry.end = unsigned_of(name, (*offsets)[1]);
    if (entry.begin > entry.end || entry.end > data_size_)
      fail_at(name, "lies at bytes " + std::to_string(entry.begin) + " to " + std::to_string(entry.end) + " of " +
                        std::to_string(data_size_));
    if (entry.end - entry.begin != size)
      fail_at(name, "has " + std::to_string(entry.end - entry.begin) + " bytes, but its type and shape take " +
                        std::to_string(size));
    return entry;
  }

  SafetensorsType type_of(const std::string& tensor, const std::string& name) const {
    for (const TypeRow& row : kTypes)
      if (name == row.name) return row.type;
    fail_at(tensor, "has the unknown dtype " + in_quotes(name));
  }

  uint64_t unsigned_of(const std::string& tensor, const Json& value) const {
    if (!value.is_number_unsigned()) fail_at(tensor, "has a size or offset that is no whole number");
    return value.get<uint64_t>();
  }

  const std::string& file_;
  uint64_t data_size_;
};

}  // namespace

const char* name_of(SafetensorsType type) { return row_of(type).name; }
uint32_t bytes_of(SafetensorsType type) { return row_of(type).bytes; }

Safetensors Safetensors::open(const std::filesystem::path& path) {
  Safetensors result;
  result.name_ = printable(path.native(), kLongestPath);
  result.file_.emplace(path);
  result.read(result.file_->bytes());
  return result;
}

Safetensors Safetensors::view(std::span<const std::byte> bytes, std::string name) {
  Safetensors result;
  result.name_ = std::move(name);
  result.read(bytes);
  return result;
}

void Safetensors::read(std::span<const std::byte> bytes) {
  ByteCursor cursor(bytes, name_);
  const auto length = cursor.read<uint64_t>("the header's length");
  if (length > kLargestHeader) cursor.fail("a header of " + std::to_string(length) + " bytes is too long", 0);
  const auto header = cursor.take(length, "the header");
  const std::string_view text(reinterpret_cast<const char*>(header.data()), header.size());
  if (!text.starts_with('{')) cursor.fail("the header does not begin with {", sizeof length);
  const auto data = bytes.subspan(sizeof length + header.size());
  for (Entry& entry : DirectoryReader(name_, data.size()).read(parse_json(text, name_))) {
    entry.tensor.bytes = data.subspan(entry.begin, entry.end - entry.begin);
    tensors_.push_back(std::move(entry.tensor));
  }
}

}  // namespace hearth
