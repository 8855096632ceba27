// From the tensors of a folder to those of a GGUF file.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/convert/convert.h"
#include "engine/convert/model_keys.h"
#include "engine/convert/names.h"

namespace hearth {

// Plans the tensors of one model. All functions throw FileError naming the file and the tensor.
class TensorPlanner {
 public:
  TensorPlanner(const ModelFolder& folder, const ModelFamily& family, const Settings& config);

  // All tensors, in the order of the file; formats are still to be chosen, but for MXFP4.
  std::vector<ConvertedTensor> plan();
  const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  using Tensor = SafetensorsTensor;

  void add(const Tensor& tensor);
  void add_plain(const Tensor& tensor, const TensorName& name);
  void add_experts(const Tensor& tensor, const TensorName& name);
  void add_halves(const Tensor& tensor, const TensorName& name);
  void add_blocks(const Tensor& tensor, const TensorName& name);
  void add_latent(const Tensor& tensor, const TensorName& name);
  void add_linear(const Tensor& tensor, const TensorName& name);
  void add_groups(const Tensor& tensor, const TensorName& name);
  void add_alternating_values(const Tensor& tensor, const TensorName& name);
  void add_factors();
  void put(const TensorName& name, const std::string& gguf, Piece piece, size_t part, size_t parts,
           std::vector<uint64_t> dims);
  Piece matrix(const Tensor& tensor) const;
  Scales scales_of(const Tensor& tensor) const;
  std::vector<uint32_t> row_order(const Tensor& tensor, const std::string& name, uint64_t rows) const;
  void check() const;
  void check_linear_layers() const;
  [[noreturn]] void fail(const Tensor& tensor, const std::string& what) const;

  const ModelFolder& folder_;
  const ModelFamily& family_;
  const Settings& config_;
  ModelShape shape_;
  // By place in the file: what stands before the layers, layer by layer, the head.
  std::map<std::pair<int64_t, std::string>, ConvertedTensor> planned_;
  std::vector<std::string> left_out_;
};

}  // namespace hearth
