// Ollama's API: /api/...
#pragma once

#include "tools/serve/service.h"

namespace hearth::serve {

boost::asio::awaitable<void> ollama_chat(Connection& connection, Service& service);
boost::asio::awaitable<void> ollama_generate(Connection& connection, Service& service);
// {model, input} -> {embeddings}; {model, prompt} -> {embedding}
boost::asio::awaitable<void> ollama_embed(Connection& connection, Service& service);
boost::asio::awaitable<void> ollama_embeddings(Connection& connection, Service& service);
// Says that a model is there; none is ever fetched.
boost::asio::awaitable<void> ollama_pull(Connection& connection, Service& service);
boost::asio::awaitable<void> ollama_version(Connection& connection, Service& service);
boost::asio::awaitable<void> ollama_tags(Connection& connection, Service& service);
boost::asio::awaitable<void> ollama_ps(Connection& connection, Service& service);
boost::asio::awaitable<void> ollama_show(Connection& connection, Service& service);

}  // namespace hearth::serve
