// Weights as transformers stores them.
#include <algorithm>
#include <functional>

#include "quant/format.h"
#include "tests/engine/convert/gguf_to_hf.h"

namespace hearth {
namespace {

using Names = std::map<std::string, std::string>;

// Parts of a layer by GGUF's names; what is not here has a layout of its own.
const Names kUsual = {{"attn_norm", "input_layernorm"},
                      {"attn_q", "self_attn.q_proj"},
                      {"attn_k", "self_attn.k_proj"},
                      {"attn_v", "self_attn.v_proj"},
                      {"attn_output", "self_attn.o_proj"},
                      {"attn_q_norm", "self_attn.q_norm"},
                      {"attn_k_norm", "self_attn.k_norm"},
                      {"ffn_norm", "post_attention_layernorm"},
                      {"ffn_gate", "mlp.gate_proj"},
                      {"ffn_up", "mlp.up_proj"},
                      {"ffn_down", "mlp.down_proj"},
                      {"ffn_gate_inp", "mlp.gate"},
                      {"ffn_gate_exps", "mlp.experts.%.gate_proj"},
                      {"ffn_up_exps", "mlp.experts.%.up_proj"},
                      {"ffn_down_exps", "mlp.experts.%.down_proj"},
                      {"ffn_gate_shexp", "mlp.shared_expert.gate_proj"},
                      {"ffn_up_shexp", "mlp.shared_expert.up_proj"},
                      {"ffn_down_shexp", "mlp.shared_expert.down_proj"},
                      {"ffn_gate_inp_shexp", "mlp.shared_expert_gate"},
                      {"token_embd", "model.embed_tokens"},
                      {"output_norm", "model.norm"},
                      {"output", "lm_head"}};

const Names kGemma = {{"ffn_norm", "pre_feedforward_layernorm"},
                      {"post_attention_norm", "post_attention_layernorm"},
                      {"post_ffw_norm", "post_feedforward_layernorm"}};
const Names kAfter = {{"post_attention_norm", "post_attention_layernorm"},
                      {"post_ffw_norm", "post_feedforward_layernorm"}};

const std::map<std::string, Names> kOwn = {
    {"llama",
     {{"ffn_gate_inp", "block_sparse_moe.gate"},
      {"ffn_gate_exps", "block_sparse_moe.experts.%.w1"},
      {"ffn_down_exps", "block_sparse_moe.experts.%.w2"},
      {"ffn_up_exps", "block_sparse_moe.experts.%.w3"}}},
    {"mistral3",
     {{"token_embd", "language_model.model.embed_tokens"},
      {"output_norm", "language_model.model.norm"},
      {"output", "language_model.lm_head"}}},
    {"gemma2", kGemma},
    {"gemma3", kGemma},
    {"olmo2", kAfter},
    {"exaone4", kAfter},
    {"glm4",
     {{"post_attention_norm", "post_self_attn_layernorm"},
      {"post_ffw_norm", "post_mlp_layernorm"},
      {"ffn_up", "mlp.gate_up_proj"}}},
    {"gpt-oss", {{"post_attention_norm", "post_attention_layernorm"}, {"ffn_gate_inp", "mlp.router"}}},
    {"granitemoe", {{"ffn_gate_inp", "block_sparse_moe.router.layer"}}},
    {"stablelm", {{"attn_q_norm", "self_attn.q_layernorm.norms.%"}, {"attn_k_norm", "self_attn.k_layernorm.norms.%"}}},
    {"qwen3next", kAfter},
    {"qwen35", kAfter},
    {"qwen35moe",
     {{"post_attention_norm", "post_attention_layernorm"},
      {"token_embd", "model.language_model.embed_tokens"},
      {"output_norm", "model.language_model.norm"}}},
    {"starcoder2", {{"ffn_up", "mlp.c_fc"}, {"ffn_down", "mlp.c_proj"}}},
    {"phi2",
     {{"attn_output", "self_attn.dense"},
      {"ffn_up", "mlp.fc1"},
      {"ffn_down", "mlp.fc2"},
      {"output_norm", "model.final_layernorm"}}},
    {"phi3", {{"attn_qkv", "self_attn.qkv_proj"}, {"ffn_up", "mlp.gate_up_proj"}}},
    {"gpt2",
     {{"token_embd", "transformer.wte"},
      {"position_embd", "transformer.wpe"},
      {"output_norm", "transformer.ln_f"},
      {"attn_norm", "ln_1"},
      {"attn_qkv", "attn.c_attn"},
      {"attn_output", "attn.c_proj"},
      {"ffn_norm", "ln_2"},
      {"ffn_up", "mlp.c_fc"},
      {"ffn_down", "mlp.c_proj"}}},
    {"gptneox",
     {{"token_embd", "gpt_neox.embed_in"},
      {"output_norm", "gpt_neox.final_layer_norm"},
      {"output", "embed_out"},
      {"attn_qkv", "attention.query_key_value"},
      {"attn_output", "attention.dense"},
      {"ffn_up", "mlp.dense_h_to_4h"},
      {"ffn_down", "mlp.dense_4h_to_h"}}},
    {"falcon",
     {{"token_embd", "transformer.word_embeddings"},
      {"output_norm", "transformer.ln_f"},
      {"attn_qkv", "self_attention.query_key_value"},
      {"attn_output", "self_attention.dense"},
      {"ffn_up", "mlp.dense_h_to_4h"},
      {"ffn_down", "mlp.dense_4h_to_h"}}},
    {"deepseek2",
     {{"attn_q_a", "self_attn.q_a_proj"},
      {"attn_q_a_norm", "self_attn.q_a_layernorm"},
      {"attn_q_b", "self_attn.q_b_proj"},
      {"attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"},
      {"attn_kv_a_norm", "self_attn.kv_a_layernorm"},
      {"attn_kv_b", "self_attn.kv_b_proj"},
      {"ffn_gate_shexp", "mlp.shared_experts.gate_proj"},
      {"ffn_up_shexp", "mlp.shared_experts.up_proj"},
      {"ffn_down_shexp", "mlp.shared_experts.down_proj"}}},
    {"bert",
     {{"token_embd", "embeddings.word_embeddings"},
      {"token_types", "embeddings.token_type_embeddings"},
      {"position_embd", "embeddings.position_embeddings"},
      {"token_embd_norm", "embeddings.LayerNorm"},
      {"attn_q", "attention.self.query"},
      {"attn_k", "attention.self.key"},
      {"attn_v", "attention.self.value"},
      {"attn_output", "attention.output.dense"},
      {"attn_output_norm", "attention.output.LayerNorm"},
      {"ffn_up", "intermediate.dense"},
      {"ffn_down", "output.dense"},
      {"layer_output_norm", "output.LayerNorm"}}},
    {"nomic-bert",
     {{"token_embd", "embeddings.word_embeddings"},
      {"token_types", "embeddings.token_type_embeddings"},
      {"token_embd_norm", "emb_ln"},
      {"attn_qkv", "attn.Wqkv"},
      {"attn_output", "attn.out_proj"},
      {"attn_output_norm", "norm1"},
      {"layer_output_norm", "norm2"},
      {"ffn_up", "mlp.fc11"},
      {"ffn_gate", "mlp.fc12"},
      {"ffn_down", "mlp.fc2"}}},
};

const Names kLayerFolders = {{"mistral3", "language_model.model.layers."},
                             {"qwen35moe", "model.language_model.layers."},
                             {"gpt2", "transformer.h."},
                             {"gptneox", "gpt_neox.layers."},
                             {"falcon", "transformer.h."},
                             {"bert", "encoder.layer."},
                             {"nomic-bert", "encoder.layers."}};

// A matrix, row after row.
struct Matrix {
  uint64_t rows, width;
  std::vector<float> values;

