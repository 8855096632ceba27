// What the subcommands of `hearth` share. Each adds itself to the program and runs in the callback that it sets.
#pragma once

#include <CLI/CLI.hpp>
#include <iosfwd>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "hearth/hearth.h"

namespace hearth {

// A wrong command line or wrong input on stdin that no option check finds: one line, exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

void add_run(CLI::App& program);
void add_inspect(CLI::App& program);
void add_tokenize(CLI::App& program);
void add_detokenize(CLI::App& program);
void add_render(CLI::App& program);
void add_logits(CLI::App& program);
void add_bench(CLI::App& program);
void add_imatrix(CLI::App& program);
void add_perplexity(CLI::App& program);
void add_quantize(CLI::App& program);
void add_convert(CLI::App& program);
void add_serve(CLI::App& program);
void add_audit(CLI::App& program);
void add_pull(CLI::App& program);
void add_list(CLI::App& program);
void add_show(CLI::App& program);
void add_rm(CLI::App& program);
void add_compare(CLI::App& program);
void add_devices(CLI::App& program);
void add_conform(CLI::App& program);

// A check whose help reads "1..4096", or "1.." where the most is as good as none.
template <class Number>
CLI::Validator between(Number least, Number most) {
  std::ostringstream range;
  range << least << "..";
  if (most < static_cast<Number>(1 << 24) || std::is_floating_point_v<Number>) range << most;
  return CLI::Range(least, most).description(range.str());
}

// "auto" or a number, as EngineOptions::gpu_layers has it. Throws UsageError.
uint32_t read_gpu_layers(const std::string& text);
inline constexpr uint32_t kMostGpuLayers = 1 << 16;

// Adds --device, --kernels, --threads, --pre and, where asked for, --gpu-layers, --ctx, --kv-type and --deterministic.
void add_engine_options(CLI::App& command, EngineOptions& options, bool with_cache = true);

// Adds --lora.
void add_adapter_option(CLI::App& command, std::vector<AdapterFile>& adapters);

// Adds --lookup and --draft.
void add_speculation_options(CLI::App& command, EngineOptions& options);

// The model at `path`, which may be a name of the store, or the built-in one where it is empty. Shows progress on
// stderr where that is a terminal.
Engine load_engine(const std::string& path, EngineOptions options);

std::span<const std::byte> builtin_model();
// All of stdin. Throws UsageError where it is larger than kMostInput.
std::string read_stdin();
inline constexpr size_t kMostInput = 16 << 20;  // bytes; a token and what finding it takes are some 40 bytes

}  // namespace hearth
