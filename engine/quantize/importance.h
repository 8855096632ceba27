// Importance matrices: how much each column of a matrix matters, measured on a text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"

namespace hearth {

// The mean square of what each column of a matrix was multiplied by, as llama.cpp keeps it in a GGUF file: of a matrix
// NAME the tensors NAME.in_sum2 [width x experts] and NAME.counts [1 x experts], both F32. Immutable.
class Importance {
 public:
  // Throws FileError where the file is something else or holds numbers that cannot be.
  static Importance load(const std::filesystem::path& path);
  static Importance read(const Gguf& file);

  // [width x experts] of a matrix; empty where the file has none of it. Throws FileError where it has another size.
  std::span<const float> find(std::string_view tensor, uint64_t width, uint64_t experts) const;

  size_t size() const { return columns_.size(); }  // matrices
  const std::string& name() const { return name_; }
  const std::string& data_set() const { return data_set_; }
  uint32_t chunks() const { return chunks_; }

 private:
  std::string name_, data_set_;
  uint32_t chunks_ = 0;
  std::map<std::string, std::vector<float>, std::less<>> columns_;
};

}  // namespace hearth
