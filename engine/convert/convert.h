// Converting a model in Hugging Face's layout to GGUF: what the new file has, then the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/convert/folder.h"
#include "engine/convert/metadata.h"
#include "engine/convert/piece.h"
#include "quant/format.h"

namespace hearth {

struct ConvertOptions {
  std::optional<Format> format;  // of matrices: F32, F16, BF16 or Q8_0; nullopt: as most of them are stored
  std::string pre;               // tokenizer.ggml.pre; empty: recognised by the rules of tokenizer.json
  std::string name;              // general.name; empty: that of the folder
};

// One tensor of the new file: matrices of one shape, stacked.
struct ConvertedTensor {
  std::string name;
  Format format = Format::f32;
  std::vector<uint64_t> dims;  // dims[0]: the length of a row
  std::vector<Piece> pieces;
  float added = 0;            // to each value
  bool decays = false;        // each value x becomes -exp(x)
  std::vector<float> values;  // of a tensor that is made from settings, and has no pieces
  uint64_t bytes() const;
};

struct ConvertPlan {
  Metadata metadata;
  std::vector<ConvertedTensor> tensors;  // in the order of the file
  uint32_t file_type = 0;                // general.file_type
  uint64_t values = 0;                   // in all tensors
  std::vector<std::string> left_out;     // names of stored tensors that the new file does without
};

// Only reads names, shapes, settings and the tokenizer; the folder must outlive the plan. Throws FileError naming the
// file and what is wrong with it, or what in it is not supported.
ConvertPlan plan_conversion(const ModelFolder& folder, const ConvertOptions& options);

// Writes `out`, which gets its name when it is whole. Holds some rows of one tensor at a time. on_progress gets the
// tensor and the share done, from 0 to 1. Throws FileError where the disk is full or a weight is not a number.
void write_converted(const ModelFolder& folder, const ConvertPlan& plan, const std::filesystem::path& out,
                     const std::function<void(const ConvertedTensor&, double)>& on_progress = {});

}  // namespace hearth
