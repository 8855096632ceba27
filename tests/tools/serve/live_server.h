// A server with the scripted model in this process, on a free port.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "tests/formats/gguf_bytes.h"
#include "tests/tools/serve/http_client.h"
#include "tools/serve/server.h"

namespace hearth::serve {

class LiveServer {
 public:
  // `change` sets options of a server that has the models "scripted" and "other", both the scripted model.
  explicit LiveServer(const std::function<void(ServerOptions&)>& change = {});
  ~LiveServer();

  uint16_t port() const { return server_->port(); }
  uint16_t ollama_port() const { return server_->ollama_port(); }
  void stop() { server_->stop(); }
  // Waits until run() has returned.
  void join();
  // The audit log, which there is where remotes are.
  std::filesystem::path audit_log() const { return folder_.path() / "hearth.db"; }
  // All lines of the log so far.
  std::string log() const;
  // The value of a metric, with its labels: "hearth_requests_running{model=\"scripted\"}"; -1 where absent.
  double metric(const std::string& name) const;
  // Waits up to ten seconds until the metric has the value.
  bool becomes(const std::string& name, double value) const;

 private:
  TemporaryFolder folder_;
  mutable std::mutex mutex_;
  std::string log_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

}  // namespace hearth::serve
