// One small change after the other, each asked for by a habit of the template.
#include "engine/text/answer/fit.h"

#include <algorithm>
#include <utility>

#include "engine/text/answer/fit_calls.h"
#include "engine/text/answer/fit_messages.h"

namespace hearth {
namespace {

Value described(const Value& tool) {
  const Value* function = tool.find("function");
  if (function == nullptr || !function->is_dict()) return tool;
  Dict complete = function->dict();
  if (function->find("description") == nullptr) complete.set("description", Value(""));
  const Value* schema = function->find("parameters");
  Dict parameters = schema && schema->is_dict() ? schema->dict() : Dict();
  if (parameters.find(Value("type")) == nullptr) parameters.set("type", Value("object"));
  Dict properties;
  if (const Value* known = parameters.find(Value("properties")); known && known->is_dict())
    for (const auto& [key, value] : known->dict().items) {
      if (!value.is_dict() || value.find("description") != nullptr) {
        properties.set(key, value);
        continue;
      }
      Dict property = value.dict();
      property.set("description", Value(""));
      properties.set(key, Value(std::move(property)));
    }
  parameters.set("properties", Value(std::move(properties)));
  complete.set("parameters", Value(std::move(parameters)));
  Dict result = tool.dict();
  result.set("function", Value(std::move(complete)));
  return result;
}

// The list of tools as the template wants it; undefined for none.
Value fit_tools(const Value& request, const TemplateHabits& habits, bool with_tools) {
  const Value* tools = with_tools ? request.find("tools") : nullptr;
  if (tools == nullptr || !tools->is_list() || tools->list().items.empty())
    return habits.wants_tools ? Value::list({}) : Value();
  if (!habits.wants_descriptions) return *tools;
  std::vector<Value> items;
  for (const Value& tool : tools->list().items) items.push_back(described(tool));
  return Value::list(std::move(items));
}

}  // namespace

Value fit_conversation(const Value& request, const AnswerFormat& format, bool with_tools) {
  const Value* messages = request.find("messages");
  Dict fitted;
  for (const auto& [key, value] : request.dict().items)
    if (!key.is_string() || (key.string() != "messages" && key.string() != "tools")) fitted.set(key, value);
  if (messages != nullptr) {
    const bool fits = messages->is_list() && std::ranges::all_of(messages->list().items, [](const Value& message) {
                        return message.is_dict() && message.find("role") && message.find("role")->is_string();
                      });
    if (fits) {
      std::vector<Dict> list;
      for (const Value& message : messages->list().items) list.push_back(message.dict());
      list = plain_messages(std::move(list), format.habits);
      list = fit_calls(std::move(list), format);
      list = fit_roles(std::move(list), format.habits);
      std::vector<Value> items;
      for (Dict& message : list) items.push_back(Value(std::move(message)));
      fitted.set("messages", Value::list(std::move(items)));
    } else {
      fitted.set("messages", *messages);
    }
  }
  Value tools = fit_tools(request, format.habits, with_tools);
  if (!tools.is_undefined()) fitted.set("tools", std::move(tools));
  return fitted;
}

}  // namespace hearth
