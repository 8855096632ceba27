// One function for each kind of prompt.
#include "engine/text/prompt.h"

#include "engine/text/chat.h"
#include "engine/text/infill.h"
#include "engine/text/template/json.h"
#include "engine/text/template/value.h"

namespace hearth {
namespace {

struct PromptReader {
  const Tokenizer& tokenizer;
  const Template* chat_template;

  std::vector<int32_t> operator()(const std::vector<int32_t>& ids) const { return ids; }

  std::vector<int32_t> operator()(const std::string& text) const { return tokenizer.encode(text, false); }

  std::vector<int32_t> operator()(const std::vector<Message>& conversation) const {
    std::vector<Value> messages;
    for (const Message& message : conversation) {
      Dict one;
      one.set("role", Value(message.role));
      one.set("content", Value(message.content));
      messages.push_back(Value(std::move(one)));
    }
    Dict request;
    request.set("messages", Value::list(std::move(messages)));
    return rendered(std::move(request));
  }

  std::vector<int32_t> operator()(const Conversation& conversation) const {
    const Value request = parse_json(conversation.json);
    if (!request.is_dict()) throw Error(ErrorCode::invalid_argument, "the conversation is no JSON object");
    return rendered(request.dict());
  }

  std::vector<int32_t> operator()(const Infill& gap) const { return infill_ids(gap, tokenizer); }

 private:
  std::vector<int32_t> rendered(Dict request) const {
    if (chat_template == nullptr) throw Error(ErrorCode::bad_template, "the model has no chat template");
    bool asked = false;
    for (const auto& [key, value] : request.items) asked |= key.is_string() && key.string() == "add_generation_prompt";
    if (!asked) request.set("add_generation_prompt", Value(true));
    const ChatPrompt prompt = render_chat(*chat_template, Value(std::move(request)), tokenizer.vocabulary());
    return tokenizer.encode(prompt.text, true, prompt.literal);
  }
};

}  // namespace

std::vector<int32_t> prompt_ids(const Request& request, const Tokenizer& tokenizer, const Template* chat_template) {
  std::vector<int32_t> ids = std::visit(PromptReader{tokenizer, chat_template}, request.prompt);
  if (std::holds_alternative<std::vector<int32_t>>(request.prompt)) return ids;
  const auto bos = tokenizer.vocabulary().special().bos;
  if (tokenizer.adds_bos() && bos && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
  return ids;
}

bool begins_text(const Request& request, const std::vector<int32_t>& ids, const Tokenizer& tokenizer) {
  return std::holds_alternative<std::vector<Message>>(request.prompt) ||
         std::holds_alternative<Conversation>(request.prompt) ||
         (ids.size() == 1 && ids.front() == tokenizer.vocabulary().special().bos);
}

}  // namespace hearth
