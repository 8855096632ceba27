// hearth bench: tokens a second, and what share of the machine that is.
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/decode/benchmark.h"
#include "tools/bench/profile.h"
#include "tools/command.h"
#include "tools/devices/probe.h"
#include "tools/store/find_model.h"

namespace hearth {
namespace {

struct BenchOptions {
  std::string model;
  EngineOptions engine;
  BenchmarkOptions benchmark;
  bool json = false;
};

double rounded(double value, double unit) {
  return static_cast<double>(static_cast<int64_t>(value / unit + 0.5)) * unit;
}

void print_json(const BenchmarkResult& result) {
  nlohmann::ordered_json json = {{"pp_tok_s", result.prompt_rate},
                                 {"tg_tok_s", result.generate_rate},
                                 {"read_gb_s", rounded(result.read_gb_s, 0.01)},
                                 {"int8_gops", rounded(result.int8_gops, 0.1)},
                                 {"pp_share", rounded(result.prompt_share, 1e-4)},
                                 {"tg_share", rounded(result.generate_share, 1e-4)},
                                 {"load_s", result.load_seconds},
                                 {"peak_rss_bytes", result.peak_memory},
                                 {"device", result.device},
                                 {"kernels", result.kernels},
                                 {"threads", result.threads}};
  if (!result.placement.empty()) json["placement"] = result.placement;
  const BenchRoofs roofs{result.read_gb_s, result.int8_gops};
  if (result.prompt_profile.steps > 0) json["pp_profile"] = profile_json(result.prompt_profile, roofs);
  if (result.generate_profile.steps > 0) json["tg_profile"] = profile_json(result.generate_profile, roofs);
  std::cout << json.dump() << '\n';
}

void print_rates(const char* name, uint32_t tokens, const std::vector<double>& rates, double share, const char* roof) {
  if (rates.empty()) return;
  std::printf("%s%-5u %10.2f tokens/s", name, tokens, median(rates));
  if (share > 0) std::printf("  %5.1f %% of %s", share * 100, roof);
  std::printf("  (runs:");
  for (const double rate : rates) std::printf(" %.2f", rate);
  std::printf(")\n");
}

void run(const BenchOptions& options) {
  require_sound_drivers(options.engine.device);
  const BenchmarkResult result = benchmark(store::find_model(options.model), options.engine, options.benchmark);
  if (options.json) return print_json(result);
  std::printf("device %s%s%s, %u threads; loaded in %.2f s; at most %.0f MiB in memory\n", result.device.c_str(),
              result.kernels.empty() ? "" : " ", result.kernels.c_str(), result.threads, result.load_seconds,
              static_cast<double>(result.peak_memory) / (1 << 20));
  if (!result.placement.empty()) std::printf("%s\n", result.placement.c_str());
  if (result.read_gb_s > 0) std::printf("roofs: memory %.1f GB/s read", result.read_gb_s);
  if (result.int8_gops > 0) std::printf(", int8 %.0f Gop/s", result.int8_gops);
  if (result.read_gb_s > 0) std::printf("\n");
  print_rates("pp", options.benchmark.prompt, result.prompt_rate, result.prompt_share, "int8 peak");
  print_rates("tg", options.benchmark.generate, result.generate_rate, result.generate_share, "read bandwidth");
  const BenchRoofs roofs{result.read_gb_s, result.int8_gops};
  print_profile("pp" + std::to_string(options.benchmark.prompt), result.prompt_profile, roofs);
  print_profile("tg" + std::to_string(options.benchmark.generate), result.generate_profile, roofs);
}

}  // namespace

void add_bench(CLI::App& program) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* command = program.add_subcommand("bench", "Measure prompt processing (pp) and generation (tg)");
  BenchmarkOptions& benchmark = options->benchmark;
  command->add_option("MODEL", options->model, "A GGUF file, or a name in the store")->required();
  command->add_option("--pp", benchmark.prompt, "Tokens of the prompt; 0: leave out")
      ->check(between(0, 1 << 20))
      ->capture_default_str();
  command->add_option("--tg", benchmark.generate, "Tokens to generate; 0: leave out")
      ->check(between(0, 1 << 20))
      ->capture_default_str();
  command->add_option("--runs", benchmark.runs, "Measured runs, after one that warms up")
      ->check(between(1, 1000))
      ->capture_default_str();
  command->add_option("--depth", benchmark.depth, "Tokens in the cache before")
      ->check(between(0, 1 << 20))
      ->capture_default_str();
  command->add_option("--batch", benchmark.batch, "Sequences side by side")
      ->check(between(1, 512))
      ->capture_default_str();
  command->add_flag("--profile", benchmark.profile,
                    "Also time each op, in one more run: its time, bytes, GB/s and share of the roofs above");
  command->add_flag("--json", options->json, "One line of JSON");
  add_engine_options(*command, options->engine);
  add_adapter_option(*command, options->engine.adapters);
  command->remove_option(command->get_option("--ctx"));
  command->callback([=] { run(*options); });
}

}  // namespace hearth
