// How fast a model runs: prompt processing and generation, as the field measures them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "backends/profile.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {

struct BenchmarkOptions {
  uint32_t prompt = 512, generate = 64, runs = 3;
  uint32_t depth = 0;  // tokens in the cache before each of the two
  uint32_t batch = 1;  // sequences side by side
  bool profile = false;
};

// The steps of one more run, whose ops were timed.
struct RunProfile {
  StepProfile sum;
  uint32_t steps = 0;       // 0: there was no such run
  double step_seconds = 0;  // of those of the other runs, on average
};

struct BenchmarkResult {
  std::vector<double> prompt_rate, generate_rate;  // tokens a second of all sequences together, one entry a run
  double load_seconds = 0;
  uint64_t peak_memory = 0;  // of the process, bytes
  double read_gb_s = 0;      // measured roofs, means of before and after: reading memory, and int8 operations in
                             // registers; 0 where not measured
  double int8_gops = 0;
  double prompt_share = 0, generate_share = 0;  // of the roofs, by the medians
  std::string device, kernels;
  std::string placement;  // of layers, where the device is a GPU
  uint32_t threads = 0;
  RunProfile prompt_profile, generate_profile;
};

// After one unmeasured run. The share of generation is the bytes of weights read for a token, times the rate of steps,
// over the read bandwidth; that of the prompt is 2 operations a weight and token over the int8 peak, without the output
// matrix, which only the last token meets. Throws Error.
BenchmarkResult benchmark(const std::filesystem::path& model, const EngineOptions& engine,
                          const BenchmarkOptions& options);

double median(std::vector<double> values);  // 0 of none

}  // namespace hearth
