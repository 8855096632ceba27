// chat.completion and chat.completion.chunk.
#include "tools/serve/openai/chat_reply.h"

#include "tools/serve/openai/logprobs_json.h"

namespace hearth::serve {
namespace {

class ChatReply : public Reply {
 public:
  ChatReply(Heading heading, uint32_t choices, ChatReplyOptions options)
      : Reply(std::move(heading), choices), options_(options), begun_(choices) {}

  std::string piece(uint32_t choice, const Event& event) override {
    std::string text;
    if (!begun_[choice]) {
      begun_[choice] = true;
      text += chunk(choice, {{"role", "assistant"}, {"content", ""}}, {}, nullptr);
    }
    if (!event.reasoning.empty()) text += chunk(choice, {{"reasoning_content", event.reasoning}}, {}, nullptr);
    if (!event.text.empty() || !event.logprobs.empty())
      text += chunk(choice, {{"content", event.text}}, event.logprobs, nullptr);
    for (const ToolCallPiece& piece : event.calls)
      text += chunk(choice, {{"tool_calls", Json::array({piece_json(piece)})}}, {}, nullptr);
    if (event.result) {
      count(choice, *event.result);
      text += chunk(choice, Json::object(), {}, finish_reason(*event.result), event.result->malformed_call);
    }
    return text;
  }

  std::string end() override {
    std::string text;
    if (options_.include_usage) {
      Json last = heading_json("chat.completion.chunk");
      last["choices"] = Json::array();
      last["usage"] = usage_json();
      text = to_event(last);
    }
    return text + "data: [DONE]\n\n";
  }

  const char* prompt_field() const override { return options_.prompt_field; }
  std::string failure(const ApiError& error) override { return to_event(error_json(error)); }

  Json whole(const std::vector<Result>& results) override {
    Json body = heading_json("chat.completion");
    body["choices"] = Json::array();
    for (uint32_t i = 0; i < results.size(); ++i) {
      const Result& result = results[i];
      count(i, result);
      body["choices"].push_back({{"index", i},
                                 {"message", message_json(result)},
                                 {"logprobs", options_.logprobs ? chat_logprobs(result.logprobs) : Json()},
                                 {"finish_reason", finish_reason(result)}});
    }
    body["usage"] = usage_json();
    return body;
  }

 private:
  static Json call_json(const ToolCall& call) {
    return {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
  }

  // The first piece of a call has everything, the others arguments alone.
  static Json piece_json(const ToolCallPiece& piece) {
    if (piece.name.empty()) return {{"index", piece.index}, {"function", {{"arguments", piece.arguments}}}};
    Json json = {{"index", piece.index}};
    json.update(call_json({piece.id, piece.name, piece.arguments}));
    return json;
  }

  static Json message_json(const Result& result) {
    const bool only_calls = result.text.empty() && !result.calls.empty();
    Json message = {{"role", "assistant"}, {"content", only_calls ? Json() : Json(result.text)}, {"refusal", nullptr}};
    if (!result.reasoning.empty()) message["reasoning_content"] = result.reasoning;
    for (const ToolCall& call : result.calls) message["tool_calls"].push_back(call_json(call));
    return message;
  }

  std::string chunk(uint32_t choice, Json delta, const std::vector<TokenLogprob>& logprobs, const char* finish,
                    bool malformed = false) const {
    Json one = {{"index", choice},
                {"delta", std::move(delta)},
                {"logprobs", logprobs.empty() ? Json() : chat_logprobs(logprobs)},
                {"finish_reason", finish == nullptr ? Json() : Json(finish)}};
    Json body = heading_json("chat.completion.chunk");
    body["choices"] = Json::array({std::move(one)});
    if (options_.include_usage) body["usage"] = nullptr;
    if (malformed) body["x_hearth_warning"] = kMalformedCall;
    return to_event(body);
  }

  ChatReplyOptions options_;
  std::vector<bool> begun_;  // the choice's role has been told
};

}  // namespace

std::unique_ptr<Reply> make_chat_reply(Heading heading, uint32_t choices, ChatReplyOptions options) {
  return std::make_unique<ChatReply>(std::move(heading), choices, options);
}

}  // namespace hearth::serve
