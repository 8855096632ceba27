// Looking up and checking tensors.
#include "engine/model/tensors.h"

#include <algorithm>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

std::string shape(uint64_t width, uint64_t rows, uint64_t count) {
  std::string text = "[" + std::to_string(width);
  if (rows > 1 || count > 1) text += " x " + std::to_string(rows);
  if (count > 1) text += " x " + std::to_string(count);
  return text + "]";
}

}  // namespace

TensorReader::TensorReader(const Gguf& file, Program& program)
    : file_(file), program_(program), used_(file.tensors().size()) {}

const GgufTensor& TensorReader::checked(std::string_view name, uint64_t width, uint64_t rows, uint64_t count) {
  const GgufTensor* tensor = file_.find_tensor(name);
  if (tensor == nullptr) throw FileError(file_.name() + ": tensor " + in_quotes(name) + " is missing");
  const uint64_t* dims = tensor->dims;
  if (dims[0] != width || dims[1] != rows || dims[2] != count || dims[3] != 1)
    throw FileError(file_.name() + ": tensor " + in_quotes(name) + " is " + shape(dims[0], dims[1], dims[2] * dims[3]) +
                    ", but the model's metadata asks for " + shape(width, rows, count));
  use(*tensor);
  return *tensor;
}

WeightId TensorReader::add(Weight weight) {
  const auto next = static_cast<WeightId>(program_.weights.size());
  const auto [known, is_new] = ids_.try_emplace({weight.bytes.data(), weight.width * weight.rows}, next);
  if (is_new) program_.weights.push_back(std::move(weight));
  return known->second;
}

WeightId TensorReader::add(const std::string& name, const GgufTensor& tensor, uint64_t first, uint64_t rows) {
  const FormatInfo& info = format_info(tensor.format);
  const uint64_t row_bytes = tensor.dims[0] / info.block_size * info.block_bytes;
  return add({name, tensor.format, tensor.dims[0], rows, tensor.bytes.subspan(first * row_bytes, rows * row_bytes),
              scales_of(tensor)});
}

std::vector<float> TensorReader::scales_of(const GgufTensor& tensor) {
  constexpr std::string_view kWeight = ".weight";
  const std::string_view name = tensor.name;
  if (!name.ends_with(kWeight) || name == "token_embd.weight" || tensor.dims[1] == 1) return {};
  std::vector<float> scales;
  for (const auto& base : {std::string(name.substr(0, name.size() - kWeight.size())), std::string(name)}) {
    if (const GgufTensor* unneeded = file_.find_tensor(base + ".input_scale")) use(*unneeded);
    if (const GgufTensor* found = file_.find_tensor(base + ".scale"))
      scales = optional_values(found->name, found->dims[0] == 1 ? 1 : tensor.dims[2]);
  }
  return scales;
}

WeightId TensorReader::matrix(std::string_view name, uint64_t width, uint64_t rows) {
  return add(std::string(name), checked(name, width, rows, 1), 0, rows);
}

WeightId TensorReader::rows_of(std::string_view name, uint64_t width, uint64_t all, uint64_t first, uint64_t rows) {
  const std::string range = "[" + std::to_string(first) + ":" + std::to_string(first + rows) + "]";
  return add(std::string(name) + range, checked(name, width, all, 1), first, rows);
}

WeightId TensorReader::stack(std::string_view name, uint64_t width, uint64_t rows, uint64_t count) {
  return add(std::string(name), checked(name, width, rows, count), 0, rows * count);
}

WeightId TensorReader::optional_vector(std::string_view name, uint64_t width) {
  return has(name) ? matrix(name, width, 1) : kNoWeight;
}

WeightId TensorReader::optional_rows(std::string_view name, uint64_t width, uint64_t rows) {
  return has(name) ? matrix(name, width, rows) : kNoWeight;
}

WeightId TensorReader::optional_part(std::string_view name, uint64_t all, uint64_t first, uint64_t count) {
  if (!has(name)) return kNoWeight;
  const GgufTensor& tensor = checked(name, all, 1, 1);
  const FormatInfo& info = format_info(tensor.format);
  if (info.block_size != 1)
    throw FileError(file_.name() + ": tensor " + in_quotes(name) + " is " + info.name + ", but must be made of floats");
  const std::string range = "[" + std::to_string(first) + ":" + std::to_string(first + count) + "]";
  return add({std::string(name) + range, tensor.format, count, 1,
              tensor.bytes.subspan(first * info.block_bytes, count * info.block_bytes)});
}

std::vector<float> TensorReader::optional_values(std::string_view name, uint64_t width) {
  if (!has(name)) return {};
  const GgufTensor& tensor = checked(name, width, 1, 1);
  std::vector<float> values(width);
  format_info(tensor.format).decode(tensor.bytes.data(), values.data(), width);
  return values;
}

void TensorReader::leave_out(std::string_view beginning) {
  for (size_t i = 0; i < used_.size(); ++i)
    if (file_.tensors()[i].name.starts_with(beginning)) used_[i] = true;
}

void TensorReader::require_all_used() const {
  const auto unused = std::find(used_.begin(), used_.end(), false);
  if (unused == used_.end()) return;
  const GgufTensor& tensor = file_.tensors()[static_cast<size_t>(unused - used_.begin())];
  throw FileError(file_.name() + ": tensor " + in_quotes(tensor.name) + " has no place in this architecture");
}

}  // namespace hearth
