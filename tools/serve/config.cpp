// Reading hearth.toml.
#include "tools/serve/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <set>

namespace hearth::serve {
namespace {

[[noreturn]] void refuse_config(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

// One table of the file. A key that nobody asks for is refused: it is misspelt.
class Table {
 public:
  Table(const toml::table& table, std::string name) : table_(table), name_(std::move(name)) {}

  template <class Value>
  std::optional<Value> get(const char* key) {
    asked_.insert(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    const auto value = node->value_exact<Value>();
    if (!value) refuse_config(name_ + ": '" + key + "' has a value of the wrong type");
    return value;
  }

  std::optional<uint64_t> count(const char* key, int64_t most) {
    const auto value = get<int64_t>(key);
    if (value && (*value < 0 || *value > most))
      refuse_config(name_ + ": '" + key + "' must be from 0 to " + std::to_string(most));
    return value ? std::optional<uint64_t>(static_cast<uint64_t>(*value)) : std::nullopt;
  }

  std::string required(const char* key) {
    const auto value = get<std::string>(key);
    if (!value || value->empty()) refuse_config(name_ + ": '" + key + "' is missing");
    return *value;
  }

  std::vector<std::string> texts(const char* key) {
    asked_.insert(key);
    std::vector<std::string> list;
    const toml::node* node = table_.get(key);
    if (node == nullptr) return list;
    if (!node->is_array()) refuse_config(name_ + ": '" + key + "' must be an array of strings");
    for (const toml::node& one : *node->as_array()) {
      const auto text = one.value_exact<std::string>();
      if (!text) refuse_config(name_ + ": '" + key + "' must be an array of strings");
      list.push_back(*text);
    }
    return list;
  }

  std::vector<Table> tables(const char* key) {
    asked_.insert(key);
    std::vector<Table> list;
    const toml::node* node = table_.get(key);
    if (node == nullptr) return list;
    if (!node->is_array_of_tables()) refuse_config(name_ + ": write [[" + key + "]]");
    for (const toml::node& one : *node->as_array()) list.emplace_back(*one.as_table(), name_ + ": [[" + key + "]]");
    return list;
  }

  void refuse_others() const {
    for (const auto& [key, value] : table_)
      if (!asked_.contains(std::string(key.str())))
        refuse_config(name_ + ": '" + std::string(key.str()) + "' is unknown");
  }

 private:
  const toml::table& table_;
  std::string name_;
  std::set<std::string> asked_;
};

toml::table parse(const std::filesystem::path& path) {
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  if (kind == std::filesystem::file_type::not_found || kind == std::filesystem::file_type::none)
    refuse_config("'" + path.string() + "': there is no such file");
  if (kind == std::filesystem::file_type::directory) refuse_config("'" + path.string() + "' is a folder");
  try {
    return toml::parse_file(path.string());
  } catch (const toml::parse_error& error) {
    refuse_config(path.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                  std::string(error.description()));
  }
}

void append(std::vector<std::string>& to, std::vector<std::string> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void read_models(Table& root, const std::filesystem::path& folder, ServerOptions& options) {
  for (Table& model : root.tables("model")) {
    ModelSource source = model_source(model.required("path"));
    if (const auto name = model.get<std::string>("name")) source.name = *name;
    source.path = folder / source.path;  // unless it is absolute
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

void read_remotes(Table& root, ServerOptions& options) {
  for (Table& table : root.tables("remote")) {
    if (!can_send_off_machine()) refuse_config("[[remote]]: this program was built without remote providers");
    Remote remote{table.required("name"), table.required("base_url"), "", table.texts("models")};
    while (remote.base_url.ends_with('/')) remote.base_url.pop_back();
    require_safe_url(remote.base_url);
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

}  // namespace

void read_config(const std::filesystem::path& path, ServerOptions& options) {
  const toml::table file = parse(path);
  Table root(file, path.string());
  if (const auto host = root.get<std::string>("host")) options.host = *host;
  if (const auto port = root.count("port", 65535)) options.port = static_cast<uint16_t>(*port);
  if (const auto port = root.count("ollama_port", 65535)) options.ollama_port = static_cast<uint16_t>(*port);
  if (const auto key = root.get<std::string>("api_key")) append(options.access.keys, read_keys(*key));
  if (const auto context = root.count("ctx", 1 << 24)) options.engine.context = static_cast<uint32_t>(*context);
  if (const auto most = root.count("parallel", 4096)) options.engine.parallel = static_cast<uint32_t>(*most);
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
  append(options.access.hosts, root.texts("allow_hosts"));
  append(options.access.origins, root.texts("allow_origins"));
  read_models(root, path.parent_path(), options);
  read_remotes(root, options);
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
