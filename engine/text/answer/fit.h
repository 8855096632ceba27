// Conversations in OpenAI's form, made to fit what a chat template wants.
#pragma once

#include "engine/text/answer/format.h"
#include "engine/text/template/value.h"

namespace hearth {

// The request with messages and tools as the template takes them: what the template would refuse or drop is said in
// another way, the rest stays as it is. `with_tools`: false leaves the tools out. Throws TemplateError for a request
// that is too large; what is no message stays as it is.
Value fit_conversation(const Value& request, const AnswerFormat& format, bool with_tools);

}  // namespace hearth
