// Calls and their results in a conversation's history, as a chat template takes them.
#pragma once

#include <vector>

#include "engine/text/answer/format.h"
#include "engine/text/template/value.h"

namespace hearth {

// Arguments are objects or text, ids have the wanted form, messages have as many calls as the template shows, and
// results of tools have names. Calls that the template would drop become text.
std::vector<Dict> fit_calls(std::vector<Dict> messages, const AnswerFormat& format);

}  // namespace hearth
