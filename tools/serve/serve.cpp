// hearth serve: models behind the APIs that clients speak.
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <memory>
#include <mutex>
#include <set>

#include "tools/command.h"
#include "tools/devices/probe.h"
#include "tools/pull/model_argument.h"
#include "tools/serve/config.h"
#include "tools/serve/server.h"
#include "tools/store/find_model.h"
#include "tools/store/model_name.h"

namespace hearth {
namespace {

using serve::ServerOptions;

// Lines of the log are whole, whichever thread they come from.
void log_line(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::cerr << line + "\n";
}

void require_distinct_names(const ServerOptions& options) {
  std::set<std::string> names;
  for (const auto& model : options.models)
    if (!names.insert(model.name).second)
      throw UsageError("two models are named '" + model.name + "'; name one by NAME=PATH");
  for (const auto& model : options.models)
    for (const auto& adapter : model.adapters)
      if (!names.insert(adapter.name).second)
        throw UsageError("two models or adapters are named '" + adapter.name + "'; name the adapter by NAME=PATH");
  for (const auto& remote : options.remotes)
    for (const auto& name : remote.models)
      if (!names.insert(name).second) throw UsageError("two models are named '" + name + "', one of them remote");
}

uint64_t machine_memory() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// A MODEL argument: a path, a name that is pulled where it is not in the store, or NAME= and one of those.
serve::ModelSource model_of(const std::string& text, const ServerOptions& options) {
  serve::ModelSource source = serve::model_source(text);
  const size_t equals = text.find('=');
  const bool is_named = equals != text.npos && text.compare(0, equals, source.name) == 0;
  const std::string model = is_named ? text.substr(equals + 1) : text;
  source.path = pulled_model(model, options.engine, options.routing.policy.offline, options.memory);
  // A file goes by its stem, a name by itself.
  if (!is_named && source.path != model) source.name = model;
  return source;
}

// Models that hearth.toml calls by names of the store.
void find_configured_models(const std::filesystem::path& folder, std::vector<serve::ModelSource>& models) {
  const auto find = [&](std::filesystem::path& path) {
    const std::string text = path.lexically_relative(folder).string();
    if (!store::exists(path.string()) && store::parse_model_name(text)) path = store::find_model(text);
  };
  for (serve::ModelSource& model : models) {
    find(model.path);
    if (!model.draft.empty()) find(model.draft);
    for (AdapterFile& adapter : model.adapters) find(adapter.path);
  }
}

// --draft belongs to the only model.
void give_draft(ServerOptions& options) {
  if (options.engine.draft.empty()) return;
  if (options.models.size() != 1)
    throw UsageError("--draft is for one model; of several, each names its own in hearth.toml");
  options.models.front().draft = store::find_model(options.engine.draft.string());
}

// So does --lora.
void give_adapters(ServerOptions& options) {
  if (options.engine.adapters.empty()) return;
  if (options.models.empty()) options.models.push_back({"spark", {}, builtin_model()});
  if (options.models.size() != 1)
    throw UsageError("--lora is for one model; of several, each names its own in hearth.toml");
  auto& adapters = options.models.front().adapters;
  adapters.insert(adapters.end(), options.engine.adapters.begin(), options.engine.adapters.end());
}

void run_server(ServerOptions options) {
  if (options.models.empty()) options.models.push_back({"spark", {}, builtin_model()});
  require_distinct_names(options);
  require_sound_drivers(options.engine.device);
  options.engine.before_reopening = [device = options.engine.device] { require_sound_drivers(device); };
  if (options.memory == 0) options.memory = machine_memory() / 10 * 9;
  options.log = log_line;
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a log that may not grow is an error like a full disk
  serve::Server server(std::move(options));
  server.stop_on_signals();
  std::cout << "Hearth answers at " << server.address() << "/v1" << std::endl;
  if (server.ollama_port() != 0) std::cout << "and as Ollama does at " << server.ollama_address() << std::endl;
  server.run();
}

}  // namespace

void add_serve(CLI::App& program) {
  struct Given {
    std::vector<std::string> models, keys, hosts, origins;
    std::string memory;
    bool offline = false;
    ServerOptions options;
  };
  const auto given = std::make_shared<Given>();
  given->options.engine.parallel = 4;
  CLI::App* command =
      program.add_subcommand("serve", "Answer at an address as the APIs of OpenAI, Anthropic, Ollama and llama.cpp do");
  command->add_option(
      "MODEL", given->models,
      "GGUF files or names as for pull, each alone or as NAME=MODEL; default: the small built-in model, named "
      "spark");
  command->add_option("--host", given->options.host, "Address to listen on")->capture_default_str();
  command->add_option("--port", given->options.port, "Port to listen on; 0: a free one")
      ->check(between(0, 65535))
      ->capture_default_str();
  command
      ->add_option("--ollama-port", given->options.ollama_port,
                   "Another port that answers, where clients of Ollama expect one: 11434; 0: a free one")
      ->check(between(0, 65535));
  command->add_option("--api-key", given->keys, "KEY that clients must send, or @FILE with one in each line")
      ->allow_extra_args(false);
  // The file is read as soon as it is named, and the other options are put on top at the end.
  const auto read_config = [given](const std::string& file) {
    serve::read_config(file, given->options);
    find_configured_models(std::filesystem::path(file).parent_path(), given->options.models);
  };
  command
      ->add_option_function<std::string>("--config", read_config, "A hearth.toml; the command line is put on top of it")
      ->trigger_on_parse();
  command->add_option("--parallel", given->options.engine.parallel, "Most requests that are decoded together")
      ->check(between(1, 4096))
      ->capture_default_str();
  command->add_option("--memory", given->memory,
                      "Most memory of all loaded models together, as 8G; default: nine tenths of the machine's");
  command
      ->add_option("--keep-alive", given->options.keep_alive_seconds,
                   "Seconds after which an idle model is unloaded; 0: never")
      ->capture_default_str();
  command->add_option("--queue", given->options.engine.most_waiting, "Most requests of a model that wait")
      ->capture_default_str();
  command
      ->add_option("--queue-seconds", given->options.engine.longest_wait,
                   "Seconds that a request waits before it is refused as busy; 0: no limit")
      ->check(between(0.0, 1e9))
      ->capture_default_str();
  command
      ->add_option("--max-tokens", given->options.engine.most_tokens,
                   "Most tokens of an answer, whatever its request says; 0: no limit")
      ->capture_default_str();
  command->add_option("--grace", given->options.grace_seconds, "Seconds that requests have to end after SIGTERM")
      ->capture_default_str();
  command
      ->add_option("--allow-host", given->hosts, "A name of this server in the Host header, besides the loopback names")
      ->allow_extra_args(false);
  command->add_option("--allow-origin", given->origins, "An origin whose web pages may ask, as https://example.org")
      ->allow_extra_args(false);
  command->add_flag("--embeddings", given->options.engine.embeddings,
                    "Answer /v1/embeddings too; takes memory for one more context of each model");
  command->add_option("--slot-save-path", given->options.slot_folder,
                      "A folder where clients may save the cache by POST /slots/0?action=save, and "
                      "restore it, as with llama.cpp's server");
  command->add_option("--cache-folder", given->options.cache_folder,
                      "A folder where each model's cache is saved when the server stops or the "
                      "model is unloaded, and restored from when it is loaded");
  command->add_flag("--log-requests", given->options.log_requests, "A line on stderr for each request");
  command->add_flag("--log-cache", given->options.log_cache,
                    "A line for each prompt that leaves the cached one, with words of both");
  command->add_flag("--offline", given->offline,
                    "Fetch nothing, and send nothing: a MODEL that is neither a file nor in the store is refused, and "
                    "so is what remote models are asked, as by offline = true in hearth.toml");
  add_engine_options(*command, given->options.engine);
  add_adapter_option(*command, given->options.engine.adapters);
  add_speculation_options(*command, given->options.engine);
  command->callback([=] {
    ServerOptions options = given->options;
    options.routing.policy.offline |= given->offline;
    if (!given->memory.empty()) options.memory = serve::read_bytes(given->memory);
    for (const std::string& model : given->models) options.models.push_back(model_of(model, options));
    give_draft(options);
    give_adapters(options);
    for (const std::string& key : given->keys)
      for (std::string& one : serve::read_keys(key)) options.access.keys.push_back(std::move(one));
    for (const std::string& name : given->hosts) options.access.hosts.push_back(name);
    for (const std::string& origin : given->origins) options.access.origins.push_back(origin);
    run_server(std::move(options));
  });
}

}  // namespace hearth