  Matrix part(uint64_t first, uint64_t count) const {
    const auto begin = values.begin() + static_cast<ptrdiff_t>(first * width);
    return {count, width, {begin, begin + static_cast<ptrdiff_t>(count * width)}};
  }
  // Row y of the result is row order(y).
  Matrix ordered(const std::function<uint64_t(uint64_t)>& order) const {
    Matrix result{rows, width, {}};
    for (uint64_t y = 0; y < rows; ++y) {
      const Matrix row = part(order(y), 1);
      result.values.insert(result.values.end(), row.values.begin(), row.values.end());
    }
    return result;
  }
  Matrix transposed() const {
    Matrix result{width, rows, std::vector<float>(values.size())};
    for (uint64_t y = 0; y < rows; ++y)
      for (uint64_t x = 0; x < width; ++x) result.values[x * rows + y] = values[y * width + x];
    return result;
  }
};

class HfTensorsMaker {
 public:
  explicit HfTensorsMaker(const Gguf& file) : file_(file), architecture_(*file.find_string("general.architecture")) {
    heads_ = size_of("attention.head_count");
    kv_heads_ = file.find_uint(architecture_ + ".attention.head_count_kv").value_or(heads_);
  }

  HfTensors make() {
    for (const GgufTensor& tensor : file_.tensors()) add(tensor);
    return std::move(made_);
  }

