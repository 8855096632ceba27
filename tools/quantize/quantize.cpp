// hearth quantize: a model file in a smaller format.
#include "engine/quantize/quantize.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "formats/byte_cursor.h"
#include "tools/command.h"
#include "tools/progress_line.h"
#include "tools/store/find_model.h"

namespace hearth {
namespace {

struct QuantizeArguments {
  std::string in, out, type, importance;
  std::vector<std::string> tensors;
  bool pure = false, requantize = false, dry_run = false;
  uint32_t threads = 0;
};

std::string names_of_types() {
  std::string names;
  for (const Mix& mix : mixes()) names += std::string(names.empty() ? "" : ", ") + mix.name;
  return names + ", MXFP4";
}

FormatOverride parse_override(const std::string& text) {
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0) throw UsageError("--tensor takes PATTERN=TYPE, not '" + text + "'");
  const std::string name = text.substr(equals + 1);
  const FormatInfo* format = find_format(name);
  if (format == nullptr)
    throw UsageError("--tensor " + text + ": there is no block format '" + name + "' to write (mixes have several)");
  return {text.substr(0, equals), format->format};
}

QuantizeOptions options_of(const QuantizeArguments& arguments) {
  QuantizeOptions options;
  options.mix = find_mix(arguments.type);
  options.pure = arguments.pure;
  options.requantize = arguments.requantize;
  if (options.mix == nullptr) {
    const FormatInfo* format = find_format(arguments.type);
    if (format == nullptr)
      throw UsageError("there is no type '" + arguments.type + "'; the types are " + names_of_types());
    options.mix = &plain_mix(format->format);
    options.pure = true;
  }
  for (const std::string& text : arguments.tensors) options.overrides.push_back(parse_override(text));
  return options;
}

const char* name_of(Format format) { return format_info(format).name; }
double mib(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

void list_changes(const QuantizePlan& plan) {
  for (const TensorChange& change : plan.tensors) {
    std::cout << printable(change.tensor->name) << "  " << name_of(change.tensor->format);
    if (change.format != change.tensor->format) std::cout << " -> " << name_of(change.format);
    if (change.format != change.wanted) std::cout << ", for its rows do not fit " << name_of(change.wanted);
    std::cout << '\n';
  }
}

// "146 tensors: 113 Q4_K, 20 Q6_K, 13 F32; 2.0 -> 0.6 MiB, 4.91 bits a weight"
void print_summary(const QuantizePlan& plan) {
  std::map<std::string, size_t> formats;
  size_t fallen_back = 0, weighted = 0;
  for (const TensorChange& change : plan.tensors) {
    ++formats[name_of(change.format)];
    if (change.format != change.wanted) ++fallen_back;
    if (!change.importance.empty()) ++weighted;
  }
  std::printf("%zu tensors:", plan.tensors.size());
  const char* between = " ";
  for (const auto& [name, count] : formats) std::printf("%s%zu %s", std::exchange(between, ", "), count, name.c_str());
  std::printf("; %.1f -> %.1f MiB, %.2f bits a weight\n", mib(plan.bytes_before), mib(plan.bytes_after),
              8 * static_cast<double>(plan.bytes_after) / static_cast<double>(plan.values));
  if (fallen_back > 0)
    std::printf("%zu tensors took another format, for their rows are no whole blocks (--dry-run lists them)\n",
                fallen_back);
  if (plan.importance != nullptr) std::printf("%zu tensors by importance\n", weighted);
}

// One line on stderr where matrices take formats of few bits with all columns counting the same.
void warn_of_loss(const QuantizePlan& plan) {
  const auto blind = std::count_if(plan.tensors.begin(), plan.tensors.end(), [](const TensorChange& change) {
    return change.format != change.tensor->format && wants_importance(change.format) && change.importance.empty();
  });
  if (blind > 0)
    std::cerr << "hearth: " << blind << " tensors take three bits or fewer without an importance matrix, which costs "
              << "much of what the model knows; 'hearth imatrix' measures one for --imatrix\n";
}

void run(const QuantizeArguments& arguments) {
  QuantizeOptions options = options_of(arguments);
  std::optional<Importance> importance;
  if (!arguments.importance.empty()) options.importance = &importance.emplace(Importance::load(arguments.importance));
  const Gguf file = Gguf::open(store::find_model(arguments.in));
  const QuantizePlan plan = plan_quantization(file, options);
  warn_of_loss(plan);
  if (arguments.dry_run) {
    list_changes(plan);
    return print_summary(plan);
  }
  const auto begin = std::chrono::steady_clock::now();
  const uint32_t threads =
      arguments.threads != 0 ? arguments.threads : std::max(1u, std::thread::hardware_concurrency());
  {
    ProgressLine line;
    write_quantized(file, plan, arguments.out, threads, [&](const TensorChange& change, double share) {
      line.show(share, printable(change.tensor->name) + " -> " + name_of(change.format));
    });
  }
  print_summary(plan);
  std::printf("%s written in %.1f s\n", arguments.out.c_str(),
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
}

}  // namespace

void add_quantize(CLI::App& program) {
  const auto arguments = std::make_shared<QuantizeArguments>();
  CLI::App* command = program.add_subcommand("quantize", "Make a model file smaller: its matrices in another format");
  command->add_option("IN", arguments->in, "A GGUF file, best with F32, F16 or BF16 weights; any part of a split one")
      ->required();
  command->add_option("OUT", arguments->out, "The new file; one that is there is replaced when the new one is whole")
      ->required();
  command->add_option("TYPE", arguments->type, "What it becomes; see below")->required();
  command
      ->add_option("--tensor", arguments->tensors,
                   "PATTERN=FORMAT: other formats for some matrices; * stands for any characters, ? for one; "
                   "may be given several times, the first that matches counts")
      ->allow_extra_args(false);
  command->add_flag("--pure", arguments->pure, "All matrices in the type's main format, no mix");
  command->add_option("--imatrix", arguments->importance, "An importance matrix in llama.cpp's GGUF form");
  command->add_flag("--allow-requantize", arguments->requantize, "Take weights that are quantised already, at a loss");
  command->add_flag("--dry-run", arguments->dry_run, "Only list what each tensor would become; OUT is not written");
  command->add_option("--threads", arguments->threads, "Threads; default: one for each core")->check(between(1, 1024));
  command->footer(
      "Types: " + names_of_types() +
      ".\nThose that are no format of their own mix several, as llama.cpp does: Q4_K_M is a good choice for\n"
      "most models. Norms, biases and routers stay as they are. Rows that are no whole blocks of a format take\n"
      "the nearest one that fits. With three bits or fewer (IQ3_XXS and below) give --imatrix. TQ1_0 and TQ2_0 are\n"
      "for models whose weights are -1, 0 and 1 times a number.");
  command->callback([=] { run(*arguments); });
}

}  // namespace hearth
