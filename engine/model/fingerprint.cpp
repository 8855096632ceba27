// Which bytes of a model count.
#include "engine/model/fingerprint.h"

#include <algorithm>
#include <string>

#include "formats/checksum.h"

namespace hearth {
namespace {

constexpr uint64_t kStretches = 8, kStretch = 512;

template <class T>
void add_value(Checksum& checksum, const T& value) {
  checksum.add(std::as_bytes(std::span(&value, 1)));
}

void add_text(Checksum& checksum, std::string_view text) {
  add_value(checksum, uint64_t{text.size()});
  checksum.add(std::as_bytes(std::span(text)));
}

void add_samples(Checksum& checksum, std::span<const std::byte> bytes) {
  if (bytes.size() <= kStretches * kStretch) return checksum.add(bytes);
  for (uint64_t i = 0; i < kStretches; ++i)
    checksum.add(bytes.subspan((bytes.size() - kStretch) / (kStretches - 1) * i, kStretch));
}

}  // namespace

uint64_t fingerprint_model(const Gguf& file) {
  Checksum checksum;
  const std::string architecture(file.find_string("general.architecture").value_or(""));
  add_text(checksum, architecture);
  std::vector<GgufEntry> entries;
  for (const GgufEntry& entry : file.entries())
    if (entry.key.starts_with(architecture + ".") || entry.key.starts_with("adapter.")) entries.push_back(entry);
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  for (const GgufEntry& entry : entries) {
    add_text(checksum, entry.key);
    add_value(checksum, entry.type);
    add_value(checksum, uint64_t{entry.bytes.size()});
    checksum.add(entry.bytes);
  }
  std::vector<GgufTensor> tensors = file.tensors();
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const GgufTensor& tensor : tensors) {
    add_text(checksum, tensor.name);
    add_value(checksum, tensor.format);
    for (const uint64_t dimension : tensor.dims) add_value(checksum, dimension);
    add_samples(checksum, tensor.bytes);
  }
  return checksum.value();
}

uint64_t fingerprint_angles(const Program& program) {
  Checksum checksum;
  for (const RopeTable& table : program.rope_tables) {
    add_value(checksum, uint64_t{table.frequency.size()});
    checksum.add(std::as_bytes(std::span(table.frequency)));
    add_value(checksum, table.magnitude);
  }
  return checksum.value();
}

}  // namespace hearth
