// What one message says stays; who says it may change.
#include "engine/text/answer/fit_messages.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/text/template/json.h"

namespace hearth {
namespace {

constexpr size_t kMostContent = size_t{64} << 20;

Dict said(std::string_view role, std::string content) {
  Dict message;
  message.set("role", Value(role));
  message.set("content", Value(std::move(content)));
  return message;
}

std::string joined(const std::string& first, const std::string& second) {
  return first.empty() ? second : second.empty() ? first : first + "\n\n" + second;
}

Dict text_part(const std::string& text) {
  Dict part;
  part.set("type", Value("text"));
  part.set("text", Value(text));
  return part;
}

// Two contents as one: a text, or a list of parts where one of them is that.
Value joined_content(const Value* first, const Value* second) {
  const auto is_text = [](const Value* content) { return content != nullptr && content->is_string(); };
  if (is_text(first) && is_text(second)) return Value(joined(first->string(), second->string()));
  std::vector<Value> parts;
  for (const Value* content : {first, second}) {
    if (is_text(content) && !content->string().empty()) parts.push_back(Value(text_part(content->string())));
    if (content != nullptr && content->is_list())
      parts.insert(parts.end(), content->list().items.begin(), content->list().items.end());
  }
  return Value::list(std::move(parts));
}

// The texts of a list of parts, one a line; false where there are other parts.
bool text_of_parts(const Value& list, std::string& text) {
  for (const Value& part : list.list().items) {
    const Value* type = part.find("type");
    const Value* inner = part.find("text");
    if (type == nullptr || !type->is_string() || inner == nullptr || !inner->is_string()) return false;
    if (type->string() != "text" && type->string() != "input_text" && type->string() != "output_text") return false;
    if (&part != &list.list().items.front()) text += '\n';
    text += inner->string();
  }
  return true;
}

Value plain_content(const Value* content, bool parts, bool keeps_parts) {
  if (content == nullptr || content->is_none()) return Value("");
  if (content->is_string() && parts) return Value::list({Value(text_part(content->string()))});
  std::string text;
  if (content->is_list() && !parts && !keeps_parts && text_of_parts(*content, text)) return Value(std::move(text));
  if (content->is_dict() || content->is(Value::Kind::boolean) || content->is_number())
    return Value(dump_json(*content, {}, kMostContent));
  return *content;
}

// The key that the template knows; thoughts in earlier answers are nothing to a template that knows none.
Dict with_reasoning_key(Dict message, const std::string& key) {
  constexpr std::array kKeys = {"reasoning_content", "thinking", "reasoning"};
  std::string thought;
  for (const char* known : kKeys) {
    if (thought.empty()) thought = text_member(message, known);
    if (find_member(message, known) != nullptr) message = without_member(message, known);
  }
  if (!thought.empty() && !key.empty()) message.set(Value(key), Value(std::move(thought)));
  return message;
}

}  // namespace

const Value* find_member(const Dict& message, std::string_view key) { return message.find(Value(key)); }

std::string text_member(const Dict& message, std::string_view key) {
  const Value* value = find_member(message, key);
  return value && value->is_string() ? value->string() : "";
}

Dict without_member(const Dict& message, std::string_view key) {
  Dict rest;
  for (const auto& [name, value] : message.items)
    if (!name.is_string() || name.string() != key) rest.set(name, value);
  return rest;
}

std::vector<Dict> plain_messages(std::vector<Dict> messages, const TemplateHabits& habits) {
  for (Dict& message : messages) {
    const std::string role = text_member(message, "role");
    if (role == "developer") message.set("role", Value("system"));
    const bool keeps_parts = habits.takes_parts && role == "user";
    message.set("content", plain_content(find_member(message, "content"), habits.wants_parts, keeps_parts));
    if (role == "assistant") message = with_reasoning_key(std::move(message), habits.reasoning_key);
  }
  return messages;
}

std::vector<Dict> fit_roles(std::vector<Dict> messages, const TemplateHabits& habits) {
  std::vector<Dict> result;
  std::string waiting;  // a system message that goes to the next user
  for (size_t i = 0; i < messages.size(); ++i) {
    Dict& message = messages[i];
    const std::string role = text_member(message, "role");
    const std::string content = text_member(message, "content");
    const bool leads = i == 0 && !habits.no_system;
    if (role == "system" && !leads && (habits.no_system || habits.no_later_system)) {
      // Several at the beginning are one.
      if (!habits.no_system && result.size() == 1 && text_member(result[0], "role") == "system")
        result[0].set("content", Value(joined(text_member(result[0], "content"), content)));
      else
        waiting = joined(waiting, content);
      continue;
    }
    if (role == "tool" && habits.no_tool_messages) {
      const std::string name = text_member(message, "name");
      message = said("user", "Result of " + (name.empty() ? "the tool" : name) + ":\n" + content);
    }
    const bool user = text_member(message, "role") == "user";
    if (user && !waiting.empty()) {
      const Value before(std::exchange(waiting, {}));
      message.set("content", joined_content(&before, find_member(message, "content")));
    }
    if (habits.alternating && !result.empty()) {
      const std::string last = text_member(result.back(), "role");
      const bool same = last == text_member(message, "role") && (user || last == "assistant") &&
                        find_member(message, "tool_calls") == nullptr &&
                        find_member(result.back(), "tool_calls") == nullptr;
      if (same) {
        Dict& before = result.back();
        before.set("content", joined_content(find_member(before, "content"), find_member(message, "content")));
        continue;
      }
      if (user && last == "tool") result.push_back(said("assistant", ""));
    }
    result.push_back(std::move(message));
  }
  if (!waiting.empty()) {
    const Value behind(waiting);
    if (!result.empty() && text_member(result.back(), "role") == "user")
      result.back().set("content", joined_content(find_member(result.back(), "content"), &behind));
    else
      result.push_back(said("user", waiting));
  }
  return result;
}

}  // namespace hearth