 private:
  uint64_t size_of(const std::string& key) const { return *file_.find_uint(architecture_ + "." + key); }

  std::string hf_name(const std::string& part) const {
    if (const auto own = kOwn.find(architecture_); own != kOwn.end())
      if (const auto name = own->second.find(part); name != own->second.end()) return name->second;
    const auto name = kUsual.find(part);
    if (name == kUsual.end()) throw std::runtime_error("the test knows no name for " + part + " of " + architecture_);
    return name->second;
  }

  // The folder of a layer that GGUF calls "blk.0.".
  std::string layer_front(const std::string& block) const {
    const auto folder = kLayerFolders.find(architecture_);
    return (folder == kLayerFolders.end() ? "model.layers." : folder->second) + block.substr(4);
  }

  static Matrix matrix_of(const GgufTensor& tensor) {
    const uint64_t rows = tensor.dims[1] * tensor.dims[2];
    Matrix matrix{rows, tensor.dims[0], std::vector<float>(rows * tensor.dims[0])};
    format_info(tensor.format).decode(tensor.bytes.data(), matrix.values.data(), matrix.values.size());
    return matrix;
  }

  void store(const std::string& name, std::vector<uint64_t> shape, const std::vector<float>& values) {
    made_[name] = f32_tensor(std::move(shape), values);
  }
  void store(const std::string& name, const Matrix& matrix) { store(name, {matrix.rows, matrix.width}, matrix.values); }

  bool is_of_linear_attention(const std::string& name) const {
    if (file_.find_entry(architecture_ + ".ssm.state_size") == nullptr) return false;
    for (const char* part : {".ssm_", ".attn_qkv.", ".attn_gate."})
      if (name.find(part) != name.npos) return true;
    return false;
  }

  void add(const GgufTensor& tensor) {
    std::string name(tensor.name), front;
    if (name.starts_with("rope_")) return;  // config.json has these as numbers
    if (is_of_linear_attention(name)) {
      const std::string block = name.substr(0, name.find('.', 4) + 1);
      if (name == block + "ssm_a") add_hf_linear_attention(file_, block, layer_front(block), made_);
      return;
    }
    const size_t dot = name.rfind('.');
    std::string part = name.substr(0, dot);
    const std::string ending = name.substr(dot);
    if (part.starts_with("blk.")) {
      const size_t end = part.find('.', 4);
      front = layer_front(part.substr(0, end + 1));
      part = part.substr(end + 1);
    }
    if (architecture_ == "gpt-oss" && part.find("_exps") != part.npos) return add_gpt_oss(front, part, ending, tensor);
    if (architecture_ == "granitemoe" && part.find("_exps") != part.npos)
      return add_joined(front + "block_sparse_moe.", "input_linear.weight", "output_linear.weight", part, tensor);
    if (architecture_ == "qwen35moe" && part.find("_exps") != part.npos)
      return add_joined(front + "mlp.experts.", "gate_up_proj", "down_proj", part, tensor);
    if (architecture_ == "deepseek2" && (part == "attn_k_b" || part == "attn_v_b"))
      return add_latent(front, part, tensor);
    if (part == "attn_sinks") return store(front + "self_attn.sinks", {tensor.dims[0]}, matrix_of(tensor).values);
    if (part == "exp_probs_b")
      return store(front + "mlp.gate.e_score_correction_bias", {tensor.dims[0]}, matrix_of(tensor).values);
    Matrix matrix = matrix_of(tensor);
    if (architecture_ == "phi2" && part == "attn_qkv") return add_apart(front, ending, matrix, tensor.dims[1] == 1);
    if (is_shifted_norm(architecture_, tensor.name))
      for (float& value : matrix.values) value -= 1;
    const bool vector = tensor.dims[1] == 1 && tensor.dims[2] == 1;
    std::string hf = front + hf_name(part) + ending;
    if (const size_t at = hf.find('%'); at != hf.npos) return add_stack(hf, at, matrix, tensor);
    if (vector && part == "ffn_gate_inp_shexp") return store(hf, {1, tensor.dims[0]}, matrix.values);
    if (vector && part == "attn_k_norm" && architecture_ == "command-r")
      return store(hf, {1, tensor.dims[0]}, matrix.values);
    if (vector) std::swap(matrix.rows, matrix.width);
    matrix = stored_rows(part, matrix);
    if (vector) return store(hf, {matrix.rows}, matrix.values);
    if (architecture_ == "gpt2" && !front.empty()) matrix = matrix.transposed();
    store(hf, matrix);
  }

