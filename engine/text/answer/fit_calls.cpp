// From tool_calls in OpenAI's form.
#include "engine/text/answer/fit_calls.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "engine/text/answer/fit_messages.h"
#include "engine/text/answer/json_scanner.h"
#include "engine/text/template/error.h"
#include "engine/text/template/json.h"

namespace hearth {
namespace {

constexpr size_t kMostArguments = size_t{64} << 20;

bool is_short_id(std::string_view id) {
  return id.size() == 9 && std::ranges::all_of(id, [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
         });
}

// Nine letters and digits that stand for a longer id: always the same ones.
std::string short_id(std::string_view id) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  std::string out;
  for (int i = 0; i < 9; ++i, hash /= kDigits.size()) out += kDigits[hash % kDigits.size()];
  return out;
}

// Arguments in the other of their two forms.
Value fit_arguments(const Value& arguments, bool as_text) {
  if (as_text) return arguments.is_string() ? arguments : Value(dump_json(arguments, {}, kMostArguments));
  if (!arguments.is_string()) return arguments;
  const std::string& text = arguments.string();
  if (text.find_first_not_of(kAnswerSpace) == std::string::npos) return Dict();
  try {
    const Value parsed = parse_json(text);
    if (parsed.is_dict()) return parsed;
  } catch (const TemplateError&) {  // what a client sends back may be any text
  }
  return arguments;
}

class CallFitter {
 public:
  explicit CallFitter(const AnswerFormat& format) : format_(format), habits_(format.habits) {}

  std::vector<Dict> fit(std::vector<Dict> messages) {
    for (Dict& message : messages) {
      const Value* calls = find_member(message, "tool_calls");
      if (calls == nullptr) {
        if (text_member(message, "role") == "tool") message = fit_result(std::move(message));
      } else if (!calls->is_list() || calls->list().items.empty()) {
        message = without_member(message, "tool_calls");
      } else {
        message = fit_message(std::move(message));
      }
    }
    return habits_.one_call_a_message && !habits_.drops_calls ? parted(std::move(messages)) : std::move(messages);
  }

 private:
  Value fit_call(const Value& call) {
    const Value* function = call.find("function");
    if (!call.is_dict() || function == nullptr || !function->is_dict()) return call;
    Dict fitted = call.dict();
    Dict inner = function->dict();
    const Value* arguments = find_member(inner, "arguments");
    inner.set("arguments", fit_arguments(arguments ? *arguments : Value(Dict()), habits_.arguments_as_text));
    const std::string name = text_member(inner, "name");
    const std::string id = text_member(fitted, "id");
    std::string wanted = id;
    if (habits_.function_ids)
      wanted = "functions." + name + ":" + std::to_string(count_++);
    else if (habits_.short_ids && !is_short_id(id))
      wanted = short_id(id);
    names_[id] = name;
    ids_[id] = wanted;
    fitted.set("id", Value(std::move(wanted)));
    if (find_member(fitted, "type") == nullptr) fitted.set("type", Value("function"));
    fitted.set("function", Value(std::move(inner)));
    return fitted;
  }

  Dict fit_message(Dict message) {
    std::vector<Value> calls;
    for (const Value& call : find_member(message, "tool_calls")->list().items) calls.push_back(fit_call(call));
    const bool shown = !habits_.drops_calls && (format_.shows_calls || format_.channels);
    if (!shown) {
      const std::string content = text_member(message, "content");
      std::string text = content + (content.empty() ? "" : "\n") + as_text(calls);
      message = without_member(message, "tool_calls");
      message.set("content", Value(std::move(text)));
      return message;
    }
    const std::string content = text_member(message, "content");
    const std::string thought = text_member(message, habits_.reasoning_key);
    if (habits_.no_thought_and_text && !content.empty() && !thought.empty()) {
      message.set(Value(habits_.reasoning_key), Value(thought + "\n" + content));
      message.set("content", Value(""));
    }
    message.set("tool_calls", Value::list(std::move(calls)));
    return message;
  }

  // Calls as the model would write them.
  std::string as_text(const std::vector<Value>& calls) const {
    const bool objects = !format_.calls.empty() && format_.calls[0].body == CallFormat::Body::object;
    const CallFormat format = objects ? format_.calls[0] : CallFormat();
    const bool list = !format.section_open.empty();
    std::string text;
    for (const std::string& word : format.section_open) text += word;
    if (list) text += '[';
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i > 0) text += list ? ", " : "\n";
      for (const std::string& word : format.call_open) text += word + "\n";
      text += object_of(calls[i]);
      for (const std::string& word : format.call_close) text += "\n" + word;
    }
    if (list) text += ']';
    for (const std::string& word : format.section_close) text += word;
    return text;
  }

  static std::string object_of(const Value& call) {
    const Value* function = call.find("function");
    if (function == nullptr || !function->is_dict()) return dump_json(call, {}, kMostArguments);
    const Value* arguments = function->find("arguments");
    return "{\"name\": " + quoted_json(text_member(function->dict(), "name")) + ", \"arguments\": " +
           (arguments->is_string() ? arguments->string() : dump_json(*arguments, {}, kMostArguments)) + "}";
  }

  Dict fit_result(Dict message) {
    const std::string id = text_member(message, "tool_call_id");
    const auto name = names_.find(id);
    if (name != names_.end() && find_member(message, "name") == nullptr) message.set("name", Value(name->second));
    if (const auto wanted = ids_.find(id); wanted != ids_.end())
      message.set("tool_call_id", Value(wanted->second));
    else if (habits_.short_ids && !is_short_id(id))
      message.set("tool_call_id", Value(short_id(id)));
    return message;
  }

  // Each call in a message of its own, its result behind it.
  static std::vector<Dict> parted(std::vector<Dict> messages) {
    std::vector<Dict> result;
    for (size_t i = 0; i < messages.size(); ++i) {
      const Value* calls = find_member(messages[i], "tool_calls");
      if (calls == nullptr || calls->list().items.size() < 2) {
        result.push_back(std::move(messages[i]));
        continue;
      }
      size_t end = i + 1;
      while (end < messages.size() && text_member(messages[end], "role") == "tool") ++end;
      std::vector<bool> used(end - i);
      const std::vector<Value> items = calls->list().items;
      Dict message = messages[i];
      for (const Value& call : items) {
        message.set("tool_calls", Value::list({call}));
        result.push_back(message);
        // What was said and thought is told once.
        message = Dict();
        message.set("role", Value("assistant"));
        message.set("content", Value(""));
        const Value* id = call.find("id");
        for (size_t j = i + 1; j < end; ++j) {
          if (used[j - i] || !id || !id->is_string() || text_member(messages[j], "tool_call_id") != id->string())
            continue;
          used[j - i] = true;
          result.push_back(messages[j]);
          break;
        }
      }
      for (size_t j = i + 1; j < end; ++j)
        if (!used[j - i]) result.push_back(messages[j]);
      i = end - 1;
    }
    return result;
  }

  const AnswerFormat& format_;
  const TemplateHabits& habits_;
  std::map<std::string, std::string> names_, ids_;  // of calls, by the ids that the client sent
  int count_ = 0;
};

}  // namespace

std::vector<Dict> fit_calls(std::vector<Dict> messages, const AnswerFormat& format) {
  return CallFitter(format).fit(std::move(messages));
}

}  // namespace hearth
