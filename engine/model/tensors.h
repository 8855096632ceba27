// A model file's tensors as the weights of a program, each checked for the shape that the architecture gives it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/program.h"
#include "formats/gguf.h"

namespace hearth {

// Adds tensors to program.weights as they are asked for; the file must outlive the program. All functions throw
// FileError naming the tensor where it is missing or has another shape. Beside "X.weight" a matrix may have "X.scale"
// (or "X.weight.scale"), floats that its products are multiplied by, one in all or one for each of a stack: so files of
// NVFP4 weights have it. Their "X.input_scale" is what rounded activations would be divided by, and is not needed.
class TensorReader {
 public:
  TensorReader(const Gguf& file, Program& program);

  // A matrix of `rows` rows of `width` values; a vector has one row. The same tensor gives the same id.
  WeightId matrix(std::string_view name, uint64_t width, uint64_t rows);
  // Rows [first, first + rows) of a matrix of `all` rows.
  WeightId rows_of(std::string_view name, uint64_t width, uint64_t all, uint64_t first, uint64_t rows);
  // `count` matrices one below the other.
  WeightId stack(std::string_view name, uint64_t width, uint64_t rows, uint64_t count);
  WeightId optional_vector(std::string_view name, uint64_t width);  // kNoWeight where absent
  WeightId optional_rows(std::string_view name, uint64_t width, uint64_t rows);
  // The values [first, first + count) of a vector of `all` floats.
  WeightId optional_part(std::string_view name, uint64_t all, uint64_t first, uint64_t count);
  // Decoded values of a small vector; empty where absent.
  std::vector<float> optional_values(std::string_view name, uint64_t width);
  bool has(std::string_view name) const { return file_.find_tensor(name) != nullptr; }

  // What begins so has no part in the program, and may be there.
  void leave_out(std::string_view beginning);

  // Throws FileError where a tensor was never asked for: the file holds something that the program would ignore.
  void require_all_used() const;

 private:
  void use(const GgufTensor& tensor) { used_[static_cast<size_t>(&tensor - file_.tensors().data())] = true; }
  const GgufTensor& checked(std::string_view name, uint64_t width, uint64_t rows, uint64_t count);
  std::vector<float> scales_of(const GgufTensor& tensor);
  WeightId add(const std::string& name, const GgufTensor& tensor, uint64_t first, uint64_t rows);
  WeightId add(Weight weight);

  const Gguf& file_;
  Program& program_;
  std::vector<bool> used_;                                         // by tensor of the file
  std::map<std::pair<const std::byte*, uint64_t>, WeightId> ids_;  // by first byte and number of values
};

}  // namespace hearth
