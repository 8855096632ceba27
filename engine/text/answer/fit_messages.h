// Roles and contents of messages, as a chat template takes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/text/answer/format.h"
#include "engine/text/template/value.h"

namespace hearth {

// A member of a message that is text; empty where it is none.
std::string text_member(const Dict& message, std::string_view key);
const Value* find_member(const Dict& message, std::string_view key);
Dict without_member(const Dict& message, std::string_view key);

// Contents are text, developers are systems, and reasoning has the template's key.
std::vector<Dict> plain_messages(std::vector<Dict> messages, const TemplateHabits& habits);

// System messages where the template takes them, results of tools likewise, and roles in turn.
std::vector<Dict> fit_roles(std::vector<Dict> messages, const TemplateHabits& habits);

}  // namespace hearth
