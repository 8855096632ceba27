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

// What a squared error counts in each column of a matrix: the root of the mean square of what the column was multiplied
// by. For the measured text itself the mean square would be right; but which columns are large depends on the text, and
// with the root the others keep enough to serve texts of other kinds (bench/README.md has figures). The sums of squares
// are read as llama.cpp keeps them in a GGUF file: of a matrix NAME the tensors NAME.in_sum2 [width x experts] and
// NAME.counts [1 x experts], both F32. Immutable.
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
