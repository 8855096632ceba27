// Names by hand: each kind is told by how it begins.
#include "tools/store/model_name.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "hearth/hearth.h"

namespace hearth::store {
namespace {

constexpr size_t kLongestName = 255, kLongestUrl = 2000, kLongestWord = 128;
constexpr std::string_view kHub = "hf.co", kRegistry = "registry.ollama.ai";

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// A part of a name: it cannot be taken for a path's "." and "..", nor for an option.
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kLongestWord && (is_alphanumeric(text.front()) || text.front() == '_') &&
         std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

// A part of a file's path in a repository: people put all kinds of things there.
bool is_file_part(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == 0x7F || c == '"' || c == '\\';
  });
}

std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t at; (at = text.find(separator)) != text.npos; text.remove_prefix(at + 1))
    parts.push_back(text.substr(0, at));
  parts.push_back(text);
  return parts;
}

// Takes what stands behind the last `mark` off the text.
std::optional<std::string_view> take_behind(std::string_view& text, char mark) {
  const size_t at = text.rfind(mark);
  if (at == text.npos) return std::nullopt;
  const std::string_view behind = text.substr(at + 1);
  text = text.substr(0, at);
  return behind;
}

bool ends_as_file(std::string_view text) {
  constexpr std::array kEndings = {".gguf", ".ggml", ".bin",  ".safetensors", ".pt", ".pth",
                                   ".onnx", ".json", ".toml", ".txt",         ".md", ".jinja"};
  const std::string lower = lower_case(text);
  return std::ranges::any_of(kEndings, [&](const char* ending) { return lower.ends_with(ending); });
}

[[noreturn]] void refuse_name(std::string_view text, const std::string& why) {
  std::string shown(text.substr(0, 200));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = '?';
  throw Error(ErrorCode::invalid_argument, "'" + shown + "' " + why);
}

constexpr const char* kHubForm =
    "must be hf.co/OWNER/REPO, hf.co/OWNER/REPO:QUANTISATION or hf.co/OWNER/REPO/FILE.gguf";

// `path` is what stands behind "hf.co/".
HubName parse_hub(std::string_view path, std::string_view whole) {
  HubName name;
  if (!path.ends_with(".gguf"))
    if (const auto quantization = take_behind(path, ':')) {
      if (!is_word(*quantization)) refuse_name(whole, kHubForm);
      name.quantization = upper_case(*quantization);
    }
  while (path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::string_view> parts = split_at(path, '/');
  if (parts.size() < 2) refuse_name(whole, kHubForm);
  name.owner = parts[0];
  const auto revision = take_behind(parts[1], '@');
  if (revision) name.revision = *revision;
  name.repo = parts[1];
  size_t first = 2;
  // The address of a page or of a file: /resolve/REVISION/FILE, /blob/REVISION/FILE, /tree/REVISION.
  const auto is_page = [&](size_t i) {
    return i < parts.size() && (parts[i] == "resolve" || parts[i] == "blob" || parts[i] == "tree");
  };
  if (!revision && parts.size() > 3 && is_page(2)) {
    name.revision = parts[3];
    first = 4;
    if (is_page(first)) refuse_name(whole, kHubForm);
  }
  for (size_t i = first; i < parts.size(); ++i) {
    if (!is_file_part(parts[i])) refuse_name(whole, kHubForm);
    name.file += (name.file.empty() ? "" : "/") + std::string(parts[i]);
  }
  if (!is_word(name.owner) || !is_word(name.repo) || !is_word(name.revision)) refuse_name(whole, kHubForm);
  if (!name.file.empty() && (!lower_case(name.file).ends_with(".gguf") || !name.quantization.empty()))
    refuse_name(whole, kHubForm);
  return name;
}

bool is_hub(std::string_view host) { return host == kHub || host == "huggingface.co"; }

bool is_host(std::string_view text) {
  if (text == "[::1]") return true;
  if (const auto port = take_behind(text, ':'))
    if (port->empty() || port->size() > 5 || !std::ranges::all_of(*port, [](char c) { return c >= '0' && c <= '9'; }))
      return false;
  return is_word(text) || text == "[::1]";
}

// Nothing where it is no name. `scheme` is "" where the text has none.
std::optional<RegistryName> parse_registry(std::string_view text, std::string_view scheme) {
  RegistryName name;
  std::vector<std::string_view> parts = split_at(text, '/');
  if (parts.size() > 3) return std::nullopt;
  const std::string_view first = parts.front();
  const bool has_host = parts.size() == 3 || !scheme.empty() ||
                        (parts.size() == 2 && (first.find(':') != first.npos || first == "localhost"));
  if (has_host) {
    const std::string host = lower_case(first);
    if (parts.size() < 2 || !is_host(host)) return std::nullopt;
    if (host != kRegistry && host != "ollama.com")
      name.base = (!scheme.empty() ? std::string(scheme) : is_loopback(host) ? "http://" : "https://") + host;
    parts.erase(parts.begin());
  }
  if (const auto tag = take_behind(parts.back(), ':')) name.tag = *tag;
  name.model = parts.back();
  if (parts.size() == 2) name.space = parts.front();
  if (!is_word(name.space) || !is_word(name.model) || !is_word(name.tag)) return std::nullopt;
  return name;
}

ModelName parse_url(std::string_view text) {
  if (text.size() > kLongestUrl) refuse_name(text, "is too long for an address");
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '\\' && c != '<'; }))
    refuse_name(text, "is no address: it must be of printable ASCII without spaces");
  UrlName url;
  const size_t fragment = text.find('#');
  if (fragment != text.npos) {
    const std::string_view hash = text.substr(fragment + 1);
    if (!hash.starts_with("sha256=") || !is_sha256(lower_case(hash.substr(7))))
      refuse_name(text, "may only have #sha256= and 64 digits behind the '#'");
    url.sha256 = lower_case(hash.substr(7));
  }
  const std::string_view address = text.substr(0, fragment);
  url.url = address;
  const size_t begin = address.find("://") + 3;
  const std::string_view scheme = address.substr(0, begin), rest = address.substr(begin);
  const size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view host = rest.substr(0, slash);
  if (host.find('@') != host.npos) refuse_name(text, "must hold no name or password");
  if (!is_host(host)) refuse_name(text, "is no address");
  const std::string_view path = slash == rest.size() ? "" : rest.substr(slash + 1);
  const std::string lower_host = lower_case(host);
  if (is_hub(lower_host))  // whose listing tells the hash anyway
    return parse_hub(path.substr(0, path.find('?')), text);
  if (path.empty()) refuse_name(text, "names no file");
  const size_t colon = path.rfind(':'), last = path.rfind('/');
  if (colon != path.npos && (last == path.npos || colon > last) && !ends_as_file(path))
    if (auto name = parse_registry(rest, scheme)) return *name;
  return url;
}

}  // namespace