  // Experts one by one, or gains of heads.
  void add_stack(std::string name, size_t at, const Matrix& matrix, const GgufTensor& tensor) {
    const bool gains = tensor.dims[2] == 1;
    const uint64_t count = gains ? tensor.dims[1] : tensor.dims[2], rows = matrix.rows / count;
    for (uint64_t i = 0; i < count; ++i) {
      std::string one = name;
      one.replace(at, 1, std::to_string(i));
      if (gains)
        store(one, {matrix.width}, matrix.part(i, 1).values);
      else
        store(one, matrix.part(i * rows, rows));
    }
  }

  // The order in which transformers has the rows of q and k, and of q, k and v as one.
  Matrix stored_rows(const std::string& part, const Matrix& matrix) const {
    for (const char* pairs : {"llama", "mistral3", "smollm3", "granite", "granitemoe"})
      if (architecture_ == pairs && (part == "attn_q" || part == "attn_k")) {
        const uint64_t size = matrix.rows / (part == "attn_q" ? heads_ : kv_heads_);
        return matrix.ordered([&](uint64_t y) {
          const uint64_t head = y / size, i = y % size;
          return head * size + (i < size / 2 ? 2 * i : 2 * (i - size / 2) + 1);
        });
      }
    if (part != "attn_qkv" || (architecture_ != "gptneox" && architecture_ != "falcon")) return matrix;
    // Groups of q heads, each with the k and v that they share.
    const uint64_t size = matrix.rows / (heads_ + 2 * kv_heads_), together = heads_ / kv_heads_, group = together + 2;
    return matrix.ordered([&](uint64_t y) {
      const uint64_t head = y / size, g = head / group, i = head % group;
      const uint64_t from = i < together ? g * together + i : i == together ? heads_ + g : heads_ + kv_heads_ + g;
      return from * size + y % size;
    });
  }

  void add_apart(const std::string& front, const std::string& ending, Matrix matrix, bool vector) {
    if (vector) std::swap(matrix.rows, matrix.width);
    const uint64_t rows = matrix.rows / 3;
    for (uint64_t i = 0; i < 3; ++i) {
      const Matrix one = matrix.part(i * rows, rows);
      const std::string name = front + "self_attn." + "qkv"[i] + "_proj" + ending;
      if (vector)
        store(name, {rows}, one.values);
      else
        store(name, one);
    }
  }

  // Gate and up one below the other.
  void add_joined(const std::string& front, const char* gate_and_up, const char* down, const std::string& part,
                  const GgufTensor& tensor) {
    const Matrix matrix = matrix_of(tensor);
    const uint64_t experts = tensor.dims[2], rows = tensor.dims[1], width = tensor.dims[0];
    if (part == "ffn_down_exps") return store(front + down, {experts, rows, width}, matrix.values);
    if (part != "ffn_gate_exps") return;
    std::string up(tensor.name);
    const Matrix other = matrix_of(*file_.find_tensor(up.replace(up.find("gate"), 4, "up")));
    std::vector<float> values;
    for (uint64_t e = 0; e < experts; ++e)
      for (const Matrix* one : {&matrix, &other}) {
        const Matrix rows_of_one = one->part(e * rows, rows);
        values.insert(values.end(), rows_of_one.values.begin(), rows_of_one.values.end());
      }
    store(front + gate_and_up, {experts, 2 * rows, width}, values);
  }

