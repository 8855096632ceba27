// A response of items, whole or as a stream of numbered events.
#include "tools/serve/responses/responses_reply.h"

#include <cstring>

namespace hearth::serve {
namespace {

class ResponsesReply : public Reply {
 public:
  ResponsesReply(Heading heading, ResponsesReplyOptions options)
      : Reply(std::move(heading), 1), options_(std::move(options)) {}

  std::string begin(uint64_t) override { return begin_once(); }

  // Clients with a time limit of their own count events, not comments.
  std::string silence() override { return begin_once() + event("keepalive", {}); }

  std::string piece(uint32_t choice, const Event& event) override {
    std::string text = begin_once();
    if (!event.reasoning.empty()) text += reason(event.reasoning);
    if (!event.text.empty()) text += say(event.text);
    for (const ToolCallPiece& piece : event.calls) text += call(piece);
    if (event.result) {
      count(choice, *event.result);
      end_with(*event.result);  // only what was last may be cut
      if (output_.empty() && open_ == Open::none) text += say("");
      text += close();
    }
    return text;
  }

  std::string end() override {
    Json response = response_json(status_);
    if (options_.keep) options_.keep(response);
    Json fields = {{"response", std::move(response)}};
    if (malformed_) fields["x_hearth_warning"] = kMalformedCall;
    return event(("response." + status_).c_str(), std::move(fields));
  }

  std::string failure(const ApiError& error) override {
    std::string text = begin_once();
    Json response = response_json("failed");
    const std::string code = error.status == 503                         ? "rate_limit_exceeded"
                             : error.status >= 500 || error.code.empty() ? "server_error"
                                                                         : error.code;
    response["error"] = {{"code", code}, {"message", error.what()}};
    return text + event("response.failed", {{"response", std::move(response)}});
  }

  const char* prompt_field() const override { return "input"; }

  Json whole(const std::vector<Result>& results) override {
    const Result& result = results.front();
    count(0, result);
    end_with(result);
    if (!result.reasoning.empty()) output_.push_back(reasoning_item(new_id("rs"), result.reasoning));
    if (!result.text.empty() || result.calls.empty())
      output_.push_back(message_item(new_id("msg"), result.text, result.calls.empty() ? status_ : "completed"));
    for (const ToolCall& call : result.calls)
      output_.push_back(options_.tools.item(call_item_id(call.name), call, true));
    Json response = response_json(status_);
    if (options_.keep) options_.keep(response);
    return response;
  }

 private:
  enum class Open { none, reasoning, message, call };

  std::string event(const char* type, Json fields) {
    Json json = {{"type", type}, {"sequence_number", sequence_++}};
    if (!fields.is_null()) json.update(fields);
    return std::string("event: ") + type + "\n" + to_event(json);
  }

  // An event of the item that is open.
  std::string item_event(const char* type, Json fields) {
    Json json = {{"item_id", id_}, {"output_index", output_.size()}};
    json.update(fields);
    return event(type, std::move(json));
  }

  std::string added(Json item) {
    return event("response.output_item.added", {{"output_index", output_.size()}, {"item", std::move(item)}});
  }

  // The item that is open becomes part of the output.
  std::string done(Json item) {
    open_ = Open::none;
    const size_t index = output_.size();
    output_.push_back(item);
    return event("response.output_item.done", {{"output_index", index}, {"item", std::move(item)}});
  }

  std::string begin_once() {
    if (begun_) return "";
    begun_ = true;
    const Json response = response_json("in_progress");
    return event("response.created", {{"response", response}}) +
           event("response.in_progress", {{"response", response}});
  }

  std::string reason(const std::string& more) {
    std::string text;
    if (open_ != Open::reasoning) {
      text = close();
      open(Open::reasoning, new_id("rs"));
      text += added(reasoning_item(id_, ""));
      text += item_event("response.reasoning_summary_part.added",
                         {{"summary_index", 0}, {"part", {{"type", "summary_text"}, {"text", ""}}}});
    }
    text_ += more;
    return text + item_event("response.reasoning_summary_text.delta", {{"summary_index", 0}, {"delta", more}});
  }

  std::string say(const std::string& more) {
    std::string text;
    if (open_ != Open::message) {
      text = close();
      open(Open::message, new_id("msg"));
      text += added(message_item(id_, "", "in_progress"));
      text += item_event("response.content_part.added", {{"content_index", 0}, {"part", text_part("")}});
    }
    text_ += more;
    if (more.empty()) return text;
    return text + item_event("response.output_text.delta",
                             {{"content_index", 0}, {"delta", more}, {"logprobs", Json::array()}});
  }

