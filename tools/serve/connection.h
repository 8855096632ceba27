// One client's connection: requests in, answers out, one after the other.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/serve/api_error.h"
#include "tools/serve/signal.h"

namespace hearth::serve {

struct ConnectionLimits {
  uint32_t header_bytes = 16 << 10;
  uint32_t headers = 100;
  uint64_t body_bytes = 32 << 20;
  std::chrono::milliseconds header_time{10'000};   // from the first byte of a request to the end of its header
  std::chrono::milliseconds body_silence{30'000};  // between two pieces of a body
  std::chrono::milliseconds write_time{30'000};    // until the client has taken what is sent at once
  std::chrono::milliseconds idle_time{120'000};    // between two requests
};

using HttpHeader = std::pair<std::string, std::string>;

struct HttpReply {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<HttpHeader> headers = {};
};

class Connection;

// What a server does with requests. The functions are called in the network thread.
struct ConnectionHandler {
  std::vector<HttpHeader> headers;  // of all answers
  // Before the body is read: throws ApiError to refuse the request.
  std::function<void(Connection&)> check;
  // Answers; what it throws as ApiError becomes the answer.
  std::function<boost::asio::awaitable<void>(Connection&)> answer;
  // The body of the answer to a request that is refused; one that could not be read has no path.
  std::function<Json(const Connection&, const ApiError&)> word;
  // After every answer, also that of a refusal.
  std::function<void(Connection&)> done;
  std::string greeting = "Hearth is running";  // of the path "/"
};

// All functions are called in the network thread.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  using Request = boost::beast::http::request<boost::beast::http::string_body>;

  Connection(boost::asio::ip::tcp::socket socket, const ConnectionLimits& limits, const ConnectionHandler& handler);

  // Answers requests until one of both sides ends the connection.
  boost::asio::awaitable<void> run();

  const Request& request() const { return request_; }
  std::string header(const char* name) const;
  std::string path() const;  // without what follows "?"
  // The value of a parameter behind "?", as forms write it; empty where it is absent.
  std::string parameter(const std::string& name) const;
  const std::string& greeting() const { return handler_.greeting; }

  // For every answer to this request; takes the place of one with the same name.
  void set_header(const std::string& name, std::string value);
  // The value of X-Request-Id; empty before it is set.
  std::string request_id() const;
  // What the answer is counted under.
  int status() const { return status_; }

  // The whole answer.
  boost::asio::awaitable<void> reply(HttpReply reply);
  // Or an answer in pieces: send() begins it where that has not been done.
  boost::asio::awaitable<void> begin(int status = 200, std::string content_type = "text/event-stream");
  boost::asio::awaitable<void> send(std::string piece);
  boost::asio::awaitable<void> end();
  bool begun() const { return status_ != 0; }
  // Since the request's header was read.
  std::chrono::duration<double> elapsed() const { return Clock::now() - asked_; }

  // Woken when the client has gone or the server wants to end; answers add reasons of their own.
  Signal& signal() { return signal_; }
  bool gone() const { return gone_; }
  bool interrupted() const { return interrupted_; }

  void finish();     // closes once there is nothing to answer
  void interrupt();  // the same, and what is being answered should end
  void close();

 private:
  void set_deadline(Clock::duration time);
  void clear_deadline();
  void read_ahead();
  boost::asio::awaitable<bool> read_request();
  void resolve_target();
  boost::asio::awaitable<bool> wait_for_request();
  boost::asio::awaitable<void> answer_request();
  boost::asio::awaitable<void> linger();
  boost::asio::awaitable<void> write(std::string bytes);
  std::string head(int status, const std::string& content_type, const std::vector<HttpHeader>& more) const;

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer deadline_;
  Signal signal_;
  ConnectionLimits limits_;
  const ConnectionHandler& handler_;
  boost::beast::flat_buffer buffer_;
  Request request_;
  std::vector<HttpHeader> headers_;
  Clock::time_point asked_;
  int status_ = 0;       // of the answer to this request, once begun
  bool chunked_ = true;  // false for a client that does not know pieces
  bool keep_alive_ = false;
  bool unread_ = false;  // a part of the request is still on its way
  bool reading_ = false, gone_ = false, waiting_ = false, finishing_ = false, interrupted_ = false;
};

}  // namespace hearth::serve
