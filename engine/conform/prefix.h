// Programs that end early, to find the first op whose result departs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/program.h"
#include "engine/conform/tolerance.h"

namespace hearth::conform {

// The ops of a program up to one of them, whose result becomes that of the program.
struct Prefix {
  Program program;
  std::string op;  // the last one's name
  FormatClass format_class;
  Format format;                         // of its weights
  std::string what;                      // "op 7 of 24: linear, 512x256 of Q4_K"
  std::optional<uint16_t> cached_layer;  // it writes its cache, which counts
};

// One for each op that has a whole result, in their order. They view what `program` views.
std::vector<Prefix> prefixes_of(const Program& program);

}  // namespace hearth::conform
