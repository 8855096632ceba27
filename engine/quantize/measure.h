// Measuring an importance matrix: what the matrices of a model are multiplied by while it reads a text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/include/hearth/hearth.h"

namespace hearth {

struct MeasureOptions {
  uint32_t chunk = 512;                     // tokens that the model reads at a time, each chunk by itself
  uint32_t most_chunks = 0;                 // of the text; 0: all
  std::function<void(double)> on_progress;  // the share that is done, 0 to 1, in this thread
};

// Sums over tokens for one matrix, or a stack of experts.
struct ColumnSquares {
  std::string name;
  uint64_t width = 0, experts = 1;
  std::vector<double> sums;    // [width x experts], of the squares of its inputs
  std::vector<double> counts;  // [experts], of the tokens
};

struct MeasuredColumns {
  std::vector<ColumnSquares> matrices;  // by name
  uint32_t chunks = 0, chunk = 0;
};

// Runs the model on a text, layer by layer. Every matrix is measured but the output matrix, the token embedding and
// those that work on single heads. Throws Error.
MeasuredColumns measure_columns(const std::filesystem::path& model, const EngineOptions& engine, std::string_view text,
                                const MeasureOptions& options);

// Writes them in llama.cpp's form; data_set: the name of the text. Throws FileError.
void write_columns(const MeasuredColumns& columns, const std::string& data_set, const std::filesystem::path& path);

}  // namespace hearth