  // One matrix with the rows of W_k and of W_v of each head.
  void add_latent(const std::string& front, const std::string& part, const GgufTensor& tensor) {
    if (part != "attn_k_b") return;
    std::string other(tensor.name);
    const GgufTensor& v = *file_.find_tensor(other.replace(other.find("attn_k_b"), 8, "attn_v_b"));
    const Matrix keys = matrix_of(tensor), values = matrix_of(v);
    Matrix both{0, v.dims[0], {}};
    for (uint64_t head = 0; head < heads_; ++head) {
      const Matrix k = keys.part(head * tensor.dims[1], tensor.dims[1]).transposed();
      const Matrix of_values = values.part(head * v.dims[1], v.dims[1]);
      for (const Matrix* one : {&k, &of_values})
        both.values.insert(both.values.end(), one->values.begin(), one->values.end());
    }
    both.rows = both.values.size() / both.width;
    store(front + "self_attn.kv_b_proj.weight", both);
  }

  void add_gpt_oss(const std::string& front, const std::string& part, const std::string& ending,
                   const GgufTensor& tensor);

  const Gguf& file_;
  std::string architecture_;
  uint64_t heads_ = 0, kv_heads_ = 0;
  HfTensors made_;
};

// Blocks of MXFP4 with neighbours in a byte, and the scales apart.
void add_blocks(HfTensors& made, const std::string& name, std::vector<const GgufTensor*> sets) {
  const uint64_t blocks = sets[0]->dims[0] / 32, rows = sets[0]->dims[1], experts = sets[0]->dims[2];
  std::string packed, scales;
  for (uint64_t row = 0; row < experts * rows; ++row)
    for (const GgufTensor* set : sets)
      for (uint64_t b = 0; b < blocks; ++b) {
        const std::byte* block = set->bytes.data() + (row * blocks + b) * 17;
        scales += static_cast<char>(block[0]);
        const auto value = [&](int i) { return i < 16 ? block[1 + i] & std::byte{15} : block[1 + i - 16] >> 4; };
        for (int i = 0; i < 32; i += 2) packed += static_cast<char>(value(i) | value(i + 1) << 4);
      }
  made[name + "_blocks"] = {"U8", {experts, rows * sets.size(), blocks, 16}, packed};
  made[name + "_scales"] = {"U8", {experts, rows * sets.size(), blocks}, scales};
}

// Gate and up take turns, and matrices are stored as [input x output].
void HfTensorsMaker::add_gpt_oss(const std::string& front, const std::string& part, const std::string& ending,
                                 const GgufTensor& tensor) {
  if (part == "ffn_up_exps") return;  // with its gate
  std::vector<const GgufTensor*> sets = {&tensor};
  std::string other(tensor.name);
  if (part == "ffn_gate_exps") sets.push_back(file_.find_tensor(other.replace(other.find("gate"), 4, "up")));
  const std::string name = front + "mlp.experts." + (sets.size() == 2 ? "gate_up_proj" : "down_proj");
  if (tensor.format == Format::mxfp4) return add_blocks(made_, name, sets);
  const uint64_t bias = ending == ".bias", experts = bias ? tensor.dims[1] : tensor.dims[2];
  const uint64_t in = bias ? 1 : tensor.dims[0], out = bias ? tensor.dims[0] : tensor.dims[1], count = sets.size();
  std::vector<float> values(experts * in * out * count);
  for (uint64_t s = 0; s < count; ++s) {
    const std::vector<float> from = matrix_of(*sets[s]).values;
    for (uint64_t e = 0; e < experts; ++e)
      for (uint64_t y = 0; y < out; ++y)
        for (uint64_t x = 0; x < in; ++x)
          values[(e * in + x) * out * count + y * count + s] = from[(e * out + y) * in + x];
  }
  if (bias)
    store(name + "_bias", {experts, out * count}, values);
  else
    store(name, {experts, in, out * count}, values);
}

}  // namespace

bool is_shifted_norm(std::string_view architecture, std::string_view tensor) {
  const bool shifts =
      architecture.starts_with("gemma") || architecture == "qwen3next" || architecture.starts_with("qwen35");
  return shifts && tensor.ends_with("norm.weight") && !tensor.ends_with("ssm_norm.weight");
}

HfTensors hf_tensors_of(const Gguf& file) { return HfTensorsMaker(file).make(); }

HfFolder hf_folder_of(const Gguf& file) {
  HfFolder folder{hf_config_of(file), hf_tensors_of(file), {}};
  add_hf_tokenizer(file, folder);
  return folder;
}

}  // namespace hearth
