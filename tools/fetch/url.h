// What may be connected to, and whom a token may be told.
#pragma once

#include <string>
#include <string_view>

namespace hearth::fetch {

// "https://host:443" of an address, with the port that its scheme implies and in lower case; empty where the address
// has no scheme or host.
std::string origin_of(std::string_view url);

// Throws Error (invalid_argument) for what is neither https nor, on this machine or with `plain_http`, http.
void require_allowed(const std::string& url, bool plain_http);

// A path's part as it stands in an address: what is neither letter, digit nor "-._~/" becomes %XX.
std::string escape_path(std::string_view path);

// Without what may be secret: user, query and fragment. For messages.
std::string shown_url(std::string_view url);

// The address of rel="next" in a Link header; empty where there is none.
std::string next_link(std::string_view header);

}  // namespace hearth::fetch
