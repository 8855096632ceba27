// What the subcommands of `hearth` share. Each adds itself to the program and runs in the callback that it sets.
#pragma once

#include <CLI/CLI.hpp>
#include <iosfwd>
#include <stdexcept>
#include <string>

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
void add_serve(CLI::App& program);

// Adds --device, --kernels, --threads, --pre and, where asked for, --ctx and --kv-type.
void add_engine_options(CLI::App& command, EngineOptions& options, bool with_cache = true);

// The model at `path`, or the built-in one where it is empty. Shows progress on stderr where that is a terminal.
Engine load_engine(const std::string& path, EngineOptions options);

std::span<const std::byte> builtin_model();
std::string read_stdin();

}  // namespace hearth
