// Where each stored tensor goes, by its layout.
#include "engine/convert/tensor_planner.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

constexpr uint64_t kMxfp4Values = 32, kMxfp4Bytes = 16;

bool is_8_bit_float(SafetensorsType type) {
  return type == SafetensorsType::f8_e4m3 || type == SafetensorsType::f8_e5m2;
}

std::vector<uint64_t> reversed(const std::vector<uint64_t>& shape) {
  if (shape.empty()) return {1};
  return {shape.rbegin(), shape.rend()};
}

}  // namespace

TensorPlanner::TensorPlanner(const ModelFolder& folder, const ModelFamily& family, const Settings& config)
    : folder_(folder), family_(family), config_(config), shape_(read_shape(family, config)) {}

void TensorPlanner::fail(const Tensor& tensor, const std::string& what) const {
  throw FileError(folder_.file_of(tensor) + ": tensor " + in_quotes(tensor.name) + " " + what);
}

std::vector<ConvertedTensor> TensorPlanner::plan() {
  for (const Tensor* tensor : folder_.tensors()) add(*tensor);
  add_factors();
  check();
  std::vector<ConvertedTensor> tensors;
  for (auto& [place, tensor] : planned_) tensors.push_back(std::move(tensor));
  planned_.clear();
  return tensors;
}

void TensorPlanner::add(const Tensor& tensor) {
  const auto name = translate_name(family_, tensor.name);
  if (!name) fail(tensor, "has no place in " + std::string(family_.architecture));
  const bool extra_layer = name->block && *name->block >= shape_.layers;  // for predicting several tokens
  const bool tied_head = name->name == "output.weight" && config_.flag("tie_word_embeddings").value_or(false);
  const bool zero_bias = family_.architecture == std::string_view("cohere2") && name->name.ends_with(".bias");
  if (name->layout == Layout::left_out || extra_layer || tied_head || zero_bias) {
    if (extra_layer && config_.size({"num_nextn_predict_layers"}).value_or(0) == 0)
      fail(tensor, "is of a layer past the " + std::to_string(shape_.layers) + " that config.json states");
    if (zero_bias &&
        std::any_of(tensor.bytes.begin(), tensor.bytes.end(), [](auto byte) { return byte != std::byte{}; }))
      fail(tensor, "is not zero, which GGUF has no place for in cohere2");
    // Scales are read with what they scale.
    const bool scales = tensor.name.ends_with("_scales") || tensor.name.ends_with(".weight_scale") ||
                        tensor.name.ends_with(".weight_scale_inv");
    if (!scales) left_out_.push_back(tensor.name);
    return;
  }
  const bool packed = name->layout == Layout::blocks || name->layout == Layout::alternating_blocks;
  if (!packed && !is_weight_type(tensor.type))
    fail(tensor, std::string("has the type ") + name_of(tensor.type) + ", which no weight has here");
  if (std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end()) fail(tensor, "has no values");
  switch (name->layout) {
    case Layout::halves:
      return add_halves(tensor, *name);
    case Layout::transposed:
    case Layout::alternating:
      return add_experts(tensor, *name);
    case Layout::alternating_values:
      return add_alternating_values(tensor, *name);
    case Layout::blocks:
    case Layout::alternating_blocks:
      return add_blocks(tensor, *name);
    case Layout::latent:
      return add_latent(tensor, *name);
    case Layout::mixed_rows:
    case Layout::value_rows:
    case Layout::value_columns:
    case Layout::each_value:
    case Layout::decays:
      return add_linear(tensor, *name);
    case Layout::groups:
      return add_groups(tensor, *name);
    default:
      return add_plain(tensor, *name);
  }
}

Piece TensorPlanner::matrix(const Tensor& tensor) const {
  Piece piece;
  piece.tensor = &tensor;
  const auto& shape = tensor.shape;
  const uint64_t values = std::accumulate(shape.begin(), shape.end(), uint64_t{1}, std::multiplies<>());
  piece.width = shape.size() < 2 ? 1 : shape.back();  // vectors are columns, so that their values can be put in order
  piece.rows = values / piece.width;
  piece.row_step = piece.width;
  piece.scales = scales_of(tensor);
  if (piece.rows > std::numeric_limits<uint32_t>::max()) fail(tensor, "has too many rows");
  return piece;
}

