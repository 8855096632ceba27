// hearth imatrix: which columns of a model's matrices matter most on a text, for hearth quantize.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "engine/quantize/measure.h"
#include "formats/mapped_file.h"
#include "tools/command.h"
#include "tools/store/find_model.h"

namespace hearth {
namespace {

struct ImatrixOptions {
  std::string model, text, out;
  EngineOptions engine;
  MeasureOptions measure;
};

void run(ImatrixOptions options) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  if (terminal)
    options.measure.on_progress = [](double share) {
      std::fprintf(stderr, "\rmeasuring %3d %%", static_cast<int>(share * 100));
    };
  const MappedFile file(options.text);
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (text.ends_with('\n')) text.remove_suffix(1);  // as llama.cpp takes a file
  // Better now than after the measuring.
  const std::filesystem::path folder = std::filesystem::path(options.out).parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder))
    throw std::runtime_error(options.out + ": there is no such folder");
  const MeasuredColumns columns =
      measure_columns(store::find_model(options.model), options.engine, text, options.measure);
  if (terminal) std::fputs("\r               \r", stderr);
  write_columns(columns, options.text, options.out);
  std::printf("%s: %zu matrices over %u chunks of %u tokens\n", options.out.c_str(), columns.matrices.size(),
              columns.chunks, columns.chunk);
}

}  // namespace

void add_imatrix(CLI::App& program) {
  const auto options = std::make_shared<ImatrixOptions>();
  CLI::App* command = program.add_subcommand("imatrix", "Measure on a text which columns of the weights matter most");
  command->add_option("MODEL", options->model, "A GGUF file, best with F32, F16 or BF16 weights")->required();
  command->add_option("TEXT", options->text, "A text file of what the model will be used for")->required();
  command->add_option("-o,--output", options->out, "The importance matrix, in llama.cpp's GGUF form")->required();
  command->add_option("--chunks", options->measure.most_chunks, "Read at most this many; default: all")
      ->check(between(1, 1 << 24));
  add_engine_options(*command, options->engine, false);
  command->add_option("--ctx", options->measure.chunk, "Tokens of a chunk of the text")
      ->check(between(4, 1 << 20))
      ->capture_default_str();
  command->footer(
      "For hearth quantize --imatrix. Everything is measured but the output matrix and the token embedding; those are\n"
      "quantised as without an importance matrix.");
  command->callback([=] { run(*options); });
}

}  // namespace hearth
