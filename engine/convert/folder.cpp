// Finding and opening the files.
#include "engine/convert/folder.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

constexpr uint64_t kLargestText = uint64_t{256} << 20;  // bytes of a JSON file; large tokenizers have some 40 MiB
constexpr const char* kIndex = "model.safetensors.index.json";

// Names come from a file of the folder, and must not lead out of it.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos && name.find('\0') == name.npos;
}

}  // namespace

ModelFolder::ModelFolder(std::filesystem::path path) : path_(std::move(path)) {
  auto last = path_.filename().empty() ? path_.parent_path().filename() : path_.filename();
  std::error_code ignored;
  if (last.empty() || last == "." || last == "..") last = std::filesystem::canonical(path_, ignored).filename();
  name_ = last.native();
}

ModelFolder ModelFolder::open(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored))
    throw FileError(printable(path.native(), kLongestPath) + ": is no folder");
  ModelFolder folder(path);
  folder.open_weights();
  return folder;
}

std::string ModelFolder::path_of(const std::string& file) const {
  return printable((path_ / file).native(), kLongestPath);
}

std::optional<std::string> ModelFolder::read_text(const std::string& file) const {
  const auto path = path_ / file;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  if (!std::filesystem::is_regular_file(path, error)) throw FileError(path_of(file) + ": is no regular file");
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error || size > kLargestText)
    throw FileError(path_of(file) + ": is larger than " + std::to_string(kLargestText >> 20) + " MiB");
  std::ifstream in(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in) throw FileError(path_of(file) + ": cannot be read");
  return text;
}

std::optional<Json> ModelFolder::read_json(const std::string& file) const {
  const auto text = read_text(file);
  if (!text) return std::nullopt;
  Json json = parse_json(*text, path_of(file));
  if (!json.is_structured()) throw FileError(path_of(file) + ": is no JSON object");
  return json;
}

std::vector<std::string> ModelFolder::list_weights() const {
  std::set<std::string> names;
  bool pickled = false;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    const std::string name = entry.path().filename().native();
    if (name.starts_with("model") && name.ends_with(".safetensors")) names.insert(name);
    if (name.ends_with(".bin") || name.ends_with(".pt")) pickled = true;
  }
  if (names.empty())
    throw FileError(printable(path_.native(), kLongestPath) + ": has no model*.safetensors" +
                    (pickled ? "; PyTorch's pickled files are not read" : ""));
  return {names.begin(), names.end()};
}

void ModelFolder::open_weights() {
  std::vector<std::string> names;
  const auto index = read_json(kIndex);
  if (index) {
    const auto map = index->find("weight_map");
    if (map == index->end() || !map->is_object()) throw FileError(path_of(kIndex) + ": has no weight_map");
    std::set<std::string> files;
    for (const auto& [tensor, file] : map->items()) {
      if (!file.is_string() || !is_plain_name(file.get<std::string>()))
        throw FileError(path_of(kIndex) + ": the file of " + in_quotes(tensor) + " is no plain file name");
      files.insert(file.get<std::string>());
    }
    names.assign(files.begin(), files.end());
  } else {
    names = list_weights();
  }
  files_.reserve(names.size());
  for (const std::string& name : names) {
    weight_files_.push_back(path_ / name);
    files_.push_back(Safetensors::open(weight_files_.back()));
    add(files_.back());
  }
  std::sort(tensors_.begin(), tensors_.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  if (index) check_index(*index);
}

void ModelFolder::add(const Safetensors& file) {
  for (const SafetensorsTensor& tensor : file.tensors()) {
    const auto [known, is_new] = places_.try_emplace(tensor.name, Place{&tensor, files_.size() - 1});
    if (!is_new)
      throw FileError(file.name() + ": tensor " + in_quotes(tensor.name) + " is also in " +
                      files_[known->second.file].name());
    tensors_.push_back(&tensor);
  }
}

void ModelFolder::check_index(const Json& index) const {
  for (const auto& [tensor, file] : index.at("weight_map").items())
    if (find(tensor) == nullptr)
      throw FileError(path_of(kIndex) + ": tensor " + in_quotes(tensor) + " is not in " +
                      path_of(file.get<std::string>()));
}

const SafetensorsTensor* ModelFolder::find(std::string_view name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : found->second.tensor;
}

const std::string& ModelFolder::file_of(const SafetensorsTensor& tensor) const {
  return files_[places_.at(tensor.name).file].name();
}

}  // namespace hearth
