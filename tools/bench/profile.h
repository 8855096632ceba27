// What hearth bench --profile tells of the ops of steps.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/decode/benchmark.h"

namespace hearth {

// What is measured of the device, 1e9 of each a second; 0: nothing.
struct BenchRoofs {
  double read_gb_s, int8_gops;
};

// A line for each op of a step, those that take longest first, and one for the step; nothing where nothing was
// profiled. name: of the run, "pp512".
void print_profile(const std::string& name, const RunProfile& profile, const BenchRoofs& roofs);
nlohmann::ordered_json profile_json(const RunProfile& profile, const BenchRoofs& roofs);

}  // namespace hearth
