// Builds the context as transformers does.
#include "engine/text/template/chat_context.h"

namespace hearth {

Value chat_context(const Value& request) {
  Dict out;
  for (const char* name : {"messages", "add_generation_prompt"}) {
    if (const Value* value = request.find(name)) out.set(name, *value);
  }
  for (const char* name : {"tools", "documents"}) {
    const Value* value = request.find(name);
    out.set(name, value ? *value : Value(Value::None{}));
  }
  for (const char* name : {"bos_token", "eos_token"}) {
    const Value* value = request.find(name);
    if (value && !value->is_none()) out.set(name, *value);
  }
  if (const Value* extra = request.find("extra"); extra && extra->is_dict()) {
    for (const auto& [key, value] : extra->dict().items) out.set(key, value);
  }
  return out;
}

}  // namespace hearth
