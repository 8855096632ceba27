// A chat in OpenAI's words as Anthropic's API wants it.
#pragma once

#include <string>
#include <vector>

#include "tools/serve/json.h"

namespace hearth::serve {

// How a provider of Anthropic's API is asked.
struct MessagesShape {
  uint64_t usual_tokens = 8192;  // most of an answer, where the chat names no limit: the API wants one
  bool budgets = false;          // reasoning is asked for in tokens, as older models want it, not as effort
};

struct MessagesHop {
  Json body;                         // of POST /v1/messages, "model" and "stream" included
  std::vector<std::string> ignored;  // fields of the chat that have no counterpart there
};

// Arguments of calls become objects, results of tools blocks of the user, messages of one side in a row one message.
// Reasoning that an assistant's message carries in "thinking_blocks", as answers here give it, goes back as it came;
// where a call's own is missing, the rest of the turn is asked without reasoning, which the API would refuse.
// Throws ApiError where a part cannot be said: several answers, sounds, files.
MessagesHop messages_of_chat(const Json& chat, const MessagesShape& shape);

}  // namespace hearth::serve
