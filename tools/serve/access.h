// Who may ask: names of this server, origins of web pages, and keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::serve {

struct AccessRules {
  std::vector<std::string> keys;     // none: everyone may ask
  std::vector<std::string> hosts;    // allowed in the Host header besides the loopback names
  bool addresses = false;            // any numeric address is allowed there; no rebinding can be behind one
  std::vector<std::string> origins;  // allowed in the Origin header besides the loopback ones; "*": all
};

// 127.0.0.1, ::1 and the like; not a name.
bool is_loopback(std::string_view address);

// Holds off DNS rebinding: a page whose name was pointed at this machine says its own name in the Host header.
bool host_allowed(std::string_view host, const AccessRules& rules);

// Whether a page of this server itself asks.
bool same_origin(std::string_view origin, std::string_view host);

// A request without an Origin header comes from no web page and is allowed.
bool origin_allowed(std::string_view origin, const AccessRules& rules);

// The key that a request brings: of these two headers the first where it has one.
std::string_view given_key(std::string_view authorization, std::string_view api_key);

// `authorization` is the header of that name, `api_key` the header x-api-key. Takes as long for a wrong key as for one
// that is nearly right.
bool key_allowed(std::string_view authorization, std::string_view api_key, const AccessRules& rules);

}  // namespace hearth::serve
