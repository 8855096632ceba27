// hearth run: complete a prompt, or talk.
#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>

#include "tools/command.h"
#include "tools/pull/model_argument.h"
#include "tools/run/chat.h"
#include "tools/run/kept_cache.h"
#include "tools/run/print_answer.h"

namespace hearth {
namespace {

struct RunOptions {
  std::string model;
  std::string prompt;
  bool raw = false, offline = false;
  std::string cache_file;
  bool cache_read_only = false;
  EngineOptions engine;
  Request request;
  uint64_t seed = 0;
};

// The exit code.
int run(const RunOptions& options, bool has_prompt, bool has_seed) {
  EngineOptions engine_options = options.engine;
  engine_options.chat_template = !options.raw;
  Engine engine = load_engine(pulled_model(options.model, engine_options, options.offline), engine_options);
  Request request = options.request;
  if (has_seed) request.sampling.seed = options.seed;
  install_interrupt_handler();
  // It is asked before every step.
  const auto computed = std::make_shared<std::atomic<bool>>(false);
  request.cancelled = [computed] {
    *computed = true;
    return interrupted.load();
  };
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
  KeptCache cache(engine, options.cache_file, options.cache_read_only);
  if (!has_prompt) {
    const bool all_answered = chat(engine, request);
    if (*computed) cache.save();
    return all_answered ? 0 : 1;
  }

  if (engine.info().has_chat_template)
    request.prompt = std::vector<Message>{{"user", options.prompt}};
  else
    request.prompt = options.prompt;
  const Result result = print_answer(engine, request);
  std::cout << '\n';
  print_summary(result);
  const bool ended_early = interrupted;
  cache.save();
  return ended_early ? 128 + SIGINT : 0;
}

}  // namespace

void add_run(CLI::App& program) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* command = program.add_subcommand("run", "Complete a prompt; without one, talk in the terminal");
  command->add_option("MODEL", options->model,
                      "A GGUF file, or a name as for pull, which is fetched where it is not in the store; default: the "
                      "small built-in model, which completes Python");
  const CLI::Option* prompt =
      command->add_option("-p,--prompt", options->prompt, "The prompt; a chat template is applied to it");
  command
      ->add_option("-n", options->request.max_tokens,
                   "Most tokens to generate; default: until the text or the context ends")
      ->check(between(uint32_t{1}, UINT32_MAX));
  Sampling& sampling = options->request.sampling;
  command->add_option("--temp", sampling.temperature, "Temperature; 0: always the likeliest token")
      ->check(between(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--top-k", sampling.top_k, "Draw from this many of the likeliest tokens; 0: all")
      ->check(between(0, 1 << 30))
      ->capture_default_str();
  command->add_option("--top-p", sampling.top_p, "Draw from the likeliest tokens that make up this share")
      ->check(between(1e-6, 1.0))
      ->capture_default_str();
  command->add_option("--min-p", sampling.min_p, "Leave out tokens below this share of the likeliest one's probability")
      ->check(between(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--repeat-penalty", sampling.repeat_penalty, "Weakens recent tokens; 1: off")
      ->check(between(0.01, 100.0))
      ->capture_default_str();
  command->add_option("--presence-penalty", sampling.presence_penalty, "Taken from the logits of recent tokens")
      ->check(between(-100.0, 100.0))
      ->capture_default_str();
  command->add_option("--frequency-penalty", sampling.frequency_penalty, "The same, for each time the token occurred")
      ->check(between(-100.0, 100.0))
      ->capture_default_str();
  const CLI::Option* seed =
      command->add_option("--seed", options->seed, "The same seed gives the same text; default: random")
          ->check(between(uint64_t{0}, UINT64_MAX - 1));
  command->add_option("--stop", options->request.stop, "A text that ends the answer; may be given several times")
      ->check([](const std::string& text) { return text.empty() ? "a text that ends the answer is not empty" : ""; })
      ->allow_extra_args(false);
  command->add_flag("--raw", options->raw, "Do not apply the model's chat template");
  CLI::Option* cache_file =
      command->add_option("--cache-file", options->cache_file,
                          "Restore the cache from this file, where it is there, and save it there at the end: what was "
                          "computed before is not computed again. It holds what was said, for its owner's eyes alone");
  command->add_flag("--cache-read-only", options->cache_read_only, "Do not save it")->needs(cache_file);
  add_engine_options(*command, options->engine);
  add_adapter_option(*command, options->engine.adapters);
  add_speculation_options(*command, options->engine);
  add_offline_option(*command, options->offline);
  command->callback([=] {
    if (const int code = run(*options, prompt->count() > 0, seed->count() > 0); code != 0)
      throw CLI::RuntimeError(code);
  });
}

}  // namespace hearth