Scales TensorPlanner::scales_of(const Tensor& tensor) const {
  Scales scales;
  if (!is_8_bit_float(tensor.type)) return scales;
  const Tensor* stored = folder_.find(tensor.name + "_scale_inv");
  if (stored == nullptr) stored = folder_.find(tensor.name + "_scale");
  if (stored == nullptr) return scales;
  if (!is_weight_type(stored->type)) fail(*stored, std::string("has the type ") + name_of(stored->type));
  Piece piece;
  piece.tensor = stored;
  piece.rows = 1;
  piece.width = stored->bytes.size() / bytes_of(stored->type);
  if (piece.width == 0) fail(*stored, "has no values");
  scales.values.resize(piece.width);
  read_rows(piece, 0, 1, scales.values.data());
  scales.width = tensor.shape.empty() ? 1 : tensor.shape.back();
  const uint64_t rows = tensor.bytes.size() / scales.width;
  if (piece.width == 1) {
    scales.block_rows = rows;
    scales.block_columns = scales.width;
    return scales;
  }
  if (tensor.shape.size() != 2) fail(tensor, "has several scales, but is no matrix");
  if (piece.width == rows && (stored->shape.size() == 1 || stored->shape.back() == 1)) {
    scales.block_rows = 1;
    scales.block_columns = scales.width;
    return scales;
  }
  const std::vector<float> block = config_.object({"quantization_config"}).reals("weight_block_size");
  const bool stated = block.size() == 2 && block[0] >= 1 && block[1] >= 1 && block[0] < 1e6f && block[1] < 1e6f;
  scales.block_rows = stated ? static_cast<uint64_t>(block[0]) : 128;
  scales.block_columns = stated ? static_cast<uint64_t>(block[1]) : 128;
  scales.per_row = (scales.width + scales.block_columns - 1) / scales.block_columns;
  const uint64_t block_rows = (rows + scales.block_rows - 1) / scales.block_rows;
  if (stored->shape != std::vector<uint64_t>{block_rows, scales.per_row})
    fail(*stored, "has not one scale for each block of " + std::to_string(scales.block_rows) + " x " +
                      std::to_string(scales.block_columns));
  return scales;
}

void TensorPlanner::add_plain(const Tensor& tensor, const TensorName& name) {
  Piece piece = matrix(tensor);
  std::vector<uint64_t> dims = reversed(tensor.shape);
  if (family_.transposed && name.block && tensor.shape.size() == 2) {
    std::swap(piece.rows, piece.width);
    std::swap(piece.row_step, piece.column_step);
    std::swap(dims[0], dims[1]);
  }
  piece.order = row_order(tensor, name.name, piece.rows);
  if (!name.part) return put(name, name.name, std::move(piece), 0, 1, std::move(dims));
  // Vectors for each head are stacked to a matrix, matrices of each expert to a tensor of three dimensions.
  const bool of_heads = name.name.find("_norm.") != name.name.npos;
  const size_t parts = !of_heads                                         ? shape_.experts
                       : name.name.find("attn_q_norm") != name.name.npos ? shape_.heads
                                                                         : shape_.kv_heads;
  if (*name.part >= parts) fail(tensor, "is one more than the " + std::to_string(parts) + " that config.json states");
  if (tensor.shape.size() != (of_heads ? 1u : 2u)) fail(tensor, "has a wrong number of dimensions");
  dims.push_back(parts);
  put(name, name.name, std::move(piece), *name.part, parts, std::move(dims));
}

void TensorPlanner::add_experts(const Tensor& tensor, const TensorName& name) {
  if (tensor.shape.size() != 3) fail(tensor, "has not three dimensions");
  const uint64_t experts = tensor.shape[0], in = tensor.shape[1], out = tensor.shape[2];
  const uint64_t sets = name.layout == Layout::alternating ? 2 : 1;
  if (out % sets != 0) fail(tensor, "has an odd number of columns");
  for (uint64_t expert = 0; expert < experts; ++expert)
    for (uint64_t set = 0; set < sets; ++set) {
      Piece piece = matrix(tensor);
      piece.rows = out / sets;
      piece.width = in;
      piece.first = expert * in * out + set;
      piece.row_step = sets;
      piece.column_step = out;
      put(name, set == 0 ? name.name : name.second, std::move(piece), expert, experts, {in, out / sets, experts});
    }
}

void TensorPlanner::add_alternating_values(const Tensor& tensor, const TensorName& name) {
  if (tensor.shape.size() != 2 || tensor.shape[1] % 2 != 0) fail(tensor, "has not two values in each column");
  for (uint64_t set = 0; set < 2; ++set) {
    Piece piece = matrix(tensor);
    piece.width /= 2;
    piece.first = set;
    piece.column_step = 2;
    put(name, set == 0 ? name.name : name.second, piece, 0, 1, {piece.width, piece.rows});
  }
}

