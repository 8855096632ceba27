// What a model takes in memory, told by the beginning of its file: before the rest of it has come.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "hearth/hearth.h"
#include "tools/fetch/choice.h"

namespace hearth::fetch {

struct Foresight {
  std::optional<Overhead> overhead;
  std::string why_not;  // why it cannot be run; empty where it can, or where that is not known
  bool enough = false;  // the metadata ends within what has come
};

// Reads a file of which the first `there` bytes have come; the others are zeros, or right.
Foresight foresee(const std::filesystem::path& path, uint64_t there, const EngineOptions& options);

// Nine tenths of the machine's memory.
uint64_t machine_budget();

// Architecture and quantisation of a whole file, empty where they are not told; or why it cannot be read.
struct Kind {
  std::string architecture, quantization, why_not;
  bool has_chat_template = false;
};
Kind kind_of(const std::filesystem::path& path);

}  // namespace hearth::fetch
