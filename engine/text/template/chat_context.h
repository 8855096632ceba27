// The variables a chat template sees for one request.
#pragma once

#include "engine/text/template/value.h"

namespace hearth {

// From an object with messages, tools, documents, add_generation_prompt, bos_token, eos_token and extra: tools and
// documents default to None, a null token is left undefined, and every member of extra is a variable of its own.
Value chat_context(const Value& request);

}  // namespace hearth
