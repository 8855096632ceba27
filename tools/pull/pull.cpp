// hearth pull: models from elsewhere into the store.
#include <memory>

#include "tools/command.h"
#include "tools/fetch/transfer.h"
#include "tools/fetch/url.h"
#include "tools/pull/model_argument.h"
#include "tools/serve/config.h"

namespace hearth {
namespace {

struct PullArguments {
  std::vector<std::string> names;
  std::string as, hub, registry, memory;
  fetch::PullOptions options;
};

void pull_models(const PullArguments& arguments) {
  fetch::PullOptions options = arguments.options;
  const fetch::Settings given = options.settings;
  options.settings = fetch::settings_of_environment();
  fetch::Settings& settings = options.settings;
  settings.proxy = given.proxy;
  settings.plain_http = given.plain_http;
  settings.connections = given.connections;
  settings.offline = settings.offline || given.offline;
  if (!arguments.hub.empty()) settings.hub = fetch::read_endpoint(arguments.hub, "--hub");
  if (!arguments.registry.empty()) settings.registry = fetch::read_endpoint(arguments.registry, "--registry");
  if (!arguments.memory.empty()) options.memory = serve::read_bytes(arguments.memory);
  if (!fetch::can_fetch())
    throw Error(ErrorCode::invalid_argument, "this program was built without HEARTH_REMOTE: it cannot fetch models");
  if (settings.offline)
    throw UsageError("pull needs the network, and --offline, HEARTH_OFFLINE or HF_HUB_OFFLINE forbids it");
  if (!arguments.as.empty()) {
    const auto as = store::parse_model_name(arguments.as);
    if (!as || arguments.names.size() != 1)
      throw UsageError("--as takes a name such as 'coder' or 'coder:7b', for one model");
    options.as = store::store_name(*as);
  }
  std::vector<store::ModelName> names;
  for (const std::string& text : arguments.names) {
    const auto name = store::parse_model_name(text);
    if (!name)
      throw UsageError("'" + text +
                       "' names no model that could be fetched: give hf.co/OWNER/REPO[:QUANTISATION], "
                       "MODEL[:TAG] of the registry, or an address");
    names.push_back(*name);
  }
  const store::Store store;
  PullDisplay display;
  display.attach(options);
  ending_on_interrupt([&] {
    for (const store::ModelName& name : names) fetch::pull(name, store, options);
  });
}

}  // namespace

void add_pull(CLI::App& program) {
  const auto arguments = std::make_shared<PullArguments>();
  fetch::Settings& settings = arguments->options.settings;
  CLI::App* command = program.add_subcommand("pull", "Fetch models by name, check them and keep them");
  command->add_option("NAME", arguments->names, "hf.co/OWNER/REPO[:QUANTISATION], MODEL[:TAG] or https://...")
      ->required();
  command->add_option("--as", arguments->as, "Keep it under this name");
  command->add_option("--memory", arguments->memory,
                      "Memory that a quantisation has to fit into, as 8G; default: nine tenths of the machine's");
  command->add_option("--ctx", arguments->options.engine.context, "Context that has to fit too; default: as of run")
      ->check(between(1, 1 << 24));
  command->add_option("--hub", arguments->hub, "A mirror of Hugging Face; default: $HF_ENDPOINT");
  command->add_option("--registry", arguments->registry, "A mirror of Ollama's registry; default: $HEARTH_REGISTRY");
  command->add_option("--proxy", settings.proxy, "Through this proxy; default: $http_proxy, $https_proxy, $no_proxy");
  command->add_option("--connections", settings.connections, "Most connections at once")
      ->check(between(1, 32))
      ->capture_default_str();
  command->add_flag("--plain-http", settings.plain_http, "Allow http:// to other machines too");
  command->add_flag("--offline", settings.offline, "Refuse, as nothing may be fetched");
  command->footer(
      "A pull that was cut goes on where it ended. Models are kept in $HEARTH_MODELS, $XDG_DATA_HOME/hearth/models or\n"
      "~/.local/share/hearth/models. $HF_TOKEN is told to Hugging Face alone. Without a QUANTISATION it is Q4_K_M, or\n"
      "the largest that fits into memory. An address may end with #sha256=DIGITS, which is checked then.");
  command->callback([=] { pull_models(*arguments); });
}

}  // namespace hearth
