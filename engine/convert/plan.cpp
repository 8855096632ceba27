// What the new file has: tensors, their formats, and metadata.
#include <algorithm>
#include <map>
#include <numeric>

#include "engine/convert/convert.h"
#include "engine/convert/model_keys.h"
#include "engine/convert/tensor_planner.h"
#include "engine/convert/vocabulary.h"
#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

uint64_t count_of(const ConvertedTensor& tensor) {
  return std::accumulate(tensor.dims.begin(), tensor.dims.end(), uint64_t{1}, std::multiplies<>());
}

// Vectors, norms, routers, short convolutions and the few values of positions and types stay exact, as readers expect.
bool is_always_f32(const ConvertedTensor& tensor) {
  const std::string_view name = tensor.name;
  if (tensor.dims.size() < 2 || !name.ends_with(".weight") || name.ends_with("_norm.weight")) return true;
  for (const std::string_view part :
       {"ffn_gate_inp.", "ffn_gate_inp_shexp.", "position_embd.", "token_types.", "ssm_conv1d."})
    if (name.find(part) != name.npos) return true;
  return false;
}

// The format that most values of matrices are stored in. FP8 becomes BF16, which holds it and its scales best.
Format stored_format(const std::vector<ConvertedTensor>& tensors) {
  std::map<Format, uint64_t> values;
  for (const ConvertedTensor& tensor : tensors) {
    if (tensor.pieces.empty() || tensor.format == Format::mxfp4 || is_always_f32(tensor)) continue;
    const SafetensorsType type = tensor.pieces[0].tensor->type;
    const Format format = type == SafetensorsType::f32 || type == SafetensorsType::f64 ? Format::f32
                          : type == SafetensorsType::f16                               ? Format::f16
                                                                                       : Format::bf16;
    values[format] += count_of(tensor);
  }
  const auto most =
      std::max_element(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == values.end() ? Format::f32 : most->first;
}

void choose_formats(std::vector<ConvertedTensor>& tensors, Format wanted) {
  for (ConvertedTensor& tensor : tensors) {
    if (tensor.format == Format::mxfp4) continue;
    tensor.format = is_always_f32(tensor) || tensor.pieces.empty() ? Format::f32 : wanted;
    // Rows that are no whole blocks.
    if (tensor.dims[0] % format_info(tensor.format).block_size != 0) tensor.format = Format::f16;
  }
}

// The numbers of general.file_type.
uint32_t file_type_of(const std::vector<ConvertedTensor>& tensors, Format format) {
  const bool packed = std::any_of(tensors.begin(), tensors.end(),
                                  [](const ConvertedTensor& tensor) { return tensor.format == Format::mxfp4; });
  if (packed) return 38;
  switch (format) {
    case Format::f16:
      return 1;
    case Format::q8_0:
      return 7;
    case Format::bf16:
      return 32;
    default:
      return 0;
  }
}

void require_known_quantization(const Settings& config) {
  const Settings quantization = config.object({"quantization_config"});
  const auto method = quantization.text({"quant_method"});
  if (method && *method != "fp8" && *method != "mxfp4" && *method != "compressed-tensors")
    quantization.fail("quant_method",
                      "is " + in_quotes(*method) + "; of quantised weights, FP8 and MXFP4 are converted");
}

}  // namespace

uint64_t ConvertedTensor::bytes() const {
  const FormatInfo& info = format_info(format);
  return count_of(*this) / info.block_size * info.block_bytes;
}

ConvertPlan plan_conversion(const ModelFolder& folder, const ConvertOptions& options) {
  auto json = folder.read_json("config.json");
  if (!json) throw FileError(folder.path_of("config.json") + ": is missing");
  const Settings stated(std::move(*json), folder.path_of("config.json"));
  const ModelFamily& family = family_of(stated);
  const Settings config = merged(family, stated);
  require_known_settings(family, config);
  require_known_quantization(config);

  ConvertPlan plan;
  TensorPlanner planner(folder, family, config);
  plan.tensors = planner.plan();
  plan.left_out = planner.left_out();
  const Format format = options.format.value_or(stored_format(plan.tensors));
  choose_formats(plan.tensors, format);
  plan.file_type = file_type_of(plan.tensors, format);
  for (const ConvertedTensor& tensor : plan.tensors) plan.values += count_of(tensor);

  Metadata& metadata = plan.metadata;
  metadata.set("general.architecture", std::string(family.architecture));
  metadata.set("general.type", std::string("model"));
  metadata.set("general.name", options.name.empty() ? folder.name() : options.name);
  metadata.set("general.file_type", plan.file_type);
  metadata.set("general.quantization_version", uint32_t{2});
  add_model_keys(family, folder, config, metadata);
  const auto embedding = std::find_if(plan.tensors.begin(), plan.tensors.end(),
                                      [](const auto& tensor) { return tensor.name == "token_embd.weight"; });
  if (embedding->dims.size() != 2) throw FileError(folder.path_of("") + ": the embedding of tokens is no matrix");
  metadata.set(std::string(family.architecture) + ".vocab_size", static_cast<uint32_t>(embedding->dims[1]));
  add_tokenizer_keys(family, folder, config, options, embedding->dims[1], metadata);
  return plan;
}

}  // namespace hearth
