// hearth convert: a model in Hugging Face's layout as a GGUF file.
#include "engine/convert/convert.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <utility>

#include "engine/convert/families.h"
#include "formats/byte_cursor.h"
#include "tools/command.h"
#include "tools/progress_line.h"

namespace hearth {
namespace {

struct ConvertArguments {
  std::string folder, out, type = "auto", pre, name;
  bool dry_run = false;
};

ConvertOptions options_of(const ConvertArguments& arguments) {
  constexpr std::pair<const char*, Format> kTypes[] = {
      {"F32", Format::f32}, {"F16", Format::f16}, {"BF16", Format::bf16}, {"Q8_0", Format::q8_0}};
  ConvertOptions options;
  options.pre = arguments.pre;
  options.name = arguments.name;
  std::string type = arguments.type;
  std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return std::toupper(c); });
  if (type == "AUTO") return options;
  for (const auto& [name, format] : kTypes)
    if (type == name) options.format = format;
  if (!options.format)
    throw UsageError("there is no type '" + arguments.type + "'; the types are auto, F32, F16, BF16, Q8_0");
  return options;
}

const char* name_of_format(Format format) { return format_info(format).name; }

void list_tensors(const ConvertPlan& plan) {
  for (const ConvertedTensor& tensor : plan.tensors) {
    std::cout << tensor.name << "  [";
    for (size_t i = 0; i < tensor.dims.size(); ++i) std::cout << (i == 0 ? "" : ",") << tensor.dims[i];
    std::cout << "]  ";
    if (tensor.pieces.empty())
      std::cout << "config.json";
    else
      std::cout << printable(tensor.pieces[0].tensor->name) << ' ' << name_of(tensor.pieces[0].tensor->type);
    if (tensor.pieces.size() > 1) std::cout << " and " << tensor.pieces.size() - 1 << " more";
    std::cout << " -> " << name_of_format(tensor.format) << '\n';
  }
  for (const std::string& name : plan.left_out) std::cout << printable(name) << "  left out\n";
}

// "201 tensors: 113 BF16, 88 F32; 942.3 MiB"
void print_tensors(const ConvertPlan& plan) {
  std::map<std::string, size_t> formats;
  uint64_t bytes = 0;
  for (const ConvertedTensor& tensor : plan.tensors) {
    ++formats[name_of_format(tensor.format)];
    bytes += tensor.bytes();
  }
  std::printf("%zu tensors:", plan.tensors.size());
  const char* between = " ";
  for (const auto& [name, count] : formats) std::printf("%s%zu %s", std::exchange(between, ", "), count, name.c_str());
  std::printf("; %.1f MiB\n", static_cast<double>(bytes) / (1 << 20));
}

void run_convert(const ConvertArguments& arguments) {
  const ConvertOptions options = options_of(arguments);
  const ModelFolder folder = ModelFolder::open(arguments.folder);
  const ConvertPlan plan = plan_conversion(folder, options);
  if (arguments.dry_run) {
    list_tensors(plan);
    return print_tensors(plan);
  }
  const auto begin = std::chrono::steady_clock::now();
  {
    ProgressLine line;
    write_converted(folder, plan, arguments.out,
                    [&](const ConvertedTensor& tensor, double share) { line.show(share, tensor.name); });
  }
  print_tensors(plan);
  std::printf("%s written in %.1f s\n", arguments.out.c_str(),
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
}

}  // namespace

void add_convert(CLI::App& program) {
  const auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* command =
      program.add_subcommand("convert", "Make a GGUF file of a model in Hugging Face's layout (safetensors)");
  command->add_option("FOLDER", arguments->folder, "The model's folder: config.json, *.safetensors, tokenizer files")
      ->required();
  command->add_option("OUT", arguments->out, "The new file; one that is there is replaced when the new one is whole")
      ->required();
  command->add_option("--type", arguments->type,
                      "Of matrices: F32, F16, BF16, Q8_0, or auto: as most of them are stored (default)");
  command->add_option("--pre", arguments->pre,
                      "The tokenizer's rules for cutting words, where tokenizer.json has unknown ones");
  command->add_option("--name", arguments->name, "general.name; default: the folder's name");
  command->add_flag("--dry-run", arguments->dry_run, "Only list what each tensor would become; OUT is not written");
  command->footer(
      "Models: " + family_names() +
      ".\nNorms, biases, routers and positions become F32, FP8 weights BF16 unless --type says otherwise, and\n"
      "MXFP4 experts stay as they are. For smaller formats, quantize the new file.");
  command->callback([=] { run_convert(*arguments); });
}

}  // namespace hearth
