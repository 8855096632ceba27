// Checks of Host, Origin and key.
#include "tools/serve/access.h"

#include <algorithm>
#include <cctype>

namespace hearth::serve {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// "localhost:11435" -> "localhost", "[::1]:80" -> "::1". Empty where it is neither name nor address.
std::string name_of(std::string_view host) {
  std::string_view name = host, rest;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == host.npos) return "";
    name = host.substr(1, end - 1);
    rest = host.substr(end + 1);
  } else if (const size_t colon = host.find(':'); colon != host.npos) {
    name = host.substr(0, colon);
    rest = host.substr(colon);
  }
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!rest.empty() && (rest[0] != ':' || !std::ranges::all_of(rest.substr(1), digit))) return "";
  return lower(name);
}

bool is_address(const std::string& name) {
  return !name.empty() && (name.find(':') != name.npos || name.find_first_not_of("0123456789.") == name.npos);
}

bool is_local_name(const std::string& name) { return name == "localhost" || is_loopback(name); }

// Looks at every byte, whatever the first difference.
bool same(std::string_view given, std::string_view key) {
  volatile unsigned difference = given.size() != key.size() ? 1 : 0;
  for (size_t i = 0; i < given.size(); ++i)
    difference = difference | static_cast<unsigned char>(given[i] ^ key[key.empty() ? 0 : i % key.size()]);
  return difference == 0;
}

}  // namespace

bool is_loopback(std::string_view address) {
  if (address == "::1") return true;
  const bool digits = std::ranges::all_of(address, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  return digits && address.starts_with("127.") && std::ranges::count(address, '.') == 3;
}

bool host_allowed(std::string_view host, const AccessRules& rules) {
  const std::string name = name_of(host);
  return is_local_name(name) || (rules.addresses && is_address(name)) ||
         std::ranges::any_of(rules.hosts, [&](const std::string& allowed) { return lower(allowed) == name; });
}

bool same_origin(std::string_view origin, std::string_view host) {
  const size_t scheme = origin.find("://");
  return scheme != origin.npos && !host.empty() && lower(origin.substr(scheme + 3)) == lower(host);
}

bool origin_allowed(std::string_view origin, const AccessRules& rules) {
  if (origin.empty()) return true;
  const auto allowed = [&](const std::string& one) { return one == "*" || lower(one) == lower(origin); };
  if (std::ranges::any_of(rules.origins, allowed)) return true;
  const size_t scheme = origin.find("://");
  if (scheme == origin.npos || !origin.starts_with("http")) return false;
  return is_local_name(name_of(origin.substr(scheme + 3)));
}

std::string_view given_key(std::string_view authorization, std::string_view api_key) {
  constexpr std::string_view kScheme = "bearer ";
  const bool bearer = lower(authorization.substr(0, kScheme.size())) == kScheme;
  return bearer ? authorization.substr(kScheme.size()) : api_key;
}

bool key_allowed(std::string_view authorization, std::string_view api_key, const AccessRules& rules) {
  if (rules.keys.empty()) return true;
  const std::string_view given = given_key(authorization, api_key);
  bool found = false;
  for (const std::string& key : rules.keys) found |= same(given, key);
  return found && !given.empty();
}

}  // namespace hearth::serve
