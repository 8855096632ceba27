// Options and loading that most subcommands share.
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <iostream>

#include "tools/command.h"
#include "tools/devices/probe.h"
#include "tools/store/adapter_argument.h"
#include "tools/store/find_model.h"

namespace hearth {

uint32_t read_gpu_layers(const std::string& text) {
  if (text == "auto") return kLayersThatFit;
  uint32_t layers = 0;
  const char* const end = text.data() + text.size();
  const auto [read, problem] = std::from_chars(text.data(), end, layers);
  if (problem != std::errc() || read != end || layers > kMostGpuLayers)
    throw UsageError("a number of layers is \"auto\" or 0 to " + std::to_string(kMostGpuLayers) + ", not '" + text +
                     "'");
  return layers;
}

void add_engine_options(CLI::App& command, EngineOptions& options, bool with_cache) {
  const CLI::Validator known(
      [](const std::string& name) -> std::string {
        const bool one_of_several =
            (name.starts_with("vulkan:") && name.size() > 7) || (name.starts_with("cuda:") && name.size() > 5);
        if (one_of_several || name == "cpu" || name == "cuda" || name == "vulkan" || name == "reference") return {};
        return "there is no device " + name +
               "; there are cpu, cuda, vulkan, one of several as vulkan:NUMBER or vulkan:NAME, and reference";
      },
      "{cpu,cuda,vulkan,BACKEND:NUMBER,BACKEND:NAME,reference}");
  command
      .add_option("--device", options.device,
                  "Where to compute: cpu, cuda (an NVIDIA GPU), vulkan (a GPU), or reference (slow, exact)")
      ->check(known)
      ->capture_default_str();
  command.add_option("--kernels", options.kernels, "Instruction set of the cpu; default: the best of this machine")
      ->check(CLI::IsMember({"avx2", "avx_vnni", "avx512", "avx512_vnni", "neon", "scalar"}));
  command
      .add_option(
          "--vulkan-products", options.vulkan_products,
          "How vulkan multiplies: scalar (32-bit floats), integer (dot products of bytes), matrices (prompts by "
          "cooperative matrices of halves); auto, the default: what is fastest on the GPU")
      ->check(CLI::IsMember(list_vulkan_products()));
  command.add_option("--threads", options.threads, "Most threads; default: one for each core")->check(between(1, 1024));
  command.add_option("--pre", options.pre_tokenizer, "Pre-tokenizer, instead of the one that the file names");
  if (!with_cache) return;
  command.add_option_function<std::string>(
      "--gpu-layers,--n-gpu-layers",
      [&options](const std::string& text) { options.gpu_layers = read_gpu_layers(text); },
      "With a GPU: so many layers are computed there, the last ones of the model, with the output; the cpu computes "
      "those before, so that a row passes from one to the other once. 0: none; more than there are, as 99: all. auto, "
      "the default: as many as fit into its free memory");
  command
      .add_option("--ctx", options.context, "Tokens of prompt and answer; default: the model's own, but at most 4096")
      ->check(between(1, 1 << 24));
  command
      .add_option_function<std::string>(
          "--kv-type",
          [&options](const std::string& name) {
            options.cache_type = name == "f32" ? CacheType::f32 : name == "f16" ? CacheType::f16 : CacheType::q8_0;
          },
          "How the cache keeps keys and values; default: f16")
      ->check(CLI::IsMember({"f32", "f16", "q8_0"}));
  command.add_flag("--deterministic", options.deterministic,
                   "Answers do not depend on what else is decoded; on a GPU prompts take longer");
}

void add_adapter_option(CLI::App& command, std::vector<AdapterFile>& adapters) {
  command
      .add_option_function<std::vector<std::string>>(
          "--lora,--lora-scaled",
          [&adapters](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) adapters.push_back(store::find_adapter(text));
          },
          "[NAME=]FILE[:SCALE]: a LoRA adapter of the model, in GGUF; may be given several times")
      ->allow_extra_args(false);
}

void add_speculation_options(CLI::App& command, EngineOptions& options) {
  command.add_flag("--lookup", options.lookup,
                   "Guess that a text goes on as it did before, and try such guesses where that pays: faster edits");
  command.add_option("--draft", options.draft,
                     "A small model with the same vocabulary that guesses likewise: a file, or "
                     "a name in the store");
}

Engine load_engine(const std::string& path, EngineOptions options) {
  require_sound_drivers(options.device);
  const bool terminal = isatty(STDERR_FILENO) != 0;
  options.on_placement = options.on_recovery = [](const std::string& line) { std::cerr << line << '\n'; };
  options.before_reopening = [device = options.device] { require_sound_drivers(device); };
  int shown = -1;
  if (terminal)
    options.on_load = [&](double share) {
      const int percent = static_cast<int>(share * 100);
      if (percent != shown) std::fprintf(stderr, "\rloading %3d %%", shown = percent);
    };
  if (!options.draft.empty()) options.draft = store::find_model(options.draft.string());
  Engine engine = path.empty() ? Engine::view(builtin_model(), "the built-in model", options)
                               : Engine::load(store::find_model(path), options);
  if (terminal) std::fputs("\r             \r", stderr);
  if (const ModelInfo info = engine.info(); info.context > info.trained_context)
    std::cerr << "hearth: a context of " << info.context << " is past the " << info.trained_context
              << " tokens that the model was trained for; past them answers may be poor\n";
  return engine;
}

std::string read_stdin() {
  std::string text;
  char block[64 << 10];
  while (std::cin.read(block, sizeof block), std::cin.gcount() > 0) {
    text.append(block, static_cast<size_t>(std::cin.gcount()));
    if (text.size() > kMostInput)
      throw UsageError("standard input is larger than " + std::to_string(kMostInput >> 20) + " MiB");
  }
  return text;
}

}  // namespace hearth