std::string upper_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_loopback(std::string_view address) {
  if (const size_t scheme = address.find("://"); scheme != address.npos) address.remove_prefix(scheme + 3);
  address = address.substr(0, address.find('/'));
  if (address == "[::1]" || address.starts_with("[::1]:")) return true;
  address = address.substr(0, address.find(':'));
  if (address == "localhost") return true;
  // Digits and points, so that 127.example.com is none.
  return address.starts_with("127.") && address.find_first_not_of("0123456789.") == address.npos;
}

namespace {

std::optional<ModelName> parse_any(std::string_view text) {
  const std::string lower = lower_case(text.substr(0, kLongestUrl));
  if (lower.starts_with("http://") || lower.starts_with("https://")) return parse_url(text);
  for (const std::string_view host : {kHub, std::string_view("huggingface.co")})
    if (lower.starts_with(std::string(host) + "/")) {
      if (text.size() > kLongestName) refuse_name(text, "is too long for a name");
      return parse_hub(text.substr(host.size() + 1), text);
    }
  if (text.empty() || text.size() > kLongestName || text.front() == '/' || text.front() == '.' || ends_as_file(text))
    return std::nullopt;
  if (auto name = parse_registry(text, "")) return *name;
  return std::nullopt;
}

}  // namespace

std::optional<ModelName> parse_model_name(std::string_view text) {
  auto name = parse_any(text);
  if (name && !std::holds_alternative<UrlName>(*name) && store_name(*name).size() > kLongestName)
    refuse_name(text, "is too long for a name");
  return name;
}

std::string store_name(const ModelName& name) {
  if (const auto* hub = std::get_if<HubName>(&name)) {
    const std::string revision = hub->revision == "main" ? "" : "@" + hub->revision;
    const std::string which = !hub->file.empty()          ? "/" + hub->file
                              : hub->quantization.empty() ? ""
                                                          : ":" + hub->quantization;
    return std::string(kHub) + "/" + hub->owner + "/" + hub->repo + revision + which;
  }
  if (const auto* url = std::get_if<UrlName>(&name)) return url->url;
  const auto& registry = std::get<RegistryName>(name);
  const size_t scheme = registry.base.find("://");
  const bool ambiguous = is_hub(lower_case(registry.space)) || lower_case(registry.space) == "localhost";
  const std::string host = !registry.base.empty() ? registry.base.substr(scheme + 3) + "/"
                           : ambiguous            ? std::string(kRegistry) + "/"
                                                  : "";
  // With a host nothing is left out, so that the name cannot be read in another way.
  const std::string space = host.empty() && registry.space == "library" ? "" : registry.space + "/";
  return host + space + registry.model + ":" + registry.tag;
}

}  // namespace hearth::store
