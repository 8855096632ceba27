// Reading adapters, and finding the weights that they change.
#include "engine/model/adapter.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

constexpr std::string_view kDown = ".lora_a", kUp = ".lora_b";

std::string text_of(const Gguf& file, std::string_view key) { return std::string(file.find_string(key).value_or("")); }

std::string shape_of(const GgufTensor& tensor) {
  std::string text = "[" + std::to_string(tensor.dims[0]);
  for (size_t i = 1; i < 4 && (i == 1 || tensor.dims[i] > 1); ++i) text += " x " + std::to_string(tensor.dims[i]);
  return text + "]";
}

// How many matrices lie one below the other in each weight that ops multiply by; 0 of all others.
class Matrices {
 public:
  explicit Matrices(const Program& program) : count_(program.weights.size()) {
    for (const Op& op : program.ops) std::visit(*this, op);
  }
  uint64_t operator[](size_t id) const { return count_[id]; }

  void operator()(const Linear& op) { count_[op.weight] = 1; }
  void operator()(const GateUp& op) { count_[op.gate] = count_[op.up] = 1; }
  void operator()(const Route& op) { count_[op.router] = 1; }
  void operator()(const Experts& op) { count_[op.gate] = count_[op.up] = count_[op.down] = op.count; }
  template <class Other>
  void operator()(const Other&) {}

 private:
  std::vector<uint64_t> count_;
};

// The first row of the tensor that the weight views; nothing where it views another one.
std::optional<uint64_t> first_row(const Weight& weight, const GgufTensor& tensor) {
  const std::byte* begin = tensor.bytes.data();
  if (weight.bytes.data() < begin || weight.bytes.data() >= begin + tensor.bytes.size()) return std::nullopt;
  if (weight.width != tensor.dims[0]) return std::nullopt;
  const FormatInfo& info = format_info(tensor.format);
  return static_cast<uint64_t>(weight.bytes.data() - begin) / (weight.width / info.block_size * info.block_bytes);
}

Weight rows_of(const Weight& all, uint64_t first, uint64_t count) {
  const size_t row = all.bytes.size() / all.rows;
  return {all.name, all.format, all.width, count, all.bytes.subspan(first * row, count * row)};
}

}  // namespace

bool is_adapter(const Gguf& file) { return text_of(file, "general.type") == "adapter"; }

Adapter::Adapter(Gguf file) : file_(std::move(file)), decoded_(file_.tensors().size()) {
  const auto refuse = [&](const std::string& what) { throw FileError(file_.name() + ": " + what); };
  if (text_of(file_, "general.architecture") == "controlvector") refuse("is a control vector, which is not supported");
  if (!is_adapter(file_)) refuse("is no adapter: general.type is " + in_quotes(text_of(file_, "general.type")));
  if (const std::string type = text_of(file_, "adapter.type"); type != "lora")
    refuse("is an adapter of the type " + in_quotes(type) + ", which is not supported");
  if (file_.find_entry("adapter.alora.invocation_tokens") != nullptr)
    refuse("is an activated LoRA (adapter.alora.invocation_tokens), which is not supported");
  alpha_ = file_.find_float("adapter.lora.alpha").value_or(0);
  if (!std::isfinite(alpha_)) refuse("adapter.lora.alpha is no number");

  std::map<std::string_view, Pair> pairs;
  for (const GgufTensor& tensor : file_.tensors()) {
    const std::string_view name = tensor.name;
    const bool down = name.ends_with(kDown);
    if (!down && !name.ends_with(kUp))
      refuse("tensor " + in_quotes(name) + " is neither a lora_a nor a lora_b, which is not supported");
    const std::string_view base = name.substr(0, name.size() - kUp.size());
    Pair& pair = pairs.try_emplace(base, Pair{base, nullptr, nullptr}).first->second;
    (down ? pair.a : pair.b) = &tensor;
  }
  if (pairs.empty()) refuse("is an adapter without tensors");
  for (const auto& [base, pair] : pairs) {
    if (pair.a == nullptr || pair.b == nullptr)
      refuse("tensor " + in_quotes(pair.a == nullptr ? pair.b->name : pair.a->name) + " has no " +
             std::string((pair.a == nullptr ? kDown : kUp).substr(1)) + " beside it");
    pairs_.push_back(pair);
  }
  for (size_t i = 0; i < decoded_.size(); ++i) {
    const GgufTensor& tensor = file_.tensors()[i];
    const FormatInfo& info = format_info(tensor.format);
    if (info.block_size == 1) continue;
    const size_t count = tensor.bytes.size() / info.block_bytes * info.block_size;
    decoded_[i].resize(count * sizeof(float));
    info.decode(tensor.bytes.data(), reinterpret_cast<float*>(decoded_[i].data()), count);
  }
}

