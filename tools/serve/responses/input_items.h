// The input of a response: items, to turns of a conversation.
#pragma once

#include <vector>

#include "tools/serve/conversation.h"
#include "tools/serve/responses/response_store.h"
#include "tools/serve/responses/tool_map.h"

namespace hearth::serve {

// All items in front of the answer: `input`, a text or an array, behind those of the response `previous`, with
// references replaced by what they mean. Throws ApiError for what the store has not.
Json gather_items(const Json& input, const std::optional<std::string>& previous, const ResponseStore& store);

// Adds them to `turns`, and tools that they bring to `tools`. The last `given` of them are named as elements of
// `input`, those of unknown types in `ignored`. Throws ApiError.
void read_items(const Json& items, size_t given, Turns& turns, ToolMap& tools, std::vector<std::string>& ignored);

}  // namespace hearth::serve
