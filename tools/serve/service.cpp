// Steps that handlers have in common.
#include "tools/serve/service.h"

#include <algorithm>
#include <random>

namespace hearth::serve {

int64_t now_in_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string random_id(const std::string& prefix) {
  constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuvwxyz";
  thread_local std::mt19937_64 generator{std::random_device{}()};
  std::string id = prefix;
  for (int i = 0; i < 24; ++i) id += kLetters[generator() % kLetters.size()];
  return id;
}

const Remote* find_remote(const Service& service, const std::string& model) {
  for (const Remote& remote : service.options.remotes)
    if (std::ranges::find(remote.models, model) != remote.models.end()) return &remote;
  return nullptr;
}

ApiError ended_early() {
  ApiError error(503, "server_error", "shutting_down", "the server is shutting down");
  error.retry_after = 1;
  return error;
}

boost::asio::awaitable<void> wait_for_model(Connection& connection, Service& service, Models::Claim& claim,
                                            std::function<boost::asio::awaitable<void>()> on_silence) {
  while (!claim.settled()) {
    const bool woken = co_await connection.signal().wait_for(service.options.silence);
    if (connection.gone() || connection.interrupted()) throw ended_early();
    if (!woken && on_silence) co_await on_silence();
  }
}

}  // namespace hearth::serve