uint64_t Adapter::bytes() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < decoded_.size(); ++i)
    sum += decoded_[i].empty() ? file_.tensors()[i].bytes.size() : decoded_[i].size();
  return sum;
}

void Adapter::fail(const Pair& pair, std::string_view what) const {
  throw FileError(file_.name() + ": the adapter changes " + in_quotes(pair.base) + ", " + std::string(what));
}

float Adapter::factor(const Pair& pair) const {
  return alpha_ == 0 ? 1 : static_cast<float>(alpha_ / static_cast<double>(pair.rank()));
}

// The tensor as a matrix of all its rows.
Weight Adapter::floats(const GgufTensor& tensor) const {
  const std::vector<std::byte>& decoded = decoded_[static_cast<size_t>(&tensor - file_.tensors().data())];
  const uint64_t rows = tensor.dims[1] * tensor.dims[2];
  if (decoded.empty()) return {std::string(tensor.name), tensor.format, tensor.dims[0], rows, tensor.bytes};
  return {std::string(tensor.name), Format::f32, tensor.dims[0], rows, decoded};
}

void Adapter::change(Program& program, const Gguf& model) const {
  const std::string ours = text_of(file_, "general.architecture"), theirs = text_of(model, "general.architecture");
  if (ours != theirs)
    throw FileError(file_.name() + ": the adapter is for models of the architecture " + in_quotes(ours) + ", but " +
                    model.name() + " is " + in_quotes(theirs));
  const Matrices matrices(program);
  program.changes.resize(program.weights.size());
  for (const Pair& pair : pairs_) {
    const GgufTensor* tensor = model.find_tensor(pair.base);
    if (tensor == nullptr) fail(pair, "which " + model.name() + " does not have");
    if (pair.base == "token_embd.weight") {
      change_embedding(program, model, pair);
      continue;
    }
    const uint64_t *base = tensor->dims, *a = pair.a->dims, *b = pair.b->dims;
    if (a[0] != base[0] || b[1] != base[1] || a[1] != b[0] || a[2] != base[2] || b[2] != base[2] || a[3] != 1 ||
        b[3] != 1 || base[3] != 1)
      fail(pair, shape_of(*tensor) + " in the model, to which its matrices " + shape_of(*pair.a) + " and " +
                     shape_of(*pair.b) + " do not fit");
    if (pair.rank() > std::max(base[0], base[1]))
      fail(pair, "with a rank of " + std::to_string(pair.rank()) + ", which is more than its size");
    bool found = false;
    for (size_t id = 0; id < program.weights.size(); ++id) {
      const Weight& weight = program.weights[id];
      const auto first = matrices[id] == base[2] ? first_row(weight, *tensor) : std::nullopt;
      if (!first) continue;
      found = true;
      program.changes[id].push_back(
          {program.adapters, floats(*pair.a), rows_of(floats(*pair.b), *first, weight.rows), factor(pair)});
    }
    if (!found) fail(pair, "which is not supported");
  }
  ++program.adapters;
}

// Of the embedding the file has A turned: a row of it for each token.
void Adapter::change_embedding(Program& program, const Gguf& model, const Pair& pair) const {
  const GgufTensor& table = *model.find_tensor(pair.base);
  const uint64_t *a = pair.a->dims, *b = pair.b->dims;
  if (a[1] != table.dims[1] || b[1] != table.dims[0] || a[0] != b[0] || a[2] != 1 || b[2] != 1 || a[3] != 1 ||
      b[3] != 1)
    fail(pair, shape_of(table) + " in the model, to which its matrices " + shape_of(*pair.a) + " and " +
                   shape_of(*pair.b) + " do not fit");
  if (pair.rank() > std::max(table.dims[0], table.dims[1]))
    fail(pair, "with a rank of " + std::to_string(pair.rank()) + ", which is more than its size");
  // An adapter does not say whether it was trained with both changed, or only one.
  const Matrices matrices(program);
  for (size_t id = 0; id < program.weights.size(); ++id)
    if (matrices[id] > 0 && first_row(program.weights[id], table))
      fail(pair, "which is both ends of " + model.name() + "; that is not supported");
  program.embedding_changes.push_back({program.adapters, floats(*pair.a), floats(*pair.b), factor(pair)});
}

}  // namespace hearth
