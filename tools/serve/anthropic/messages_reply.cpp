// A message of blocks, whole or as a stream of events with names.
#include "tools/serve/anthropic/messages_reply.h"

#include "tools/serve/conversation.h"

namespace hearth::serve {
namespace {

// Nothing is signed here; some clients send back only thinking that has a signature.
constexpr const char* kSignature = "aGVhcnRo";

const char* stop_reason(const Result& result) {
  if (ends_with_calls(result)) return "tool_use";
  switch (result.reason) {
    case FinishReason::stop:
      return "stop_sequence";
    case FinishReason::max_tokens:
    case FinishReason::context_full:
      return "max_tokens";
    default:
      return "end_turn";
  }
}

Json stop_sequence(const Result& result) {
  return result.reason == FinishReason::stop && !result.stop.empty() ? Json(result.stop) : Json();
}

// Prompt tokens that were found in the cache are not part of input_tokens.
Json usage_of(uint64_t prompt, uint64_t cached, uint64_t output) {
  return {{"input_tokens", prompt - std::min(prompt, cached)},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", cached},
          {"output_tokens", output}};
}

Json usage_of(const Result& result) {
  return usage_of(result.prompt_tokens, result.cached_tokens, result.generated_tokens);
}

std::string named_event(const Json& json) {
  return "event: " + json["type"].get<std::string>() + "\n" + to_event(json);
}

class MessagesReply : public Reply {
 public:
  MessagesReply(Heading heading, bool shows_thinking) : Reply(std::move(heading), 1), shows_thinking_(shows_thinking) {}

  std::string begin(uint64_t prompt_tokens) override {
    Json message = message_json(Json::array());
    message["usage"] = usage_of(prompt_tokens, 0, 0);
    return named_event({{"type", "message_start"}, {"message", std::move(message)}}) + silence();
  }

  std::string silence() override { return named_event({{"type", "ping"}}); }

  std::string piece(uint32_t choice, const Event& event) override {
    std::string text;
    if (shows_thinking_ && !event.reasoning.empty()) {
      text += open(Block::thinking, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}});
      text += delta({{"type", "thinking_delta"}, {"thinking", event.reasoning}});
    }
    if (!event.text.empty()) {
      text += open(Block::text, {{"type", "text"}, {"text", ""}});
      text += delta({{"type", "text_delta"}, {"text", event.text}});
    }
    for (const ToolCallPiece& call : event.calls) {
      if (!call.name.empty()) {
        text += close() + open(Block::call,
                               {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", Json::object()}});
      }
      if (!call.arguments.empty()) text += delta({{"type", "input_json_delta"}, {"partial_json", call.arguments}});
    }
    if (event.result) {
      count(choice, *event.result);
      text += close() + last(*event.result);
    }
    return text;
  }

  std::string end() override { return named_event({{"type", "message_stop"}}); }

  std::string failure(const ApiError& error) override { return named_event(anthropic_error_json(error)); }

  const char* prompt_field() const override { return "messages"; }

  Json whole(const std::vector<Result>& results) override {
    const Result& result = results.front();
    count(0, result);
    Json content = Json::array();
    if (shows_thinking_ && !result.reasoning.empty())
      content.push_back({{"type", "thinking"}, {"thinking", result.reasoning}, {"signature", kSignature}});
    if (!result.text.empty()) content.push_back({{"type", "text"}, {"text", result.text}});
    for (const ToolCall& call : result.calls)
      if (auto input = whole_arguments(call))
        content.push_back({{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", *std::move(input)}});
    if (content.empty() || content.back()["type"] == "thinking") content.push_back({{"type", "text"}, {"text", ""}});
    Json message = message_json(std::move(content));
    message["stop_reason"] = stop_reason(result);
    message["stop_sequence"] = stop_sequence(result);
    message["usage"] = usage_of(result);
    return message;
  }

 private:
  enum class Block { none, thinking, text, call };

  Json message_json(Json content) const {
    return {{"id", heading().id},
            {"type", "message"},
            {"role", "assistant"},
            {"model", heading().model},
            {"content", std::move(content)},
            {"stop_reason", nullptr},
            {"stop_sequence", nullptr}};
  }

  std::string open(Block block, Json start) {
    if (open_ == block && block != Block::call) return "";
    std::string text = close();
    open_ = block;
    return text +
           named_event({{"type", "content_block_start"}, {"index", index_}, {"content_block", std::move(start)}});
  }

  std::string delta(Json change) const {
    return named_event({{"type", "content_block_delta"}, {"index", index_}, {"delta", std::move(change)}});
  }

  std::string close() {
    if (open_ == Block::none) return "";
    std::string text;
    if (open_ == Block::thinking) text = delta({{"type", "signature_delta"}, {"signature", kSignature}});
    open_ = Block::none;
    return text + named_event({{"type", "content_block_stop"}, {"index", index_++}});
  }

  static std::string last(const Result& result) {
    Json event = {{"type", "message_delta"},
                  {"delta", {{"stop_reason", stop_reason(result)}, {"stop_sequence", stop_sequence(result)}}},
                  {"usage", usage_of(result)}};
    if (result.malformed_call) event["x_hearth_warning"] = kMalformedCall;
    return named_event(event);
  }

  const bool shows_thinking_;
  Block open_ = Block::none;
  size_t index_ = 0;  // of the block that is open or comes next
};

const char* error_type(const ApiError& error) {
  switch (error.status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return error.status < 500 ? "invalid_request_error" : "api_error";
  }
}

}  // namespace

std::unique_ptr<Reply> make_messages_reply(Heading heading, bool shows_thinking) {
  return std::make_unique<MessagesReply>(std::move(heading), shows_thinking);
}

Json anthropic_error_json(const ApiError& error) {
  std::string message = error.what();
  // Clients compare the two numbers of just this sentence.
  if (error.context > 0)
    message = "prompt is too long: " + std::to_string(error.prompt_tokens) + " tokens > " +
              std::to_string(error.context) + " maximum";
  return {{"type", "error"}, {"error", {{"type", error_type(error)}, {"message", message}}}};
}

}  // namespace hearth::serve
