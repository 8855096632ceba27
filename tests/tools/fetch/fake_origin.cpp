// A thread for each connection, over POSIX sockets.
#include "tests/tools/fetch/fake_origin.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "tools/audit/digest.h"

namespace hearth::fetch {
namespace {

bool send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace

std::string Asking::header(const std::string& name) const {
  for (size_t at = 0, end; (end = head.find("\r\n", at)) != head.npos; at = end + 2) {
    std::string line = head.substr(at, end - at);
    std::transform(line.begin(), line.begin() + static_cast<long>(std::min(name.size(), line.size())), line.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (line.starts_with(name + ":")) return line.substr(line.find_first_not_of(' ', name.size() + 1));
  }
  return "";
}

FakeOrigin::FakeOrigin() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("cannot listen");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

FakeOrigin::~FakeOrigin() {
  ending_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int connection : open_) shutdown(connection, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  for (const int connection : open_) close(connection);
  close(listener_);
}

void FakeOrigin::accept_all() {
  for (int connection; (connection = accept(listener_, nullptr, nullptr)) >= 0;) {
    ++connections_;
    const std::lock_guard lock(mutex_);
    open_.push_back(connection);
    threads_.emplace_back([this, connection] { serve(connection); });
  }
}

void FakeOrigin::serve(int connection) {
  std::string received;
  char block[4096];
  while (!ending_) {
    const size_t end = received.find("\r\n\r\n");
    if (end == received.npos) {
      const ssize_t count = recv(connection, block, sizeof block, 0);
      if (count <= 0) return;
      received.append(block, static_cast<size_t>(count));
      continue;
    }
    Asking asking;
    asking.head = received.substr(0, end + 2);
    received.erase(0, end + 4);
    const size_t space = asking.head.find(' ');
    asking.target = asking.head.substr(space + 1, asking.head.find(' ', space + 1) - space - 1);
    // As a proxy is asked.
    if (asking.target.starts_with("http://")) asking.target = asking.target.substr(asking.target.find('/', 7));
    const Answering answer_to = answer(std::move(asking));
    std::string head = "HTTP/1.1 " + std::to_string(answer_to.status) +
                       " Said\r\nContent-Length: " + std::to_string(answer_to.body.size()) + "\r\n";
    for (const std::string& line : answer_to.headers) head += line + "\r\n";
    const std::string_view body = std::string_view(answer_to.body).substr(0, answer_to.send);
    const bool sent = send_all(connection, head + "\r\n") && send_all(connection, body);
    if (answer_to.stalls) continue;  // until the client goes away
    if (!sent || body.size() < answer_to.body.size()) {
      shutdown(connection, SHUT_RDWR);
      return;
    }
  }
}

Answering FakeOrigin::answer(Asking asking) {
  const std::string path = asking.target.substr(0, asking.target.find('?'));
  Handler handler;
  {
    const std::lock_guard lock(mutex_);
    asking.number = asked_[path].size();
    asked_[path].push_back(asking);
    if (const auto found = handlers_.find(path); found != handlers_.end()) handler = found->second;
  }
  return handler ? handler(asking) : Answering{404, {}, "no such thing"};
}

void FakeOrigin::on(const std::string& path, Handler handler) {
  const std::lock_guard lock(mutex_);
  handlers_[path] = std::move(handler);
}

void FakeOrigin::on(const std::string& path, std::string body) {
  on(path, [body = std::move(body)](const Asking& asking) { return in_ranges(asking, body); });
}

std::vector<Asking> FakeOrigin::asked(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = asked_.find(path);
  return found == asked_.end() ? std::vector<Asking>() : found->second;
}

Answering in_ranges(const Asking& asking, const std::string& body) {
  const std::string range = asking.header("range");
  if (!range.starts_with("bytes=")) return {200, {"ETag: \"v1\""}, body};
  const size_t begin = std::stoul(range.substr(6)), last = std::stoul(range.substr(range.find('-') + 1));
  if (begin >= body.size()) return {416, {}, ""};
  const size_t end = std::min(last + 1, body.size());
  return {206,
          {"ETag: \"v1\"", "Content-Range: bytes " + std::to_string(begin) + "-" + std::to_string(end - 1) + "/" +
                               std::to_string(body.size())},
          body.substr(begin, end - begin)};
}

std::string listing_entry(const std::string& path, const std::string& body) {
  const std::string size = std::to_string(body.size());
  return R"({"type":"file","oid":"0123456789abcdef0123456789abcdef01234567","size":)" + size + R"(,"path":")" + path +
         R"(","lfs":{"oid":")" + audit::sha256(body) + R"(","size":)" + size + R"(,"pointerSize":135}})";
}

std::string manifest_layer(const std::string& kind, const std::string& body) {
  return R"({"mediaType":"application/vnd.ollama.image.)" + kind + R"(","digest":"sha256:)" + audit::sha256(body) +
         R"(","size":)" + std::to_string(body.size()) + "}";
}

std::string manifest_of(const std::vector<std::string>& layers) {
  std::string list;
  for (const std::string& layer : layers) list += (list.empty() ? "" : ",") + layer;
  return R"({"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":)" +
         manifest_layer("config", "{}") + R"(,"layers":[)" + list + "]}";
}

}  // namespace hearth::fetch
