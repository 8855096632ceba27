// The format of each tensor.
#include <algorithm>
#include <cctype>
#include <cstring>

#include "engine/include/hearth/hearth.h"
#include "engine/quantize/quantize.h"
#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

uint32_t dimensions(const GgufTensor& tensor) {
  uint32_t count = 4;
  while (count > 1 && tensor.dims[count - 1] == 1) --count;
  return count;
}

uint64_t value_count(const GgufTensor& tensor) {
  return tensor.dims[0] * tensor.dims[1] * tensor.dims[2] * tensor.dims[3];
}

// A number of the model, or the largest of its layers' numbers; 0 where the file does not say.
uint32_t number_of(const Gguf& file, const std::string& key) {
  const GgufEntry* entry = file.find_entry(key);
  if (entry == nullptr) return 0;
  uint64_t number = 0;
  if (entry->type == GgufType::array)
    for (const auto numbers = file.find_ints(key); const int64_t one : *numbers)
      number = std::max(number, static_cast<uint64_t>(std::max<int64_t>(one, 0)));
  else
    number = *file.find_uint(key);
  return static_cast<uint32_t>(std::min<uint64_t>(number, UINT32_MAX));
}

MixModel describe(const Gguf& file, bool has_importance) {
  MixModel model;
  model.architecture = file.find_string("general.architecture").value_or("");
  const std::string at = std::string(model.architecture) + ".";
  model.layers = number_of(file, at + "block_count");
  model.experts = number_of(file, at + "expert_count");
  const uint32_t heads = number_of(file, at + "attention.head_count");
  const uint32_t kv_heads = number_of(file, at + "attention.head_count_kv");
  if (kv_heads > 0) model.heads_per_kv = std::max(1u, heads / kv_heads);
  model.tied = file.find_tensor("output.weight") == nullptr;
  model.has_importance = has_importance;
  for (const GgufTensor& tensor : file.tensors())
    if (holds_values(tensor.name)) model.attention_layers.push_back(layer_of(tensor.name));
  std::sort(model.attention_layers.begin(), model.attention_layers.end());
  return model;
}

class PlanMaker {
 public:
  PlanMaker(const Gguf& file, const QuantizeOptions& options)
      : file_(file),
        options_(options),
        model_(describe(file, options.importance != nullptr)),
        used_(options.overrides.size()) {}

  QuantizePlan make() {
    QuantizePlan plan{.tensors = {}, .file_type = options_.mix->file_type, .importance = options_.importance};
    size_t matrices = 0, with_importance = 0;
    for (const GgufTensor& tensor : file_.tensors()) {
      const TensorChange change = change_of(tensor);
      plan.tensors.push_back(change);
      plan.values += value_count(tensor);
      plan.bytes_before += tensor.bytes.size();
      plan.bytes_after += change.bytes();
      if (is_quantized(tensor.name, dimensions(tensor))) ++matrices;
      if (!change.importance.empty()) ++with_importance;
    }
    if (matrices == 0) throw FileError(file_.name() + ": has no matrix to quantise");
    for (size_t i = 0; i < used_.size(); ++i)
      if (!used_[i])
        throw Error(ErrorCode::invalid_argument,
                    "no matrix of " + file_.name() + " is named " + in_quotes(options_.overrides[i].pattern));
    if (options_.importance != nullptr && with_importance == 0)
      throw FileError(options_.importance->name() + ": has no matrix that is quantised in " + file_.name());
    return plan;
  }

 private:
  TensorChange change_of(const GgufTensor& tensor) {
    TensorChange change{.tensor = &tensor, .format = tensor.format, .wanted = tensor.format, .importance = {}};
    const FormatOverride* chosen = find_override(tensor);
    if (chosen == nullptr && !is_quantized(tensor.name, dimensions(tensor))) return change;
    const MixTensor described{.name = tensor.name, .row = tensor.dims[0], .stacked = tensor.dims[2] > 1};
    change.wanted = chosen != nullptr ? chosen->format
                    : options_.pure   ? options_.mix->format
                                      : choose_format(*options_.mix, model_, described);
    change.format = fitting_format(change.wanted, tensor.dims[0]);
    if (chosen != nullptr && chosen->pattern == tensor.name && change.format != change.wanted)
      throw Error(ErrorCode::invalid_argument, file_.name() + ": tensor " + in_quotes(tensor.name) + " has rows of " +
                                                   std::to_string(tensor.dims[0]) +
                                                   " values, which are no whole blocks of " +
                                                   format_info(change.wanted).name);
    if (change.format == tensor.format || format_info(change.format).block_size == 1) return change;
    if (format_info(tensor.format).block_size > 1 && !options_.requantize)
      throw FileError(file_.name() + ": tensor " + in_quotes(tensor.name) + " is " + format_info(tensor.format).name +
                      " already; --allow-requantize quantises it once more, at a loss");
    if (options_.importance != nullptr)
      change.importance = options_.importance->find(tensor.name, tensor.dims[0], change.matrices());
    if (change.format == Format::nvfp4) change.scale_name = scale_name(tensor);
    return change;
  }

  // Empty for what TensorReader takes no scales of, and where the file has such a tensor.
  std::string scale_name(const GgufTensor& tensor) const {
    constexpr std::string_view kWeight = ".weight";
    const std::string_view name = tensor.name;
    if (!name.ends_with(kWeight) || name == "token_embd.weight" || tensor.dims[1] == 1) return "";
    const std::string scale = std::string(name.substr(0, name.size() - kWeight.size())) + ".scale";
    return file_.find_tensor(scale) == nullptr ? scale : "";
  }

  // The one that applies: patterns with '*' or '?' to what is quantised anyway, a whole name to any matrix.
  const FormatOverride* find_override(const GgufTensor& tensor) {
    const uint32_t count = dimensions(tensor);
    if (count < 2) return nullptr;
    for (size_t i = 0; i < options_.overrides.size(); ++i) {
      const FormatOverride& one = options_.overrides[i];
      if (one.pattern != tensor.name && (!matches(one.pattern, tensor.name) || !is_quantized(tensor.name, count)))
        continue;
      used_[i] = true;
      return &one;
    }
    return nullptr;
  }

  const Gguf& file_;
  const QuantizeOptions& options_;
  MixModel model_;
  std::vector<bool> used_;  // overrides
};

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
  // On a mismatch the last '*' takes one more character.
  size_t p = 0, n = 0, star = std::string_view::npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

const FormatInfo* find_format(std::string_view name) {
  const auto same = [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; };
  for (const FormatInfo& info : formats())
    if (std::equal(name.begin(), name.end(), info.name, info.name + std::strlen(info.name), same)) return &info;
  return nullptr;
}

uint64_t TensorChange::bytes() const {
  const FormatInfo& info = format_info(format);
  return value_count(*tensor) / info.block_size * info.block_bytes +
         (scale_name.empty() ? 0 : matrices() * sizeof(float));
}

QuantizePlan plan_quantization(const Gguf& file, const QuantizeOptions& options) {
  return PlanMaker(file, options).make();
}

}  // namespace hearth
