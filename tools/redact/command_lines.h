// Passwords that are given to programs on their command lines.
#pragma once

#include <functional>
#include <string_view>

namespace hearth::redact {

// Calls found(begin, end) for each: "curl -u NAME:PASSWORD", "mysql -pPASSWORD", "sshpass -p PASSWORD". Linear time.
void each_command_password(std::string_view text, const std::function<void(size_t, size_t)>& found);

}  // namespace hearth::redact
