// Private keys in blocks between "-----BEGIN ... PRIVATE KEY-----" and "-----END".
#pragma once

#include <functional>
#include <string_view>

namespace hearth::redact {

// Calls found(begin, end) for each block, also for one that has no end: it goes as far as its letters do.
void each_private_key(std::string_view text, const std::function<void(size_t, size_t)>& found);

}  // namespace hearth::redact
