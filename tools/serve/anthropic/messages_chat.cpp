// Blocks become deltas, or a message.
#include "tools/serve/anthropic/messages_chat.h"

#include <ctime>

#include "tools/redact/shallow_json.h"

namespace hearth::serve {
namespace {

const char* finish_of(const std::string& stop_reason) {
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") return "length";
  if (stop_reason == "tool_use") return "tool_calls";
  return stop_reason == "refusal" ? "content_filter" : "stop";
}

// What was read from a cache or written into it is part of the prompt.
Json usage_of_chat(const Json& usage) {
  const uint64_t cached = member_count(usage, "cache_read_input_tokens");
  const uint64_t prompt =
      member_count(usage, "input_tokens") + cached + member_count(usage, "cache_creation_input_tokens");
  const uint64_t answer = member_count(usage, "output_tokens");
  return {{"prompt_tokens", prompt},
          {"completion_tokens", answer},
          {"total_tokens", prompt + answer},
          {"prompt_tokens_details", {{"cached_tokens", cached}}}};
}

Json error_of_chat(const Json& answer) {
  const Json* error = member_of(answer, "error");
  const Json said = error == nullptr ? Json::object() : *error;
  return {{"error",
           {{"message", member_text(said, "message")},
            {"type", member_text(said, "type")},
            {"param", nullptr},
            {"code", member_text(said, "type")}}}};
}

bool is_thinking(const std::string& type) { return type == "thinking" || type == "redacted_thinking"; }

Json call_of_chat(const Json& block, const std::string& arguments) {
  return {{"id", member_text(block, "id")},
          {"type", "function"},
          {"function", {{"name", member_text(block, "name")}, {"arguments", arguments}}}};
}

}  // namespace

Json MessagesAsChat::whole(const Json& message) {
  if (member_text(message, "type") != "message") return error_of_chat(message);
  std::string text, reasoning;
  Json calls = Json::array(), thoughts = Json::array();
  if (const Json* content = member_of(message, "content"); content != nullptr && content->is_array()) {
    for (const Json& block : *content) {
      const std::string type = member_text(block, "type");
      if (type == "text") text += member_text(block, "text");
      if (is_thinking(type)) {
        reasoning += member_text(block, "thinking");
        thoughts.push_back(block);
      }
      if (type != "tool_use") continue;
      const Json* input = member_of(block, "input");
      calls.push_back(call_of_chat(block, input == nullptr ? "{}" : to_text(*input)));
    }
  }
  Json said = {{"role", "assistant"}, {"content", text.empty() && !calls.empty() ? Json() : Json(text)}};
  if (!reasoning.empty()) said["reasoning_content"] = reasoning;
  if (!thoughts.empty()) said["thinking_blocks"] = std::move(thoughts);
  if (!calls.empty()) said["tool_calls"] = std::move(calls);
  const Json* usage = member_of(message, "usage");
  return {{"id", member_text(message, "id")},
          {"object", "chat.completion"},
          {"created", static_cast<int64_t>(std::time(nullptr))},
          {"model", member_text(message, "model")},
          {"choices", Json::array({{{"index", 0},
                                    {"message", std::move(said)},
                                    {"logprobs", nullptr},
                                    {"finish_reason", finish_of(member_text(message, "stop_reason"))}}})},
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
  const std::string type = member_text(block, "type");
  if (is_thinking(type)) thinking_[index] = block;
  if (type == "text" && !member_text(block, "text").empty()) return chunk({{"content", member_text(block, "text")}});
  if (type != "tool_use") return "";
  const uint32_t number = calls_++;
  call_of_[index] = number;
  Json call = {{"index", number}};
  call.update(call_of_chat(block, ""));
  return chunk({{"tool_calls", Json::array({std::move(call)})}});
}

std::string MessagesAsChat::feed_delta(const Json& delta, int64_t index) {
  const std::string type = member_text(delta, "type");
  if (type == "text_delta") return chunk({{"content", member_text(delta, "text")}});
  if (type == "input_json_delta") {
    const auto call = call_of_.find(index);
    if (call == call_of_.end()) return "";
    return chunk({{"tool_calls", Json::array({{{"index", call->second},
                                               {"function", {{"arguments", member_text(delta, "partial_json")}}}}})}});
  }
  const auto block = thinking_.find(index);
  if (block == thinking_.end()) return "";
  if (type == "signature_delta") block->second["signature"] = member_text(delta, "signature");
  if (type != "thinking_delta") return "";
  const std::string thought = member_text(delta, "thinking");
  block->second["thinking"] = member_text(block->second, "thinking") + thought;
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
  const std::string type = member_text(event, "type");
  const Json* number = member_of(event, "index");
  const int64_t index = number != nullptr && number->is_number_integer() ? number->get<int64_t>() : 0;
  // Counts are those so far: what is told later stands.
  const auto take_usage = [&](const Json& from) {
    if (const Json* usage = member_of(from, "usage"); usage != nullptr && usage->is_object())
      for (const auto& [name, value] : usage->items())
        if (value.is_number_unsigned()) usage_[name] = value;
  };
  if (type == "message_start") {
    const Json* message = member_of(event, "message");
    if (message == nullptr) return "";
    id_ = member_text(*message, "id");
    model_ = member_text(*message, "model");
    take_usage(*message);
    return chunk({{"role", "assistant"}, {"content", ""}});
  }
  if (const Json* block = member_of(event, "content_block"); block != nullptr && type == "content_block_start")
    return begin_block(*block, index);
  if (type == "content_block_delta") {
    const Json* delta = member_of(event, "delta");
    return delta == nullptr ? "" : feed_delta(*delta, index);
  }
  if (type == "content_block_stop") return end_block(index);
  if (type == "message_delta") {
    take_usage(event);
    if (const Json* delta = member_of(event, "delta"))
      if (const std::string reason = member_text(*delta, "stop_reason"); !reason.empty()) finish_ = finish_of(reason);
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
