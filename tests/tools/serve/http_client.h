// The simplest HTTP client: one connection, bytes out, bytes in.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/serve/json.h"

namespace hearth::serve {

class ClientSocket {
 public:
  explicit ClientSocket(uint16_t port);
  ~ClientSocket();
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  // False where the server has closed its side.
  bool send(std::string_view bytes);
  // What arrives until `until` is in it, the server closes, or ten seconds of silence have passed; empty: all there is.
  std::string receive(std::string_view until = {});
  // Whether the server closes within `time`; what arrives before is dropped.
  bool closed_within(std::chrono::milliseconds time);

 private:
  int file_;
};

struct HttpAnswer {
  int status = 0;  // 0: there was none
  std::string head, body;
  bool complete = true;                             // false where an answer in pieces has no end
  std::string header(std::string_view name) const;  // empty where absent
  Json json() const { return Json::parse(body); }
  // The payloads of a stream's events, without comments.
  std::vector<std::string> events() const;
  // The events but the last, "[DONE]", which is expected.
  std::vector<Json> chunks() const;
};

struct HttpAsk {
  std::string method = "POST", path, body;
  std::vector<std::string> headers = {"Content-Type: application/json"};
  std::string host = "localhost";
};

// A request as it goes over the wire; the connection ends with the answer.
std::string to_wire(const HttpAsk& ask);
HttpAnswer ask(uint16_t port, const HttpAsk& ask);
HttpAnswer get(uint16_t port, const std::string& path);
HttpAnswer post(uint16_t port, const std::string& path, const std::string& body);

HttpAnswer parse_answer(const std::string& bytes);

}  // namespace hearth::serve
