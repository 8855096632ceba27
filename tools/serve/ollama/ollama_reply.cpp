// One line of JSON for each piece, and one with all figures.
#include "tools/serve/ollama/ollama_reply.h"

#include "tools/serve/conversation.h"

namespace hearth::serve {
namespace {

std::string line(const Json& json) { return to_text(json) + "\n"; }

int64_t nanoseconds(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

class OllamaReply : public Reply {
 public:
  OllamaReply(Heading heading, OllamaKind kind, bool unloads)
      : Reply(std::move(heading), 1), kind_(kind), unloads_(unloads) {}

  const char* content_type() const override { return "application/x-ndjson"; }

  // Lines are all that clients read, so one that says nothing must do.
  std::string silence() override { return line(part("", "", false)); }

  std::string piece(uint32_t choice, const Event& event) override {
    std::string text;
    if (!event.text.empty() || !event.reasoning.empty()) text += line(part(event.text, event.reasoning, false));
    if (!event.result) return text;
    count(choice, *event.result);
    told_ = true;
    if (Json calls = calls_json(event.result->calls); kind_ == OllamaKind::chat && !calls.empty()) {
      Json said = part("", "", false);
      said["message"]["tool_calls"] = std::move(calls);
      text += line(said);
    }
    Json last = part("", "", true);
    add_figures(last, *event.result);
    return text + line(last);
  }

  std::string end() override { return told_ ? "" : line(nothing_asked()); }
  std::string failure(const ApiError& error) override { return line(ollama_error_json(error)); }
  const char* prompt_field() const override { return kind_ == OllamaKind::chat ? "messages" : "prompt"; }

  Json whole(const std::vector<Result>& results) override {
    if (results.empty()) return nothing_asked();
    const Result& result = results.front();
    count(0, result);
    Json body = part(result.text, result.reasoning, true);
    if (Json calls = calls_json(result.calls); kind_ == OllamaKind::chat && !calls.empty())
      body["message"]["tool_calls"] = std::move(calls);
    add_figures(body, result);
    return body;
  }

 private:
  Json part(const std::string& text, const std::string& reasoning, bool done) const {
    Json body = {{"model", heading().model}, {"created_at", utc_time(heading().created)}};
    if (kind_ == OllamaKind::chat) {
      body["message"] = {{"role", "assistant"}, {"content", text}};
      if (!reasoning.empty()) body["message"]["thinking"] = reasoning;
    } else {
      body["response"] = text;
      if (!reasoning.empty()) body["thinking"] = reasoning;
    }
    body["done"] = done;
    return body;
  }

  static Json calls_json(const std::vector<ToolCall>& calls) {
    Json list = Json::array();
    for (const ToolCall& call : calls)
      if (auto arguments = whole_arguments(call))
        list.push_back(
            {{"id", call.id},
             {"function", {{"index", list.size()}, {"name", call.name}, {"arguments", *std::move(arguments)}}}});
    return list;
  }

  static void add_figures(Json& body, const Result& result) {
    const bool cut = result.reason == FinishReason::max_tokens || result.reason == FinishReason::context_full;
    body["done_reason"] = cut ? "length" : "stop";
    body["total_duration"] = nanoseconds(result.prompt_seconds + result.generate_seconds);
    body["load_duration"] = 0;
    body["prompt_eval_count"] = result.prompt_tokens;
    body["prompt_eval_duration"] = nanoseconds(result.prompt_seconds);
    body["eval_count"] = result.generated_tokens;
    body["eval_duration"] = nanoseconds(result.generate_seconds);
    if (result.malformed_call) body["x_hearth_warning"] = kMalformedCall;
  }

  Json nothing_asked() const {
    Json body = part("", "", true);
    body["done_reason"] = unloads_ ? "unload" : "load";
    return body;
  }

  OllamaKind kind_;
  bool unloads_, told_ = false;
};

}  // namespace

std::unique_ptr<Reply> make_ollama_reply(Heading heading, OllamaKind kind, bool unloads) {
  return std::make_unique<OllamaReply>(std::move(heading), kind, unloads);
}

Json ollama_error_json(const ApiError& error) { return {{"error", error.what()}}; }

}  // namespace hearth::serve
