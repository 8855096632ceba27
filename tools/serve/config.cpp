// Reading hearth.toml.
#include "tools/serve/config.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>

#include "tools/route/policy_file.h"
#include "tools/store/adapter_argument.h"
#include "tools/toml_table.h"

namespace hearth::serve {
namespace {

void append(std::vector<std::string>& to, std::vector<std::string> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// "auto" or a number.
uint32_t read_gpu_layers(TomlTable& root) {
  if (!root.is_text("gpu_layers")) return static_cast<uint32_t>(*root.count("gpu_layers", 1 << 16));
  if (root.get<std::string>("gpu_layers") != "auto") root.refuse("gpu_layers", "must be a number or \"auto\"");
  return kLayersThatFit;
}

void read_models(TomlTable& root, const std::filesystem::path& folder, ServerOptions& options) {
  for (TomlTable& model : root.tables("model")) {
    ModelSource source = model_source(model.required("path"));
    if (const auto name = model.get<std::string>("name")) source.name = *name;
    source.path = folder / source.path;  // unless it is absolute
    if (const auto draft = model.get<std::string>("draft")) source.draft = folder / *draft;
    for (const std::string& text : model.text_or_texts("adapters"))
      source.adapters.push_back(store::split_adapter(text, folder));
    model.refuse_others();
    options.models.push_back(std::move(source));
  }
}

// A key must not travel in the clear, but to this machine itself.
void require_safe_url(const std::string& url) {
  for (const char* safe :
       {"https://", "http://127.0.0.1:", "http://127.0.0.1/", "http://localhost:", "http://localhost/"})
    if (url.starts_with(safe) && url.find('@') == url.npos) return;
  refuse_config("'" + url + "' must begin with https:// and hold no name or password");
}

// Only what is encrypted up to the provider may pass another machine, and this one's own needs none.
void require_proxy(TomlTable& table, const std::string& base_url) {
  const std::string proxy = table.required("proxy");
  if (!base_url.starts_with("https://")) table.refuse("proxy", "is for a base_url of https:// alone");
  for (const char* scheme : {"http://", "https://", "socks5://", "socks5h://"})
    if (proxy.starts_with(scheme)) return;
  table.refuse("proxy", "must begin with http://, https://, socks5:// or socks5h://");
}

void read_remotes(TomlTable& root, ServerOptions& options) {
  for (TomlTable& table : root.tables("remote")) {
    if (!can_send_off_machine()) refuse_config("[[remote]]: this program was built without remote providers");
    Remote remote{table.required("name"), table.required("base_url"), "", table.texts("models")};
    remote.input_price = table.number("input_price").value_or(0);
    remote.output_price = table.number("output_price").value_or(0);
    remote.limits = route::read_limits(table);
    remote.silence = std::chrono::seconds(table.count("silence", 86400).value_or(300));
    remote.api = table.choice("api", {"openai", "anthropic"}) == 0 ? RemoteApi::openai : RemoteApi::anthropic;
    remote.shape.usual_tokens = table.count("max_tokens", UINT32_MAX).value_or(remote.shape.usual_tokens);
    remote.shape.budgets = table.choice("thinking", {"effort", "budget"}) == 1;
    if (remote.api == RemoteApi::openai)
      for (const char* key : {"max_tokens", "thinking"})
        if (table.has(key)) table.refuse(key, "is for providers of Anthropic's API alone");
    while (remote.base_url.ends_with('/')) remote.base_url.pop_back();
    require_safe_url(remote.base_url);
    remote.proxy = table.get<std::string>("proxy").value_or("");
    if (!remote.proxy.empty()) require_proxy(table, remote.base_url);
    // It goes into a header of every answer.
    if (!std::ranges::all_of(remote.name, [](unsigned char c) { return c > ' ' && c < 0x7F; }))
      refuse_config("[[remote]]: the name '" + remote.name + "' must be of printable ASCII without spaces");
    if (const auto variable = table.get<std::string>("key_env")) {
      const char* key = std::getenv(variable->c_str());
      if (key == nullptr || *key == '\0')
        refuse_config("[[remote]] '" + remote.name + "': the environment variable " + *variable + " is not set");
      remote.key = key;
    }
    table.refuse_others();
    options.remotes.push_back(std::move(remote));
  }
}

void read_clients(TomlTable& root, ServerOptions& options) {
  for (TomlTable& table : root.tables("client")) {
    NamedClient client{table.required("name"), read_keys(table.required("key")), route::read_limits(table)};
    for (const std::string& key : client.keys)
      for (const NamedClient& other : options.routing.clients)
        if (std::ranges::find(other.keys, key) != other.keys.end())
          refuse_config("[[client]] '" + other.name + "' and '" + client.name + "' have the same key");
    append(options.access.keys, client.keys);
    table.refuse_others();
    options.routing.clients.push_back(std::move(client));
  }
}

void check_names(const ServerOptions& options) {
  const route::Policy& policy = options.routing.policy;
  const auto is_remote = [&](const Remote& remote) { return remote.name == policy.remote; };
  if (!policy.remote.empty() && std::ranges::none_of(options.remotes, is_remote))
    refuse_config("[policy]: there is no [[remote]] named '" + policy.remote + "'");
}

// [policy], rules, limits and the audit log, which is beside the file unless it says otherwise.
void read_routing(TomlTable& root, const std::filesystem::path& folder, ServerOptions& options) {
  RoutingOptions& routing = options.routing;
  routing.policy = route::read_policy(root, folder);
  TomlTable budget = root.table("budget");
  routing.limits = route::read_limits(budget);
  budget.refuse_others();
  read_clients(root, options);
  TomlTable audit = root.table("audit");
  const bool wanted = !options.remotes.empty() || root.has("audit");
  const std::string path = audit.get<std::string>("path").value_or("hearth.db");
  if (wanted) routing.audit_path = folder / path;
  routing.audit_bodies = audit.get<bool>("bodies").value_or(false);
  audit.refuse_others();
  TomlTable shadow = root.table("shadow");
  routing.shadow_escalated = shadow.number("escalated").value_or(0);
  routing.shadow_local = shadow.number("local").value_or(0);
  if (routing.shadow_escalated > 1) shadow.refuse("escalated", "must be a share, 0 to 1");
  if (routing.shadow_local > 1) shadow.refuse("local", "must be a share, 0 to 1");
  shadow.refuse_others();
  check_names(options);
}

}  // namespace

void read_config(const std::filesystem::path& path, ServerOptions& options) {
  const toml::table file = parse_toml(path);
  TomlTable root(file, path.string());
  if (const auto host = root.get<std::string>("host")) options.host = *host;
  if (const auto port = root.count("port", 65535)) options.port = static_cast<uint16_t>(*port);
  if (const auto port = root.count("ollama_port", 65535)) options.ollama_port = static_cast<uint16_t>(*port);
  if (const auto key = root.get<std::string>("api_key")) append(options.access.keys, read_keys(*key));
  if (const auto context = root.count("ctx", 1 << 24)) options.engine.context = static_cast<uint32_t>(*context);
  if (const auto most = root.count("parallel", 4096)) options.engine.parallel = static_cast<uint32_t>(*most);
  if (const auto device = root.get<std::string>("device")) options.engine.device = *device;
  if (root.has("vulkan_products")) {
    const std::vector<std::string> names = list_vulkan_products();
    options.engine.vulkan_products = names[root.choice("vulkan_products", names)];
  }
  if (root.has("gpu_layers")) options.engine.gpu_layers = read_gpu_layers(root);
  if (const auto memory = root.get<std::string>("memory")) options.memory = read_bytes(*memory);
  if (const auto seconds = root.count("keep_alive", UINT32_MAX))
    options.keep_alive_seconds = static_cast<uint32_t>(*seconds);
  if (const auto waiting = root.count("queue", UINT32_MAX))
    options.engine.most_waiting = static_cast<uint32_t>(*waiting);
  if (const auto seconds = root.count("queue_seconds", UINT32_MAX))
    options.engine.longest_wait = static_cast<double>(*seconds);
  if (const auto most = root.count("max_tokens", UINT32_MAX)) options.engine.most_tokens = static_cast<uint32_t>(*most);
  if (const auto seconds = root.count("grace", UINT32_MAX)) options.grace_seconds = static_cast<uint32_t>(*seconds);
  if (const auto embeddings = root.get<bool>("embeddings")) options.engine.embeddings = *embeddings;
  if (const auto same = root.get<bool>("deterministic")) options.engine.deterministic = *same;
  if (const auto lookup = root.get<bool>("lookup")) options.engine.lookup = *lookup;
  for (const auto& [key, folder] :
       {std::pair{"slot_save_path", &options.slot_folder}, std::pair{"cache_folder", &options.cache_folder}})
    if (const auto name = root.get<std::string>(key)) *folder = path.parent_path() / *name;
  append(options.access.hosts, root.texts("allow_hosts"));
  append(options.access.origins, root.texts("allow_origins"));
  read_models(root, path.parent_path(), options);
  read_remotes(root, options);
  read_routing(root, path.parent_path(), options);
  root.refuse_others();
}

ModelSource model_source(const std::string& text) {
  const size_t equals = text.find('=');
  // A path may hold "=" itself: what is in front of it is a name only where it looks like one.
  if (equals != text.npos && equals > 0 && text.find('/') > equals)
    return {text.substr(0, equals), text.substr(equals + 1), {}};
  const std::filesystem::path path(text);
  return {path.stem().string(), path, {}};
}

std::vector<std::string> read_keys(const std::string& text) {
  if (!text.starts_with('@')) {
    if (text.empty()) refuse_config("the API key is empty");
    return {text};
  }
  std::ifstream file(text.substr(1));
  std::vector<std::string> keys;
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) line.pop_back();
    if (!line.empty()) keys.push_back(line);
  }
  if (keys.empty()) refuse_config(text.substr(1) + ": holds no API key, or cannot be read");
  return keys;
}

uint64_t read_bytes(const std::string& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(end, text.data() + text.size());
  if (unit.ends_with("iB")) unit.resize(unit.size() - 2);
  const std::string_view units = "KMGT";
  const size_t at = unit.size() == 1 ? units.find(static_cast<char>(std::toupper(unit[0]))) : units.npos;
  const int shift = unit.empty() ? 0 : at == units.npos ? -1 : 10 * (static_cast<int>(at) + 1);
  if (error != std::errc() || shift < 0 || number > UINT64_MAX >> shift)
    refuse_config("'" + text + "' is no number of bytes, such as 8G or 512M");
  return number << shift;
}

}  // namespace hearth::serve
