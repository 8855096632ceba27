// Blocks become deltas, or a message.
#include "tools/serve/anthropic/messages_chat.h"

#include <ctime>

#include "tools/redact/shallow_json.h"

namespace hearth::serve {
namespace {

const Json* inside(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_inside(const Json& object, const char* name) {
  const Json* found = inside(object, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

uint64_t count_inside(const Json& object, const char* name) {
  const Json* found = inside(object, name);
  return found != nullptr && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

const char* finish_of(const std::string& stop_reason) {
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") return "length";
  if (stop_reason == "tool_use") return "tool_calls";
  return stop_reason == "refusal" ? "content_filter" : "stop";
}

// What was read from a cache or written into it is part of the prompt.
Json usage_of_chat(const Json& usage) {
  const uint64_t cached = count_inside(usage, "cache_read_input_tokens");
  const uint64_t prompt =
      count_inside(usage, "input_tokens") + cached + count_inside(usage, "cache_creation_input_tokens");
  const uint64_t answer = count_inside(usage, "output_tokens");
  return {{"prompt_tokens", prompt},
          {"completion_tokens", answer},
          {"total_tokens", prompt + answer},
          {"prompt_tokens_details", {{"cached_tokens", cached}}}};
}

Json error_of_chat(const Json& answer) {
  const Json* error = inside(answer, "error");
  const Json said = error == nullptr ? Json::object() : *error;
  return {{"error",
           {{"message", text_inside(said, "message")},
            {"type", text_inside(said, "type")},
            {"param", nullptr},
            {"code", text_inside(said, "type")}}}};
}

bool is_thinking(const std::string& type) { return type == "thinking" || type == "redacted_thinking"; }

Json call_of_chat(const Json& block, const std::string& arguments) {
  return {{"id", text_inside(block, "id")},
          {"type", "function"},
          {"function", {{"name", text_inside(block, "name")}, {"arguments", arguments}}}};
}

}  // namespace

Json MessagesAsChat::whole(const Json& message) {
  if (text_inside(message, "type") != "message") return error_of_chat(message);
  std::string text, reasoning;
  Json calls = Json::array(), thoughts = Json::array();
  if (const Json* content = inside(message, "content"); content != nullptr && content->is_array()) {
    for (const Json& block : *content) {
      const std::string type = text_inside(block, "type");
      if (type == "text") text += text_inside(block, "text");
      if (is_thinking(type)) {
        reasoning += text_inside(block, "thinking");
        thoughts.push_back(block);
      }
      if (type != "tool_use") continue;
      const Json* input = inside(block, "input");
      calls.push_back(call_of_chat(block, input == nullptr ? "{}" : to_text(*input)));
    }
  }
  Json said = {{"role", "assistant"}, {"content", text.empty() && !calls.empty() ? Json() : Json(text)}};
  if (!reasoning.empty()) said["reasoning_content"] = reasoning;
  if (!thoughts.empty()) said["thinking_blocks"] = std::move(thoughts);
  if (!calls.empty()) said["tool_calls"] = std::move(calls);
  const Json* usage = inside(message, "usage");
  return {{"id", text_inside(message, "id")},
          {"object", "chat.completion"},
          {"created", static_cast<int64_t>(std::time(nullptr))},
          {"model", text_inside(message, "model")},
          {"choices", Json::array({{{"index", 0},
                                    {"message", std::move(said)},
                                    {"logprobs", nullptr},
                                    {"finish_reason", finish_of(text_inside(message, "stop_reason"))}}})},
          {"usage", usage_of_chat(usage == nullptr ? Json::object() : *usage)}};
}

std::string MessagesAsChat::chunk(Json delta, const Json& finish) const {
  return to_event({{"id", id_},
                   {"object", "chat.completion.chunk"},
                   {"created", static_cast<int64_t>(std::time(nullptr))},
                   {"model", model_},
                   {"choices", Json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", finish}}})}});
}

std::string MessagesAsChat::begin_block(const Json& block, int64_t index) {
  const std::string type = text_inside(block, "type");
  if (is_thinking(type)) thinking_[index] = block;
  if (type == "text" && !text_inside(block, "text").empty()) return chunk({{"content", text_inside(block, "text")}});
  if (type != "tool_use") return "";
  const uint32_t number = calls_++;
  call_of_[index] = number;
  Json call = {{"index", number}};
  call.update(call_of_chat(block, ""));
  return chunk({{"tool_calls", Json::array({std::move(call)})}});
}

std::string MessagesAsChat::feed_delta(const Json& delta, int64_t index) {
  const std::string type = text_inside(delta, "type");
  if (type == "text_delta") return chunk({{"content", text_inside(delta, "text")}});
  if (type == "input_json_delta") {
    const auto call = call_of_.find(index);
    if (call == call_of_.end()) return "";
    return chunk({{"tool_calls", Json::array({{{"index", call->second},
                                               {"function", {{"arguments", text_inside(delta, "partial_json")}}}}})}});
  }
  const auto block = thinking_.find(index);
  if (block == thinking_.end()) return "";
  if (type == "signature_delta") block->second["signature"] = text_inside(delta, "signature");
  if (type != "thinking_delta") return "";
  const std::string thought = text_inside(delta, "thinking");
  block->second["thinking"] = text_inside(block->second, "thinking") + thought;
  return chunk({{"reasoning_content", thought}});
}

std::string MessagesAsChat::end_block(int64_t index) {
  const auto block = thinking_.find(index);
  if (block == thinking_.end()) return "";
  std::string told = chunk({{"thinking_blocks", Json::array({std::move(block->second)})}});
  thinking_.erase(block);
  return told;
}

std::string MessagesAsChat::end() const {
  std::string told = chunk(Json::object(), finish_.is_null() ? Json("stop") : finish_);
  if (usage_wanted_)
    told += to_event({{"id", id_},
                      {"object", "chat.completion.chunk"},
                      {"created", static_cast<int64_t>(std::time(nullptr))},
                      {"model", model_},
                      {"choices", Json::array()},
                      {"usage", usage_of_chat(usage_)}});
  return told + "data: [DONE]\n\n";
}

std::string MessagesAsChat::one_event(const Json& event) {
  const std::string type = text_inside(event, "type");
  const Json* number = inside(event, "index");
  const int64_t index = number != nullptr && number->is_number_integer() ? number->get<int64_t>() : 0;
  // Counts are those so far: what is told later stands.
  const auto take_usage = [&](const Json& from) {
    if (const Json* usage = inside(from, "usage"); usage != nullptr && usage->is_object())
      for (const auto& [name, value] : usage->items())
        if (value.is_number_unsigned()) usage_[name] = value;
  };
  if (type == "message_start") {
    const Json* message = inside(event, "message");
    if (message == nullptr) return "";
    id_ = text_inside(*message, "id");
    model_ = text_inside(*message, "model");
    take_usage(*message);
    return chunk({{"role", "assistant"}, {"content", ""}});
  }
  if (const Json* block = inside(event, "content_block"); block != nullptr && type == "content_block_start")
    return begin_block(*block, index);
  if (type == "content_block_delta") {
    const Json* delta = inside(event, "delta");
    return delta == nullptr ? "" : feed_delta(*delta, index);
  }
  if (type == "content_block_stop") return end_block(index);
  if (type == "message_delta") {
    take_usage(event);
    if (const Json* delta = inside(event, "delta"))
      if (const std::string reason = text_inside(*delta, "stop_reason"); !reason.empty()) finish_ = finish_of(reason);
    return "";
  }
  if (type == "message_stop") return end();
  if (type == "error") return to_event(error_of_chat(event));
  return type == "ping" ? ":\n\n" : "";
}

std::string MessagesAsChat::feed(std::string_view events) {
  std::string told;
  while (!events.empty()) {
    const size_t end = events.find('\n');
    std::string_view line = events.substr(0, end);
    events.remove_prefix(end == events.npos ? events.size() : end + 1);
    if (!line.starts_with("data:")) continue;
    line.remove_prefix(5);
    if (const Json event = redact::parse_shallow(line); event.is_object()) told += one_event(event);
  }
  return told;
}

}  // namespace hearth::serve
