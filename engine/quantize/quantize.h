// Quantising a model file: what each tensor becomes, then the new file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/quantize/importance.h"
#include "engine/quantize/mix.h"
#include "formats/gguf.h"

namespace hearth {

// Matrices whose names match a pattern get a format, or the one that fits their rows. '*' stands for any characters,
// '?' for one. A whole name also reaches matrices that are otherwise left alone, and must fit.
struct FormatOverride {
  std::string pattern;
  Format format;
};
bool matches(std::string_view pattern, std::string_view name);

// The format of a name ("Q4_K", upper or lower case); null where there is none.
const FormatInfo* find_format(std::string_view name);

struct QuantizeOptions {
  const Mix* mix = nullptr;                // the default formats
  bool pure = false;                       // all matrices in the mix's main format
  std::vector<FormatOverride> overrides;   // the first that matches counts
  const Importance* importance = nullptr;  // must outlive the plan
  bool requantize = false;                 // matrices that are quantised already may be quantised again, at a loss
};

// One tensor of the new file.
struct TensorChange {
  const GgufTensor* tensor;
  Format format;                      // what it becomes
  Format wanted;                      // what it would be if its rows were whole blocks of that
  std::span<const float> importance;  // [width x experts]; empty: all columns count the same
  // The name of a tensor of one factor for each of the matrices, which is new too: the scales of NVFP4's groups reach
  // from 2^-9 to 448, and so its products are multiplied by what the weights were divided by. Empty: none.
  std::string scale_name = {};
  uint64_t matrices() const { return tensor->dims[2] * tensor->dims[3]; }
  uint64_t bytes() const;  // of the new ones
};

struct QuantizePlan {
  std::vector<TensorChange> tensors;  // in the order of the file
  uint32_t file_type = 0;             // general.file_type
  uint64_t values = 0, bytes_before = 0, bytes_after = 0;
  const Importance* importance = nullptr;
};

// Throws FileError for a file that has nothing to quantise or is quantised already, and Error for options that do not
// fit it. The file must outlive the plan.
QuantizePlan plan_quantization(const Gguf& file, const QuantizeOptions& options);

// Writes the new file; a file that is there is replaced once the new one is whole. Holds a few MiB a thread.
// on_progress: called in this thread with the tensor being written and the share that is done, 0 to 1.
// Throws FileError: a weight that is no number, a disk that is full, `out` being the input.
void write_quantized(const Gguf& file, const QuantizePlan& plan, const std::filesystem::path& out, uint32_t threads,
                     const std::function<void(const TensorChange&, double)>& on_progress = {});

}  // namespace hearth
