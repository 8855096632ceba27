// Opens GGUF models: one file, the parts of a split one, or bytes in memory.
#include "formats/gguf.h"

#include <cstdio>
#include <unordered_map>

#include "formats/byte_cursor.h"
#include "formats/error.h"
#include "formats/gguf_parse.h"
#include "formats/mapped_file.h"

namespace hearth {

struct Gguf::State {
  std::string name;
  std::vector<MappedFile> files;
  std::vector<std::filesystem::path> paths;  // of them
  GgufDirectory directory;                   // of all parts; the metadata is the first one's
  std::unordered_map<std::string_view, size_t> entry_index, tensor_index;

  // Adds the tensors of one part; a name that an earlier part had is an error.
  void add_tensors(const std::vector<GgufTensor>& tensors, const std::string& part) {
    for (const GgufTensor& tensor : tensors) {
      if (!tensor_index.emplace(tensor.name, directory.tensors.size()).second)
        throw FileError(part + ": tensor " + in_quotes(tensor.name) + " is in an earlier part too");
      directory.tensors.push_back(tensor);
    }
  }
};

namespace {

constexpr uint64_t kMostParts = 99999;  // five digits in the name

// The path of part `number` (from 1), given the path of any part; nullopt where the name is not that of a part.
std::optional<std::filesystem::path> part_path(const std::filesystem::path& path, uint64_t number, uint64_t count) {
  const std::string name = path.filename().string();
  constexpr std::string_view kPattern = "-00000-of-00000.gguf";
  if (name.size() <= kPattern.size()) return std::nullopt;
  const std::string tail = name.substr(name.size() - kPattern.size());
  for (size_t i = 0; i < tail.size(); ++i) {
    const bool digit = tail[i] >= '0' && tail[i] <= '9';
    if (kPattern[i] == '0' ? !digit : tail[i] != kPattern[i]) return std::nullopt;
  }
  char replacement[64];
  std::snprintf(replacement, sizeof replacement, "-%05llu-of-%05llu.gguf", static_cast<unsigned long long>(number),
                static_cast<unsigned long long>(count));
  return path.parent_path() / (name.substr(0, name.size() - kPattern.size()) + replacement);
}

}  // namespace

Gguf::Gguf(std::unique_ptr<State> state) : state_(std::move(state)) {}
Gguf::Gguf(Gguf&&) noexcept = default;
Gguf& Gguf::operator=(Gguf&&) noexcept = default;
Gguf::~Gguf() = default;

Gguf Gguf::view(std::span<const std::byte> bytes, std::string name) {
  auto state = std::make_unique<State>();
  state->name = std::move(name);
  GgufDirectory directory = parse_gguf(bytes, state->name);
  state->directory.entries = std::move(directory.entries);
  const auto& entries = state->directory.entries;
  for (size_t i = 0; i < entries.size(); ++i) state->entry_index.emplace(entries[i].key, i);
  state->add_tensors(directory.tensors, state->name);
  return Gguf(std::move(state));
}

Gguf Gguf::open(const std::filesystem::path& path) {
  MappedFile mapping(path);
  Gguf file = view(mapping.bytes(), printable(path.native(), kLongestPath));
  file.state_->files.push_back(std::move(mapping));
  file.state_->paths.push_back(path);
  const uint64_t count = file.find_uint("split.count").value_or(1);
  if (count <= 1) return file;

  const auto first = part_path(path, 1, count);
  if (count > kMostParts || !first)
    throw FileError(printable(path.native(), kLongestPath) + ": is one of " + std::to_string(count) +
                    " parts, but is not named like NAME-00001-of-0000N.gguf");
  if (file.find_uint("split.no").value_or(0) != 0) {
    if (first->filename() == path.filename())
      throw FileError(printable(path.native(), kLongestPath) +
                      ": is named as the first part, but split.no says otherwise");
    return open(*first);
  }
  const auto total = file.find_uint("split.tensors.count");
  for (uint64_t number = 2; number <= count; ++number) {
    const auto next = part_path(path, number, count);
    MappedFile part_mapping(*next);
    const Gguf part = view(part_mapping.bytes(), printable(next->native(), kLongestPath));
    if (part.find_uint("split.no") != number - 1 || part.find_uint("split.count") != count)
      throw FileError(printable(next->native(), kLongestPath) + ": split.no and split.count do not say part " +
                      std::to_string(number) + " of " + std::to_string(count));
    if (part.find_uint("split.tensors.count") != total)
      throw FileError(part.name() + ": split.tensors.count differs from that of the first part");
    file.state_->add_tensors(part.tensors(), printable(next->native(), kLongestPath));
    file.state_->files.push_back(std::move(part_mapping));
    file.state_->paths.push_back(*next);
  }
  if (total && *total != file.tensors().size())
    throw FileError(printable(path.native(), kLongestPath) + ": the parts hold " +
                    std::to_string(file.tensors().size()) + " tensors instead of " + std::to_string(*total));
  return file;
}

const std::vector<GgufEntry>& Gguf::entries() const { return state_->directory.entries; }
const std::vector<GgufTensor>& Gguf::tensors() const { return state_->directory.tensors; }
const std::string& Gguf::name() const { return state_->name; }
const std::vector<std::filesystem::path>& Gguf::paths() const { return state_->paths; }

const GgufTensor* Gguf::find_tensor(std::string_view tensor) const {
  const auto found = state_->tensor_index.find(tensor);
  return found == state_->tensor_index.end() ? nullptr : &state_->directory.tensors[found->second];
}

const GgufEntry* Gguf::find_entry(std::string_view key) const {
  const auto found = state_->entry_index.find(key);
  return found == state_->entry_index.end() ? nullptr : &state_->directory.entries[found->second];
}

}  // namespace hearth
