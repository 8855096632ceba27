// Reading and checking importance matrices.
#include "engine/quantize/importance.h"

#include <cmath>
#include <cstring>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

constexpr std::string_view kSums = ".in_sum2", kCounts = ".counts";

std::vector<float> floats_of(const Gguf& file, const GgufTensor& tensor) {
  if (tensor.format != Format::f32) throw FileError(file.name() + ": tensor " + in_quotes(tensor.name) + " is not F32");
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  for (const float value : values)
    if (!std::isfinite(value) || value < 0)
      throw FileError(file.name() + ": tensor " + in_quotes(tensor.name) + " holds a number that is no sum of squares");
  return values;
}

// Sums of squares become what errors count. An expert that was never asked counts the same in all columns.
std::vector<float> worth_of(std::vector<float> sums, const std::vector<float>& counts) {
  const size_t width = sums.size() / counts.size();
  for (size_t expert = 0; expert < counts.size(); ++expert)
    for (size_t i = expert * width; i < (expert + 1) * width; ++i)
      sums[i] = counts[expert] > 0 ? std::sqrt(sums[i] / counts[expert]) : 1.0f;
  return sums;
}

}  // namespace

Importance Importance::load(const std::filesystem::path& path) { return read(Gguf::open(path)); }

Importance Importance::read(const Gguf& file) {
  Importance result;
  result.name_ = file.name();
  for (const GgufTensor& tensor : file.tensors()) {
    if (!tensor.name.ends_with(kSums)) continue;
    const std::string name(tensor.name.substr(0, tensor.name.size() - kSums.size()));
    const GgufTensor* counted = file.find_tensor(name + std::string(kCounts));
    if (counted == nullptr) throw FileError(file.name() + ": there are no counts of " + in_quotes(name));
    const std::vector<float> counts = floats_of(file, *counted);
    if (counts.size() != tensor.dims[1] * tensor.dims[2] * tensor.dims[3])
      throw FileError(file.name() + ": " + in_quotes(name) + " has " + std::to_string(counts.size()) +
                      " counts that do not fit its sums");
    result.columns_.emplace(name, worth_of(floats_of(file, tensor), counts));
  }
  if (result.columns_.empty()) throw FileError(file.name() + ": holds no importance matrix");
  result.chunks_ = static_cast<uint32_t>(file.find_uint("imatrix.chunk_count").value_or(0));
  if (const auto names = file.find_strings("imatrix.datasets"); names && !names->empty())
    result.data_set_ = names->front();
  return result;
}

std::span<const float> Importance::find(std::string_view tensor, uint64_t width, uint64_t experts) const {
  const auto found = columns_.find(tensor);
  if (found == columns_.end()) return {};
  if (found->second.size() != width * experts)
    throw FileError(name_ + ": " + in_quotes(tensor) + " has " + std::to_string(found->second.size()) +
                    " columns instead of " + std::to_string(width * experts) + "; it was made with another model");
  return found->second;
}

}  // namespace hearth
