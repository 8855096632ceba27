// A folder in Hugging Face's layout: weights in one or several safetensors files, and JSON files around them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/json.h"
#include "formats/safetensors.h"

namespace hearth {

// Immutable; the weights stay mapped as long as it lives. All functions that fail throw FileError.
class ModelFolder {
 public:
  // Opens model.safetensors, or the files that model.safetensors.index.json names, or all model*.safetensors.
  static ModelFolder open(const std::filesystem::path& path);

  ModelFolder(ModelFolder&&) = default;

  const std::vector<const SafetensorsTensor*>& tensors() const { return tensors_; }  // sorted by name
  const SafetensorsTensor* find(std::string_view name) const;                        // null where absent
  const std::string& file_of(const SafetensorsTensor& tensor) const;                 // for errors

  // A JSON file of the folder, which must be an object or an array; nullopt where there is none.
  std::optional<Json> read_json(const std::string& file) const;
  std::optional<std::string> read_text(const std::string& file) const;
  std::string path_of(const std::string& file) const;  // for errors
  const std::string& name() const { return name_; }    // of the folder itself
  // For the check that what is written is none of them.
  const std::vector<std::filesystem::path>& weight_files() const { return weight_files_; }

 private:
  explicit ModelFolder(std::filesystem::path path);
  void open_weights();
  std::vector<std::string> list_weights() const;
  void add(const Safetensors& file);
  void check_index(const Json& index) const;

  std::filesystem::path path_;
  std::string name_;
  std::vector<std::filesystem::path> weight_files_;
  std::vector<Safetensors> files_;
  std::vector<const SafetensorsTensor*> tensors_;
  struct Place {
    const SafetensorsTensor* tensor;
    size_t file;
  };
  std::unordered_map<std::string_view, Place> places_;
};

}  // namespace hearth