  std::string call(const ToolCallPiece& piece) {
    std::string text;
    if (!piece.name.empty()) {
      text = close();
      call_ = {piece.id, piece.name, ""};
      open(Open::call, call_item_id(piece.name));
      text += added(options_.tools.item(id_, call_, false));
    }
    call_.arguments += piece.arguments;
    if (!piece.arguments.empty() && options_.tools.kind(call_.name) == ToolKind::function)
      text += item_event("response.function_call_arguments.delta", {{"delta", piece.arguments}});
    return text;
  }

  void open(Open what, std::string id) {
    open_ = what;
    id_ = std::move(id);
    text_.clear();
  }

  std::string close() {
    switch (open_) {
      case Open::none:
        return "";
      case Open::reasoning:
        return item_event("response.reasoning_summary_text.done", {{"summary_index", 0}, {"text", text_}}) +
               item_event("response.reasoning_summary_part.done",
                          {{"summary_index", 0}, {"part", {{"type", "summary_text"}, {"text", text_}}}}) +
               done(reasoning_item(id_, text_));
      case Open::message:
        return item_event("response.output_text.done",
                          {{"content_index", 0}, {"text", text_}, {"logprobs", Json::array()}}) +
               item_event("response.content_part.done", {{"content_index", 0}, {"part", text_part(text_)}}) +
               done(message_item(id_, text_, status_));
      case Open::call:
        break;
    }
    std::string text;
    const Json item = options_.tools.item(id_, call_, true);
    if (options_.tools.kind(call_.name) == ToolKind::function) {
      text =
          item_event("response.function_call_arguments.done", {{"name", item["name"]}, {"arguments", call_.arguments}});
    } else if (options_.tools.kind(call_.name) == ToolKind::custom) {
      text = item_event("response.custom_tool_call_input.delta", {{"delta", item["input"]}}) +
             item_event("response.custom_tool_call_input.done", {{"input", item["input"]}});
    }
    return text + done(item);
  }

  static Json text_part(const std::string& text) {
    return {{"type", "output_text"}, {"text", text}, {"annotations", Json::array()}, {"logprobs", Json::array()}};
  }

  static Json message_item(const std::string& id, const std::string& text, const std::string& status) {
    const bool whole = status != "in_progress";
    return {{"id", id},
            {"type", "message"},
            {"status", status},
            {"role", "assistant"},
            {"content", whole ? Json::array({text_part(text)}) : Json::array()}};
  }

  static Json reasoning_item(const std::string& id, const std::string& text) {
    Json summary = Json::array();
    if (!text.empty()) summary.push_back({{"type", "summary_text"}, {"text", text}});
    return {{"id", id}, {"type", "reasoning"}, {"summary", std::move(summary)}, {"encrypted_content", nullptr}};
  }

  // "resp_abc" -> "msg_abc_0"
  std::string new_id(const std::string& prefix) {
    const std::string& response = heading().id;
    return prefix + response.substr(std::min(response.find('_'), response.size())) + "_" + std::to_string(ids_++);
  }

  std::string call_item_id(const std::string& name) {
    const ToolKind kind = options_.tools.kind(name);
    return new_id(kind == ToolKind::custom        ? "ctc"
                  : kind == ToolKind::local_shell ? "lsh"
                  : kind == ToolKind::tool_search ? "tsc"
                                                  : "fc");
  }

  void end_with(const Result& result) {
    const bool cut = std::strcmp(finish_reason(result), "length") == 0;
    status_ = cut ? "incomplete" : "completed";
    malformed_ = result.malformed_call;
  }

  Json response_json(const std::string& status) const {
    const bool running = status == "in_progress", cut = status == "incomplete";
    Json response = {{"id", heading().id},
                     {"object", "response"},
                     {"created_at", heading().created},
                     {"status", status},
                     {"error", nullptr},
                     {"incomplete_details", cut ? Json{{"reason", "max_output_tokens"}} : Json()},
                     {"model", heading().model},
                     {"output", output_}};
    response.update(options_.repeated);
    response["usage"] = running ? Json() : response_usage();
    return response;
  }

  Json response_usage() const {
    return {{"input_tokens", usage().prompt_tokens},
            {"input_tokens_details", {{"cached_tokens", usage().cached_tokens}}},
            {"output_tokens", usage().completion_tokens},
            {"output_tokens_details", {{"reasoning_tokens", usage().reasoning_tokens}}},
            {"total_tokens", usage().prompt_tokens + usage().completion_tokens}};
  }

  ResponsesReplyOptions options_;
  bool begun_ = false, malformed_ = false;
  size_t sequence_ = 0, ids_ = 0;
  Json output_ = Json::array();  // items that are whole
  Open open_ = Open::none;       // what comes behind them
  std::string id_, text_;        // of the item that is open
  ToolCall call_;                // likewise
  std::string status_ = "completed";
};

}  // namespace

std::unique_ptr<Reply> make_responses_reply(Heading heading, ResponsesReplyOptions options) {
  return std::make_unique<ResponsesReply>(std::move(heading), std::move(options));
}

}  // namespace hearth::serve
