// Text and tokens, without generating.
#include "tools/serve/text_routes.h"

#include "tools/serve/body.h"
#include "tools/serve/conversation.h"
#include "tools/serve/fields.h"
#include "tools/serve/openai/chat_request.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

// Parses the body and answers with what `make` makes of it and the model that it names.
template <class Make>
asio::awaitable<void> answer_with(Connection& connection, Service& service, Make make) {
  const Json body = co_await read_body(connection, service);
  Fields fields(body);
  Signal& signal = connection.signal();
  const auto claim =
      service.models.claim(fields.text("model").value_or(service.models.default_name()), [&] { signal.notify(); });
  co_await wait_for_model(connection, service, *claim);
  Engine& engine = claim->engine();
  std::string answer = co_await service.workers.run([&] { return to_text(make(engine, fields)); });
  tell_ignored(connection, fields.ignored());
  co_await connection.reply({200, std::move(answer)});
}

std::string conversation_json(Fields& fields) {
  const Json* messages = fields.find("messages");
  if (messages == nullptr) throw invalid_request("'messages' is missing", "messages", "missing_required_parameter");
  Json conversation = {{"messages", read_messages(*messages)},
                       {"add_generation_prompt", fields.boolean("add_generation_prompt", true)}};
  if (const Json* tools = fields.find("tools")) conversation["tools"] = *tools;
  return finish_conversation(std::move(conversation), read_template_variables(fields)).json;
}

Json token_list(const std::vector<int32_t>& ids) { return {{"tokens", ids}, {"count", ids.size()}}; }

}  // namespace

asio::awaitable<void> tokenize(Connection& connection, Service& service) {
  return answer_with(connection, service, [](Engine& engine, Fields& fields) {
    Request request;
    if (fields.find("messages") != nullptr) {
      request.prompt = Conversation{conversation_json(fields)};
      return token_list(engine.prompt_tokens(request));
    }
    auto text = fields.text("content");
    if (!text) text = fields.text("prompt");
    if (!text) throw invalid_request("'content' is missing", "content", "missing_required_parameter");
    const bool special = fields.boolean("parse_special", false);
    if (special || !fields.boolean("add_special", false)) return token_list(engine.tokenize(*text, special));
    request.prompt = *text;
    return token_list(engine.prompt_tokens(request));
  });
}

asio::awaitable<void> detokenize(Connection& connection, Service& service) {
  return answer_with(connection, service, [](Engine& engine, Fields& fields) {
    const Json* tokens = fields.find("tokens");
    if (tokens == nullptr || !tokens->is_array())
      throw invalid_request("'tokens' must be an array of token ids", "tokens", "invalid_value");
    std::vector<int32_t> ids;
    for (const Json& id : *tokens)
      ids.push_back(static_cast<int32_t>(read_integer(id, "tokens", 0, int64_t{engine.info().vocabulary} - 1)));
    return Json{{"content", engine.detokenize(ids, true)}};
  });
}

asio::awaitable<void> apply_template(Connection& connection, Service& service) {
  return answer_with(connection, service, [](Engine& engine, Fields& fields) {
    return Json{{"prompt", engine.render(conversation_json(fields))}};
  });
}

}  // namespace hearth::serve
