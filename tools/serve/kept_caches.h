// The caches of models in a folder, while the models are not loaded.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "hearth/hearth.h"

namespace hearth::serve {

// Does nothing where the folder's path is empty, and throws nothing: the log is told.
struct KeptCaches {
  std::filesystem::path folder;
  std::function<void(const std::string&)> log;

  void restore(const std::string& model, Engine& engine) const;
  void save(const std::string& model, Engine& engine) const;
  // Of a model's name all but letters, digits, '-', '_' and dots within becomes %NN: "hf.co%2Fa%2Fb.cache".
  std::filesystem::path file_of(const std::string& model) const;
};

}  // namespace hearth::serve
