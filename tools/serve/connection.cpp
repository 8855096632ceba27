// HTTP/1.1 over a socket, under limits.
#include "tools/serve/connection.h"

#include <algorithm>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <optional>

namespace hearth::serve {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr size_t kReadAhead = 64 << 10;
constexpr size_t kLingerBytes = 4 << 20;
constexpr std::chrono::seconds kLingerTime{2};

ApiError header_error(const error_code& error) {
  if (error == http::error::header_limit)
    return {431, "invalid_request_error", "headers_too_large", "the request's headers are too large"};
  return invalid_request("the request is not valid HTTP: " + error.message());
}

ApiError body_error(const error_code& error, uint64_t limit) {
  if (error == http::error::body_limit)
    return {413, "invalid_request_error", "body_too_large",
            "the request's body is larger than " + std::to_string(limit) + " bytes"};
  return invalid_request("the request is not valid HTTP: " + error.message());
}

bool is_http(const error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

HttpReply error_reply(const ApiError& error, const Json& body) {
  HttpReply reply{error.status, to_text(body)};
  if (error.retry_after > 0) reply.headers.emplace_back("Retry-After", std::to_string(error.retry_after));
  if (error.status == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  return reply;
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, const ConnectionLimits& limits, const ConnectionHandler& handler)
    : socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      signal_(socket_.get_executor()),
      limits_(limits),
      handler_(handler) {}

std::string Connection::header(const char* name) const {
  const auto found = request_.find(name);
  return found == request_.end() ? "" : std::string(found->value());
}

std::string Connection::path() const {
  const auto target = request_.target();
  return std::string(target.substr(0, target.find('?')));
}

std::string Connection::parameter(const std::string& name) const {
  const std::string target(request_.target());
  size_t at = target.find('?');
  while (at != target.npos) {
    const size_t end = std::min(target.find('&', at + 1), target.size());
    const std::string pair = target.substr(at + 1, end - at - 1);
    at = end == target.size() ? target.npos : end;
    if (!pair.starts_with(name + "=")) continue;
    std::string value;
    for (size_t i = name.size() + 1; i < pair.size(); ++i) {
      const bool escaped = pair[i] == '%' && i + 2 < pair.size() &&
                           std::isxdigit(static_cast<unsigned char>(pair[i + 1])) &&
                           std::isxdigit(static_cast<unsigned char>(pair[i + 2]));
      value += escaped          ? static_cast<char>(std::stoi(pair.substr(i + 1, 2), nullptr, 16))
               : pair[i] == '+' ? ' '
                                : pair[i];
      if (escaped) i += 2;
    }
    return value;
  }
  return "";
}

void Connection::set_header(const std::string& name, std::string value) {
  std::erase_if(headers_, [&](const HttpHeader& header) { return header.first == name; });
  headers_.emplace_back(name, std::move(value));
}

std::string Connection::request_id() const {
  for (const auto& [name, value] : headers_)
    if (name == "X-Request-Id") return value;
  return "";
}

void Connection::set_deadline(Clock::duration time) {
  deadline_.expires_after(time);
  deadline_.async_wait([self = shared_from_this()](const error_code& error) {
    // One that was cleared or moved while its end was on the way does not count.
    if (!error && Clock::now() >= self->deadline_.expiry()) self->close();
  });
}

void Connection::clear_deadline() { deadline_.expires_at(Clock::time_point::max()); }

void Connection::close() {
  gone_ = true;
  error_code ignored;
  socket_.close(ignored);
  signal_.notify();
}

void Connection::finish() {
  finishing_ = true;
  if (waiting_) close();
}

void Connection::interrupt() {
  interrupted_ = true;
  finish();
  signal_.notify();
}

// Reads what the client sends while it waits for its answer: the next request, or nothing more, ever.
void Connection::read_ahead() {
  if (reading_ || gone_ || buffer_.size() >= kReadAhead) return;
  reading_ = true;
  socket_.async_read_some(buffer_.prepare(4096), [self = shared_from_this()](const error_code& error, size_t bytes) {
    self->reading_ = false;
    self->buffer_.commit(bytes);
    if (error == asio::error::operation_aborted) {  // by close(), or to make way for another read
      self->signal_.notify();
    } else if (error) {
      self->gone_ = true;
      self->signal_.notify();
    } else if (self->waiting_) {
      self->signal_.notify();
    } else {
      self->read_ahead();
    }
  });
}

asio::awaitable<bool> Connection::wait_for_request() {
  waiting_ = true;
  if (finishing_) close();
  const auto until = Clock::now() + limits_.idle_time;
  while (!gone_ && buffer_.size() == 0 && Clock::now() < until) {
    read_ahead();
    co_await signal_.wait_for(until - Clock::now());
  }
  waiting_ = false;
  co_return buffer_.size() > 0;
}

// A target as proxies get it, "http://host/path", is "/path" at that host, whatever the Host header says.
void Connection::resolve_target() {
  const std::string scheme = "http://";
  const std::string target(request_.target());
  if (!boost::beast::iequals(target.substr(0, scheme.size()), scheme)) return;
  const size_t behind = std::min(target.find_first_of("/?", scheme.size()), target.size());
  request_.set(http::field::host, target.substr(scheme.size(), behind - scheme.size()));
  const std::string path = target.substr(behind);
  request_.target(path.starts_with('/') ? path : "/" + path);
}

// False where the connection has ended; throws ApiError where the request is refused.
asio::awaitable<bool> Connection::read_request() {
  request_ = {};
  headers_ = handler_.headers;
  status_ = 0;
  if (!co_await wait_for_request()) co_return false;
  // A read that is still under way would take bytes from those below.
  error_code error;
  if (reading_) socket_.cancel(error);
  while (reading_ && !gone_) co_await signal_.wait_for(limits_.header_time);
  if (gone_) co_return false;

  http::request_parser<http::string_body> parser;
  parser.header_limit(limits_.header_bytes);
  parser.body_limit(UINT64_MAX);  // a body that is too large is refused after the check
  unread_ = true;
  keep_alive_ = false;
  set_deadline(limits_.header_time);
  co_await http::async_read_header(socket_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
  if (error && !is_http(error)) co_return false;
  chunked_ = parser.get().version() >= 11;
  if (error) throw header_error(error);
  request_.base() = parser.get().base();
  // One of two may be what somebody in front of us has checked, and the other what we would.
  if (request_.count(http::field::host) > 1) throw header_error(http::error::bad_field);
  resolve_target();
  asked_ = Clock::now();
  const auto count = std::distance(request_.begin(), request_.end());
  if (count > static_cast<std::ptrdiff_t>(limits_.headers)) throw header_error(http::error::header_limit);
  unread_ = !parser.is_done();
  keep_alive_ = !unread_ && parser.keep_alive();
  handler_.check(*this);

  parser.body_limit(limits_.body_bytes);
  if (parser.content_length().value_or(0) > limits_.body_bytes)
    throw body_error(http::error::body_limit, limits_.body_bytes);
  if (boost::beast::iequals(request_[http::field::expect], "100-continue") && !parser.is_done())
    co_await write("HTTP/1.1 100 Continue\r\n\r\n");
  while (!parser.is_done()) {
    set_deadline(limits_.body_silence);
    co_await http::async_read_some(socket_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error && !is_http(error)) co_return false;
    if (error) throw body_error(error, limits_.body_bytes);
  }
  clear_deadline();
  unread_ = false;
  request_ = parser.release();
  resolve_target();
  keep_alive_ = request_.keep_alive();
  co_return true;
}

asio::awaitable<void> Connection::answer_request() {
  std::optional<ApiError> failed;
  try {
    if (!co_await read_request()) {
      close();
      co_return;
    }
    read_ahead();
    co_await handler_.answer(*this);
  } catch (const boost::system::system_error&) {
    close();
  } catch (...) {
    failed = from_current_exception();
  }
  if (failed && !gone_) {
    if (begun())
      close();  // half an answer must not look like a whole one
    else
      co_await reply(error_reply(*failed, handler_.word ? handler_.word(*this, *failed) : error_json(*failed)));
  }
  if (begun()) handler_.done(*this);
}

asio::awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  try {
    do {
      co_await answer_request();
    } while (!gone_ && keep_alive_ && !finishing_);
    if (!gone_) co_await linger();
  } catch (const boost::system::system_error&) {  // the client has gone while it was answered
  }
  clear_deadline();
  close();
}

// Lets the client read the answer before the end of the connection: closing with bytes unread would take it back.
asio::awaitable<void> Connection::linger() {
  error_code error;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  if (!unread_) co_return;
  set_deadline(kLingerTime);
  std::string discarded(16 << 10, '\0');
  for (size_t taken = 0; !error && taken < kLingerBytes;)
    taken +=
        co_await socket_.async_read_some(asio::buffer(discarded), asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<void> Connection::write(std::string bytes) {
  set_deadline(limits_.write_time);
  co_await asio::async_write(socket_, asio::buffer(bytes), asio::use_awaitable);
  clear_deadline();
}

std::string Connection::head(int status, const std::string& content_type, const std::vector<HttpHeader>& more) const {
  const auto reason = http::obsolete_reason(static_cast<http::status>(status));
  std::string text = "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason) + "\r\n";
  const auto add = [&](const std::string& name, const std::string& value) { text += name + ": " + value + "\r\n"; };
  if (!content_type.empty()) add("Content-Type", content_type);
  for (const auto& [name, value] : headers_) add(name, value);
  for (const auto& [name, value] : more) add(name, value);
  add("Connection", keep_alive_ && !finishing_ ? "keep-alive" : "close");
  return text;
}

asio::awaitable<void> Connection::reply(HttpReply reply) {
  status_ = reply.status;
  std::string text = head(reply.status, reply.body.empty() ? "" : reply.content_type, reply.headers);
  if (reply.status != 204) text += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
  text += "\r\n";
  if (request_.method() != http::verb::head) text += reply.body;
  co_await write(std::move(text));
}

asio::awaitable<void> Connection::begin(int status, std::string content_type) {
  status_ = status;
  if (!chunked_) keep_alive_ = false;
  std::vector<HttpHeader> more = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  if (chunked_) more.emplace_back("Transfer-Encoding", "chunked");
  co_await write(head(status, content_type, more) + "\r\n");
}

asio::awaitable<void> Connection::send(std::string piece) {
  if (!begun()) co_await begin();
  if (piece.empty()) co_return;
  if (chunked_) {
    char size[20];
    std::snprintf(size, sizeof(size), "%zx\r\n", piece.size());
    piece = size + piece + "\r\n";
  }
  co_await write(std::move(piece));
}

asio::awaitable<void> Connection::end() {
  if (!begun()) co_await begin();
  if (chunked_) co_await write("0\r\n\r\n");
}

}  // namespace hearth::serve