void TensorPlanner::add_halves(const Tensor& tensor, const TensorName& name) {
  const size_t count = tensor.shape.size();
  if (count < 2 || count > 3 || tensor.shape[count - 2] % 2 != 0) fail(tensor, "has not two halves of rows");
  const uint64_t width = tensor.shape.back(), rows = tensor.shape[count - 2] / 2;
  const uint64_t experts = count == 3 ? tensor.shape[0] : 1;
  for (uint64_t expert = 0; expert < experts; ++expert)
    for (uint64_t half = 0; half < 2; ++half) {
      Piece piece = matrix(tensor);
      piece.rows = rows;
      piece.first = (2 * expert + half) * rows * width;
      std::vector<uint64_t> dims = {width, rows};
      if (count == 3) dims.push_back(experts);
      put(name, half == 0 ? name.name : name.second, std::move(piece), expert, experts, std::move(dims));
    }
}

void TensorPlanner::add_blocks(const Tensor& tensor, const TensorName& name) {
  std::string scales_name = tensor.name;
  scales_name.replace(scales_name.rfind("_blocks"), std::string::npos, "_scales");
  const Tensor* scales = folder_.find(scales_name);
  const auto& shape = tensor.shape;  // experts, rows, blocks, bytes
  if (tensor.type != SafetensorsType::u8 || shape.size() != 4 || shape[3] != kMxfp4Bytes)
    fail(tensor, "has not MXFP4 blocks of 16 bytes");
  if (scales == nullptr || scales->type != SafetensorsType::u8 ||
      scales->shape != std::vector<uint64_t>(shape.begin(), shape.begin() + 3))
    fail(tensor, "has not one scale for each block in " + in_quotes(scales_name));
  const uint64_t sets = name.layout == Layout::alternating_blocks ? 2 : 1;
  if (shape[1] % sets != 0) fail(tensor, "has an odd number of rows");
  for (uint64_t expert = 0; expert < shape[0]; ++expert)
    for (uint64_t set = 0; set < sets; ++set) {
      Piece piece;
      piece.tensor = &tensor;
      piece.block_scales = scales;
      piece.rows = shape[1] / sets;
      piece.width = shape[2] * kMxfp4Values;
      piece.first = (expert * shape[1] + set) * piece.width;
      piece.row_step = sets * piece.width;
      put(name, set == 0 ? name.name : name.second, piece, expert, shape[0], {piece.width, piece.rows, shape[0]});
    }
}

void TensorPlanner::put(const TensorName& name, const std::string& gguf, Piece piece, size_t part, size_t parts,
                        std::vector<uint64_t> dims) {
  const Tensor& stored = *piece.tensor;
  if (dims.size() > 4) fail(stored, "has more than four dimensions");
  const int64_t place = name.block                   ? int64_t{*name.block}
                        : gguf.starts_with("output") ? std::numeric_limits<int64_t>::max()
                                                     : -1;
  ConvertedTensor& planned = planned_[{place, gguf}];
  if (planned.pieces.empty()) {
    planned.name = gguf;
    planned.dims = dims;
    planned.pieces.resize(parts);
    const bool shifted = family_.shifted_norms && gguf.ends_with("norm.weight") && !gguf.ends_with(".ssm_norm.weight");
    planned.added = shifted ? 1.0f : 0.0f;
    planned.decays = name.layout == Layout::decays;
    if (piece.block_scales != nullptr) planned.format = Format::mxfp4;
  }
  if (planned.dims != dims) fail(stored, "has another shape than the other parts of " + in_quotes(gguf));
  if (planned.pieces[part].tensor != nullptr)
    fail(stored, "is as " + in_quotes(gguf) + " the same as " + in_quotes(planned.pieces[part].tensor->name));
  planned.pieces[part] = std::move(piece);
}

void TensorPlanner::check() const {
  std::set<int64_t> places;
  for (const auto& [place, tensor] : planned_) {
    places.insert(place.first);
    for (size_t part = 0; part < tensor.pieces.size(); ++part)
      if (tensor.pieces[part].tensor == nullptr)
        config_.fail("asks for " + std::to_string(tensor.pieces.size()) + " parts of " + in_quotes(tensor.name) +
                     ", but number " + std::to_string(part) + " is in no file");
  }
  if (planned_.count({-1, "token_embd.weight"}) == 0)
    throw FileError(folder_.path_of("") + ": no weights file has the embedding of tokens");
  for (int64_t layer = 0; layer < int64_t{shape_.layers}; ++layer)
    if (places.count(layer) == 0)
      config_.fail("num_hidden_layers",
                   "is " + std::to_string(shape_.layers) + ", but layer " + std::to_string(layer) + " is in no file");
  check_linear_layers();
}

}  // namespace hearth
