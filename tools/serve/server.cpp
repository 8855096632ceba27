// Accepting connections and ending them.
#include "tools/serve/server.h"

#include <sys/resource.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>
#include <set>
#include <utility>

#include "tools/serve/routes.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Bytes that wait in the system for a client to read them: a second of tokens for many, and no more for one who stalls.
constexpr int kSendBuffer = 128 << 10;

// Connections are files, and the usual limit of 1024 is below ours.
void allow_many_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

tcp::acceptor listen(asio::io_context& io, const ServerOptions& options, uint16_t port) {
  error_code error;
  const auto address = asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, error);
  if (error) throw Error(ErrorCode::invalid_argument, "--host must be an address, not '" + options.host + "'");
  if (!address.is_loopback() && options.access.keys.empty())
    throw Error(ErrorCode::invalid_argument, "others can reach " + options.host + ": --api-key is needed");
  tcp::acceptor acceptor(io);
  const tcp::endpoint endpoint(address, port);
  const auto fail = [&] {
    if (error)
      throw Error(ErrorCode::busy,
                  "cannot listen on " + options.host + " port " + std::to_string(port) + ": " + error.message());
  };
  acceptor.open(endpoint.protocol(), error), fail();
  acceptor.set_option(tcp::acceptor::reuse_address(true), error), fail();
  acceptor.bind(endpoint, error), fail();
  acceptor.listen(asio::socket_base::max_listen_connections, error), fail();
  return acceptor;
}

ModelsOptions models_options(const ServerOptions& options) {
  ModelsOptions models{options.engine, options.memory, std::chrono::seconds(options.keep_alive_seconds), options.log,
                       options.cache_folder};
  if (options.log_cache) models.engine.on_log = [log = options.log](std::string_view line) { log(std::string(line)); };
  return models;
}

// Throws Error before anything is loaded for them.
const ServerOptions& with_folders(const ServerOptions& options) {
  for (const auto& folder : {options.slot_folder, options.cache_folder})
    if (std::error_code error; !folder.empty() && !std::filesystem::is_directory(folder, error))
      throw Error(ErrorCode::invalid_argument, folder.string() + ": is no folder that caches could be saved in");
  return options;
}

std::string url(const std::string& host, uint16_t port) {
  return "http://" + (host.find(':') == host.npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

// What a client gets that comes when there are too many.
std::string refusal() {
  const std::string body = to_text(error_json(busy("there are too many connections")));
  return "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nX-Hearth-Served-By: local\r\n"
         "Content-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

struct Server::State {
  explicit State(ServerOptions server_options)
      : options(std::move(server_options)),
        acceptor(listen(io, with_folders(options), options.port)),
        limits{.body_bytes = options.body_bytes,
               .header_time = std::chrono::milliseconds(options.header_milliseconds),
               .body_silence = std::chrono::milliseconds(options.body_milliseconds),
               .write_time = std::chrono::milliseconds(options.write_milliseconds)},
        service(io, options.models, models_options(options),
                {options.access, options.remotes, std::chrono::milliseconds(options.silence_milliseconds), options.log,
                 options.log_requests, options.body_bytes, options.routing, options.slot_folder}) {
    service.options.access.addresses = !acceptor.local_endpoint().address().is_loopback();
    handler.headers = {{"X-Hearth-Served-By", "local"}};
    handler.check = [this](Connection& connection) { check_request(connection, service); };
    handler.word = word_error;
    handler.answer = [this](Connection& connection) { return answer_request(connection, service); };
    handler.done = [this](Connection& connection) { note_request(connection, service); };
    ollama_handler = handler;
    ollama_handler.greeting = "Ollama is running";
    if (options.ollama_port) {
      ollama_acceptor.emplace(listen(io, options, *options.ollama_port));
      ollama_port = ollama_acceptor->local_endpoint().port();
    }
    load_first();
    port = acceptor.local_endpoint().port();
  }

  void load_first() {
    auto working = asio::make_work_guard(io);
    const auto first = service.models.claim(service.models.default_name(), [] {});
    while (!first->settled()) io.run_one();
    working.reset();
    first->engine();  // throws where it could not be loaded
    io.restart();
  }

  asio::awaitable<void> accept(tcp::acceptor& from, const ConnectionHandler& with) {
    asio::steady_timer pause(io);
    while (!stopping) {
      error_code error;
      tcp::socket socket = co_await from.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (stopping) co_return;
      if (error) {  // out of files: some are closed soon
        pause.expires_after(std::chrono::milliseconds(100));
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      } else if (open.size() >= options.connections) {
        socket.non_blocking(true, error);
        socket.write_some(asio::buffer(refusal()), error);
      } else {
        socket.set_option(tcp::no_delay(true), error);
        socket.set_option(tcp::socket::send_buffer_size(kSendBuffer), error);
        asio::co_spawn(io, serve(std::make_shared<Connection>(std::move(socket), limits, with)), asio::detached);
      }
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<Connection> connection) {
    open.insert(connection.get());
    service.metrics.set_connections(open.size());
    co_await connection->run();
    open.erase(connection.get());
    service.metrics.set_connections(open.size());
    if (stopping && open.empty()) io.stop();
  }

  void stop() {
    const auto each = [this](void (Connection::*action)()) {
      for (Connection* connection : std::set(open)) (connection->*action)();
    };
    if (std::exchange(stopping, true)) return each(&Connection::interrupt);
    error_code ignored;
    acceptor.close(ignored);
    if (ollama_acceptor) ollama_acceptor->close(ignored);
    service.models.stop();
    each(&Connection::finish);
    if (open.empty()) return io.stop();
    grace.expires_after(std::chrono::seconds(options.grace_seconds));
    grace.async_wait([each](const error_code& error) {
      if (!error) each(&Connection::interrupt);
    });
  }

  void wait_for_signal() {
    signals.async_wait([this](const error_code& error, int) {
      if (error) return;
      stop();
      wait_for_signal();
    });
  }

  ServerOptions options;
  asio::io_context io{1};
  tcp::acceptor acceptor;
  std::optional<tcp::acceptor> ollama_acceptor;
  asio::steady_timer grace{io};
  ConnectionLimits limits;
  ConnectionHandler handler, ollama_handler;
  uint16_t port = 0, ollama_port = 0;
  bool stopping = false;
  std::set<Connection*> open;
  asio::signal_set signals{io};
  Service service;  // last: its engines post to io
};

Server::Server(ServerOptions options) {
  allow_many_files();
  state_ = std::make_unique<State>(std::move(options));
}

Server::~Server() = default;

uint16_t Server::port() const { return state_->port; }

uint16_t Server::ollama_port() const { return state_->ollama_port; }

std::string Server::address() const { return url(state_->options.host, port()); }

std::string Server::ollama_address() const { return url(state_->options.host, ollama_port()); }

void Server::run() {
  asio::co_spawn(state_->io, state_->accept(state_->acceptor, state_->handler), asio::detached);
  if (state_->ollama_acceptor)
    asio::co_spawn(state_->io, state_->accept(*state_->ollama_acceptor, state_->ollama_handler), asio::detached);
  state_->io.run();
}

void Server::stop() {
  asio::post(state_->io, [state = state_.get()] { state->stop(); });
}

void Server::stop_on_signals() {
  state_->signals.add(SIGINT);
  state_->signals.add(SIGTERM);
  state_->wait_for_signal();
}

}  // namespace hearth::serve
