// libFuzzer target: whatever bytes a client sends over a connection, it gets whole HTTP answers or none, and the
// connection ends.
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

#include "tools/serve/connection.h"

namespace {

namespace asio = boost::asio;
using hearth::serve::Connection;
using hearth::serve::ConnectionHandler;

void demand(bool holds) {
  if (!holds) __builtin_trap();
}

std::string read_all(int file) {
  std::string text;
  char block[4096];
  for (ssize_t count; (count = recv(file, block, sizeof(block), MSG_DONTWAIT)) > 0;)
    text.append(block, static_cast<size_t>(count));
  return text;
}

ConnectionHandler make_handler(size_t& answered) {
  ConnectionHandler handler;
  handler.headers = {{"X-Served-By", "fuzz"}};
  handler.check = [](Connection& connection) {
    static_cast<void>(connection.header("Host"));
    if (connection.path() == "/no") throw hearth::serve::invalid_request("no");
  };
  handler.answer = [](Connection& connection) -> asio::awaitable<void> {
    demand(connection.request().body().size() <= 4096);
    if (connection.path() == "/stream") {
      co_await connection.send("data: 1\n\n");
      co_await connection.end();
    } else {
      co_await connection.reply({200, "{}"});
    }
  };
  handler.done = [&](Connection& connection) {
    demand(connection.status() >= 200 && connection.status() < 600);
    ++answered;
  };
  return handler;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 16 << 10) return 0;  // the answers must fit into the socket's buffer
  int ends[2];
  demand(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  demand(send(ends[0], data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
  shutdown(ends[0], SHUT_WR);

  size_t answered = 0;
  asio::io_context io;
  const ConnectionHandler handler = make_handler(answered);
  const hearth::serve::ConnectionLimits limits{.header_bytes = 1024, .headers = 20, .body_bytes = 4096};
  // A socket of another family serves as well: only its bytes count.
  const auto connection =
      std::make_shared<Connection>(asio::ip::tcp::socket(io, asio::ip::tcp::v4(), ends[1]), limits, handler);
  asio::co_spawn(io, connection->run(), asio::detached);
  io.run();

  const std::string answers = read_all(ends[0]);
  close(ends[0]);
  demand(answers.empty() || answers.starts_with("HTTP/1.1 "));
  size_t found = 0;
  for (size_t at = answers.find("X-Served-By: fuzz"); at != answers.npos;
       at = answers.find("X-Served-By: fuzz", at + 1))
    ++found;
  demand(found == answered);
  return 0;
}
