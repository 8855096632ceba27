// From the environment.
#include "tools/fetch/settings.h"

#include <algorithm>
#include <cstdlib>

#include "hearth/hearth.h"
#include "tools/fetch/url.h"
#include "tools/store/model_name.h"

namespace hearth::fetch {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_on(const char* name) {
  const std::string value = store::upper_case(variable(name));
  return value == "1" || value == "TRUE" || value == "YES" || value == "ON";
}

}  // namespace

std::string read_endpoint(std::string text, const std::string& what) {
  while (text.ends_with('/')) text.pop_back();
  const std::string origin = origin_of(text);
  const bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
  if (!printable || text.find_first_of("@?#") != text.npos ||
      (!origin.starts_with("https://") && !origin.starts_with("http://")))
    throw Error(ErrorCode::invalid_argument, what + " must be an address such as https://example.org");
  return text;
}

Settings settings_of_environment() {
  Settings settings;
  if (const std::string hub = variable("HF_ENDPOINT"); !hub.empty()) settings.hub = read_endpoint(hub, "HF_ENDPOINT");
  if (const std::string registry = variable("HEARTH_REGISTRY"); !registry.empty())
    settings.registry = read_endpoint(registry, "HEARTH_REGISTRY");
  settings.token = variable("HF_TOKEN");
  if (!std::ranges::all_of(settings.token, [](char c) { return c > ' ' && c < 0x7F; }))
    throw Error(ErrorCode::invalid_argument, "HF_TOKEN must be of printable ASCII without spaces");
  settings.certificates = variable("SSL_CERT_FILE");
  settings.offline = is_on("HEARTH_OFFLINE") || is_on("HF_HUB_OFFLINE");
  return settings;
}

}  // namespace hearth::fetch
