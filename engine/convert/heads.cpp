// Weights of attention, whose heads or rows GGUF has in another order.
#include "engine/convert/row_order.h"
#include "engine/convert/tensor_planner.h"
#include "engine/model/architectures.h"

namespace hearth {

std::vector<uint32_t> TensorPlanner::row_order(const Tensor& tensor, const std::string& name, uint64_t rows) const {
  const auto is = [&](std::string_view part) { return name.find(part) != name.npos; };
  const auto require = [&](bool holds) {
    if (!holds) fail(tensor, "has " + std::to_string(rows) + " rows, which its heads do not have");
  };
  if (family_.pairs && (is(".attn_q.") || is(".attn_k."))) {
    const uint32_t heads = is(".attn_q.") ? shape_.heads : shape_.kv_heads;
    require(rows % (2 * uint64_t{heads}) == 0);
    return paired_rows(rows, heads);
  }
  if (!family_.grouped_qkv || !is(".attn_qkv.")) return {};
  require(rows == (uint64_t{shape_.heads} + 2 * uint64_t{shape_.kv_heads}) * shape_.head_size);
  return ungrouped_rows(shape_.heads, shape_.kv_heads, shape_.head_size);
}

void TensorPlanner::add_latent(const Tensor& tensor, const TensorName& name) {
  const uint64_t rank = shape_.kv_rank, plain = shape_.plain_key, value = shape_.value, heads = shape_.heads;
  if (tensor.shape != std::vector<uint64_t>{heads * (plain + value), rank})
    fail(tensor, "has not the shape that the sizes of heads in config.json ask for");
  for (uint64_t head = 0; head < heads; ++head) {
    Piece keys = matrix(tensor), values = keys;
    keys.first = head * (plain + value) * rank;
    keys.rows = rank;
    keys.width = plain;
    keys.row_step = 1;
    keys.column_step = rank;
    values.first = keys.first + plain * rank;
    values.rows = value;
    put(name, name.name, std::move(keys), head, heads, {plain, rank, heads});
    put(name, name.second, std::move(values), head, heads, {rank, value, heads});
  }
}

// Vectors, matrices, and the convolution, which is stored as [channels x 1 x taps].
void TensorPlanner::add_linear(const Tensor& tensor, const TensorName& name) {
  const LinearAttentionShape& linear = shape_.linear;
  const bool columns = name.layout == Layout::value_columns, mixed = name.layout == Layout::mixed_rows;
  const bool single = name.layout == Layout::each_value || name.layout == Layout::decays;
  const uint32_t size = single ? 1 : linear.head_size, before = mixed ? 2 * linear.key_heads * size : 0;
  const uint64_t expected = before + linear.heads * size;
  const auto& shape = tensor.shape;
  const bool convolves = name.name.find(".ssm_conv1d.") != name.name.npos;
  const bool fits = convolves ? shape == std::vector<uint64_t>{expected, 1, linear.taps}
                    : columns ? shape.size() == 2 && shape[1] == expected
                              : shape.size() <= 2 && !shape.empty() && shape[0] == expected;
  if (!fits) fail(tensor, "has not the shape that the sizes of linear attention in config.json ask for");
  Piece piece = matrix(tensor);
  if (find_architecture(family_.architecture)->cyclic_heads)
    (columns ? piece.columns : piece.order) = cyclic_rows(before, linear.heads, linear.key_heads, size);
  std::vector<uint64_t> dims = {piece.width, piece.rows};
  if (shape.size() == 1) dims = {piece.rows};
  put(name, name.name, std::move(piece), 0, 1, std::move(dims));
}

void TensorPlanner::add_groups(const Tensor& tensor, const TensorName& name) {
  const LinearAttentionShape& linear = shape_.linear;
  const uint64_t rows = 2 * (uint64_t{linear.key_heads} + linear.heads) * linear.head_size;
  if (tensor.shape.size() != 2 || tensor.shape[0] != rows)
    fail(tensor, "has not the " + std::to_string(rows) + " rows that the sizes in config.json ask for");
  const auto add = [&](const std::string& gguf, std::vector<uint32_t> order) {
    Piece piece = matrix(tensor);
    piece.rows = order.size();
    piece.order = std::move(order);
    std::vector<uint64_t> dims = {piece.width, piece.rows};
    put(name, gguf, std::move(piece), 0, 1, std::move(dims));
  };
  add(name.name, mixed_rows_of_groups(linear.heads, linear.key_heads, linear.head_size));
  add(name.second, gate_rows_of_groups(linear.heads, linear.key_heads, linear.head_size));
}

void TensorPlanner::check_linear_layers() const {
  const Flags& stated = shape_.linear.layers;
  for (size_t layer = 0; layer < stated.size(); ++layer) {
    const std::string number = std::to_string(layer);
    const bool has = planned_.count({static_cast<int64_t>(layer), "blk." + number + ".ssm_a"}) != 0;
    if (has != (stated[layer] != 0))
      config_.fail(config_.has("layer_types") ? "layer_types" : "full_attention_interval",
                   std::string("has ") + (has ? "full" : "linear") + " attention in layer " + number +
                       ", whose weights are of " + (has ? "linear" : "full") + " attention");
  }
}

}  // namespace hearth
