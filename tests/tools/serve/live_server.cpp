// Starting and asking it.
#include "tests/tools/serve/live_server.h"

#include "tests/tools/serve/scripted_model.h"

namespace hearth::serve {

LiveServer::LiveServer(const std::function<void(ServerOptions&)>& change) {
  const auto path = folder_.path() / "scripted.gguf";
  write_scripted_model(path);
  ServerOptions options;
  options.port = 0;
  options.models = {{"scripted", path, {}}, {"other", path, {}}};
  options.engine.context = 65536;
  options.engine.parallel = 4;
  options.engine.threads = 2;
  options.log = [this](const std::string& line) {
    const std::lock_guard lock(mutex_);
    log_ += line + "\n";
  };
  if (change) change(options);
  if (!options.remotes.empty()) options.routing.audit_path = audit_log();
  server_ = std::make_unique<Server>(std::move(options));
  thread_ = std::thread([this] { server_->run(); });
}

LiveServer::~LiveServer() {
  if (!thread_.joinable()) return;
  server_->stop();
  server_->stop();
  thread_.join();
}

void LiveServer::join() { thread_.join(); }

std::string LiveServer::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

double LiveServer::metric(const std::string& name) const {
  const std::string text = get(port(), "/metrics").body;
  const size_t at = text.find("\n" + name + " ");
  return at == text.npos ? -1 : std::stod(text.substr(at + name.size() + 2));
}

bool LiveServer::becomes(const std::string& name, double value) const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    if (metric(name) == value) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace hearth::serve
