// POST /tokenize, /detokenize and /apply-template.
#pragma once

#include "tools/serve/service.h"

namespace hearth::serve {

// {content or prompt, add_special, parse_special} or {messages, tools}, and model -> {tokens, count}
boost::asio::awaitable<void> tokenize(Connection& connection, Service& service);
// {tokens, model} -> {content}
boost::asio::awaitable<void> detokenize(Connection& connection, Service& service);
// {messages, tools, chat_template_kwargs, add_generation_prompt, model} -> {prompt}
boost::asio::awaitable<void> apply_template(Connection& connection, Service& service);

}  // namespace hearth::serve
