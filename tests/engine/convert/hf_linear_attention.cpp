// Weights of linear attention as transformers stores them: heads of values that share a key head are neighbours.
#include <cmath>

#include "quant/format.h"
#include "tests/engine/convert/gguf_to_hf.h"

namespace hearth {
namespace {

class LinearAttentionMaker {
 public:
  LinearAttentionMaker(const Gguf& file, std::string block, std::string front, HfTensors& made)
      : file_(file), block_(std::move(block)), front_(front + "linear_attn."), made_(made) {
    const std::string at = std::string(*file.find_string("general.architecture")) + ".ssm.";
    heads_ = *file.find_uint(at + "time_step_rank");
    key_heads_ = *file.find_uint(at + "group_count");
    size_ = *file.find_uint(at + "state_size");
    taps_ = *file.find_uint(at + "conv_kernel");
    share_ = heads_ / key_heads_;
  }

  void add_shared() {
    const uint64_t width = file_.find_tensor(block_ + "ssm_out.weight")->dims[1];
    store("norm.weight", {size_}, values_of("ssm_norm.weight"));
    store("dt_bias", {heads_}, grouped("ssm_dt.bias", 1, 0, 1));
    std::vector<float> logarithms = grouped("ssm_a", 1, 0, 1);
    for (float& value : logarithms) value = std::log(-value);
    store("A_log", {heads_}, logarithms);
    const uint64_t keys = 2 * key_heads_ * size_, channels = keys + heads_ * size_;
    store("conv1d.weight", {channels, 1, taps_}, grouped("ssm_conv1d.weight", taps_, keys, size_));
    // Columns: one head of `size` after another, in each row.
    std::vector<float> out;
    for (uint64_t y = 0; y < width; ++y) {
      const std::vector<float> all = values_of("ssm_out.weight");
      const auto begin = all.begin() + static_cast<ptrdiff_t>(y * heads_ * size_);
      const std::vector<float> row = in_groups({begin, begin + static_cast<ptrdiff_t>(heads_ * size_)}, 1, 0, size_);
      out.insert(out.end(), row.begin(), row.end());
    }
    store("out_proj.weight", {width, heads_ * size_}, out);
  }

  void add_apart() {
    const uint64_t width = file_.find_tensor(block_ + "attn_qkv.weight")->dims[0], keys = 2 * key_heads_ * size_;
    store("in_proj_qkv.weight", {keys + heads_ * size_, width}, grouped("attn_qkv.weight", width, keys, size_));
    store("in_proj_z.weight", {heads_ * size_, width}, grouped("attn_gate.weight", width, 0, size_));
    store("in_proj_b.weight", {heads_, width}, grouped("ssm_beta.weight", width, 0, 1));
    store("in_proj_a.weight", {heads_, width}, grouped("ssm_alpha.weight", width, 0, 1));
  }

  // A key head after another: its q, its k, values of the heads that share it, and their gates.
  void add_together() {
    const uint64_t width = file_.find_tensor(block_ + "attn_qkv.weight")->dims[0], keys = key_heads_ * size_;
    const std::vector<float> mixed = values_of("attn_qkv.weight"), gates = values_of("attn_gate.weight");
    std::vector<float> all;
    const auto add = [&](const std::vector<float>& from, uint64_t row, uint64_t count) {
      const auto begin = from.begin() + static_cast<ptrdiff_t>(row * width);
      all.insert(all.end(), begin, begin + static_cast<ptrdiff_t>(count * width));
    };
    for (uint64_t head = 0; head < key_heads_; ++head) {
      add(mixed, head * size_, size_);
      add(mixed, keys + head * size_, size_);
      add(mixed, 2 * keys + head * share_ * size_, share_ * size_);
      add(gates, head * share_ * size_, share_ * size_);
    }
    store("in_proj_qkvz.weight", {all.size() / width, width}, all);
    store("in_proj_ba.weight", {2 * heads_, width}, values_of("ssm_ba.weight"));
  }

 private:
  std::vector<float> values_of(const std::string& name) const {
    const GgufTensor& tensor = *file_.find_tensor(block_ + name);
    std::vector<float> values(tensor.dims[0] * tensor.dims[1] * tensor.dims[2]);
    format_info(tensor.format).decode(tensor.bytes.data(), values.data(), values.size());
    return values;
  }

  // `before` rows, then heads of `size` rows: GGUF's head h of Qwen3.5 shares key head h % key_heads.
  std::vector<float> in_groups(const std::vector<float>& all, uint64_t width, uint64_t before, uint64_t size) const {
    if (*file_.find_string("general.architecture") == "qwen3next") return all;
    const auto at = [&](uint64_t row) { return all.begin() + static_cast<ptrdiff_t>(row * width); };
    std::vector<float> result(all.begin(), at(before));
    for (uint64_t key_head = 0; key_head < key_heads_; ++key_head)
      for (uint64_t head = key_head; head < heads_; head += key_heads_)
        result.insert(result.end(), at(before + head * size), at(before + (head + 1) * size));
    return result;
  }
  std::vector<float> grouped(const std::string& name, uint64_t width, uint64_t before, uint64_t size) const {
    return in_groups(values_of(name), width, before, size);
  }

  void store(const char* name, std::vector<uint64_t> shape, const std::vector<float>& values) {
    made_[front_ + name] = f32_tensor(std::move(shape), values);
  }

  const Gguf& file_;
  std::string block_, front_;
  HfTensors& made_;
  uint64_t heads_ = 0, key_heads_ = 0, size_ = 0, taps_ = 0, share_ = 0;
};

}  // namespace

void add_hf_linear_attention(const Gguf& file, const std::string& block, const std::string& front, HfTensors& made) {
  LinearAttentionMaker maker(file, block, front, made);
  maker.add_shared();
  if (file.find_tensor(block + "ssm_ba.weight") != nullptr)
    maker.add_together();
  else
    maker.add_apart();
}

}  // namespace hearth
