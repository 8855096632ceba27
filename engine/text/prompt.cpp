// One function for each kind of prompt.
#include "engine/text/prompt.h"

#include <algorithm>
#include <random>
#include <utility>

#include "engine/text/answer/fit.h"
#include "engine/text/chat.h"
#include "engine/text/infill.h"
#include "engine/text/template/json.h"
#include "engine/text/template/value.h"

namespace hearth {
namespace {

void require_tool(const Request& request, const Tools& tools, const AnswerFormat& answers) {
  if (request.tool_use != ToolUse::required) return;
  if (tools.empty()) throw Error(ErrorCode::invalid_argument, "a tool must be called, but the request has none");
  if (!answers.has_calls())
    throw Error(ErrorCode::invalid_argument, "a tool must be called, but the model's chat template knows no calls");
  if (!request.tool.empty() && !tools.contains(request.tool))
    throw Error(ErrorCode::invalid_argument, "the tool that must be called is not among the tools");
}

// Whether a prompt has opened and ended the reasoning itself, so that the answer has none.
bool closed_reasoning(std::string_view prompt, const AnswerFormat& answers) {
  const std::string_view text = trim(prompt);
  return std::any_of(answers.reasoning.begin(), answers.reasoning.end(),
                     [&](const ReasoningFormat& format) { return text.ends_with(format.close); });
}

// The marker that ends the reasoning which a prompt has opened; empty where it has not.
std::string opened_reasoning(std::string_view prompt, const AnswerFormat& answers) {
  const std::string_view text = trim(prompt);
  for (const ReasoningFormat& format : answers.reasoning)
    if (text.ends_with(format.open)) return format.close;
  return "";
}

class PromptMaker {
 public:
  PromptMaker(const Request& request, const Tokenizer& tokenizer, const Chat* chat)
      : request_(request), tokenizer_(tokenizer), chat_(chat) {}

  Prompt operator()(const std::vector<int32_t>& ids) const { return {.ids = ids, .begins_text = false, .split = {}}; }

  Prompt operator()(const std::string& text) const { return plain(tokenizer_.encode(text, false)); }

  Prompt operator()(const std::vector<Message>& conversation) const {
    std::vector<Value> messages;
    for (const Message& message : conversation) {
      Dict one;
      one.set("role", Value(message.role));
      one.set("content", Value(message.content));
      messages.push_back(Value(std::move(one)));
    }
    Dict conversation_object;
    conversation_object.set("messages", Value::list(std::move(messages)));
    return rendered(std::move(conversation_object));
  }

  Prompt operator()(const Conversation& conversation) const {
    const Value object = parse_json(conversation.json);
    if (!object.is_dict()) throw Error(ErrorCode::invalid_argument, "the conversation is no JSON object");
    return rendered(object.dict());
  }

  Prompt operator()(const Infill& gap) const { return plain(infill_ids(gap, tokenizer_)); }

 private:
  Prompt plain(std::vector<int32_t> ids) const {
    const auto bos = tokenizer_.vocabulary().special().bos;
    if (tokenizer_.adds_bos() && bos && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
    const bool alone = ids.size() == 1 && ids.front() == bos;
    return {.ids = std::move(ids), .begins_text = alone, .split = {}};
  }

  Prompt rendered(Dict conversation) const {
    if (chat_ == nullptr) throw Error(ErrorCode::bad_template, "the model has no chat template");
    if (conversation.find(Value("add_generation_prompt")) == nullptr)
      conversation.set("add_generation_prompt", Value(true));
    const Value* const begun = conversation.find(Value("prefill"));
    if (begun != nullptr && !begun->is_string())
      throw Error(ErrorCode::invalid_argument, "the conversation's prefill is no text");
    const std::string prefill = begun == nullptr ? "" : std::string(begun->string());
    const Value fitted =
        fit_conversation(Value(std::move(conversation)), chat_->answers, request_.tool_use != ToolUse::none);
    ChatPrompt prompt = render_chat(chat_->chat_template, fitted, tokenizer_.vocabulary());
    const bool may_think = prefill.empty() && !closed_reasoning(prompt.text, chat_->answers);
    std::string thinking = opened_reasoning(prompt.text, chat_->answers);
    // What the answer begins with is no reasoning.
    if (!prefill.empty()) prompt.text += std::exchange(thinking, "");
    add_literal(prompt, prefill, tokenizer_.vocabulary());
    Prompt made = plain(tokenizer_.encode(prompt.text, true, prompt.literal));
    made.begins_text = prefill.empty();
    const Value* tools = fitted.find("tools");
    made.split = SplitOptions{.format = &chat_->answers,
                              .tools = tools ? Tools(*tools) : Tools(),
                              .calls = true,
                              .one_call = !request_.parallel_calls,
                              .may_think = may_think,
                              .thinking = std::move(thinking),
                              .id_seed = (uint64_t{std::random_device{}()} << 32) | std::random_device{}()};
    made.split->calls = !made.split->tools.empty();
    require_tool(request_, made.split->tools, chat_->answers);
    return made;
  }

  const Request& request_;
  const Tokenizer& tokenizer_;
  const Chat* chat_;
};

}  // namespace

Prompt make_prompt(const Request& request, const Tokenizer& tokenizer, const Chat* chat) {
  return std::visit(PromptMaker(request, tokenizer, chat), request.prompt);
}

}  // namespace hearth
