// The server: listens, and stops when told to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hearth/hearth.h"
#include "tools/serve/access.h"
#include "tools/serve/model_facts.h"
#include "tools/serve/remote.h"
#include "tools/serve/routing.h"

namespace hearth::serve {

struct ServerOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 11435;  // 0: a free one
  // Another port, where clients of Ollama expect one; it answers all the same. Nothing: none is opened.
  std::optional<uint16_t> ollama_port;
  AccessRules access;
  EngineOptions engine;
  std::vector<ModelSource> models;         // at least one; the first answers requests that name none
  std::vector<Remote> remotes;             // their models must have other names; they need routing.audit_path
  RoutingOptions routing;                  // policy, limits and audit log
  uint64_t memory = 0;                     // bytes of all loaded models together; 0: no limit
  uint32_t keep_alive_seconds = 0;         // a model that is idle for so long is unloaded; 0: never
  uint32_t grace_seconds = 20;             // that requests have to end when the server is told to stop
  uint32_t connections = 4096;             // open at once
  uint64_t body_bytes = 32 << 20;          // of one request
  uint32_t header_milliseconds = 10'000;   // a request's header must be complete in
  uint32_t body_milliseconds = 30'000;     // most silence within a body
  uint32_t write_milliseconds = 30'000;    // a client must take what is sent at once in
  uint32_t silence_milliseconds = 10'000;  // after which a stream gets a comment
  std::filesystem::path slot_folder;       // where clients save and restore caches; empty: they may not
  std::filesystem::path cache_folder;      // where models keep their caches while they are not loaded; empty: nowhere
  bool log_requests = false;               // a line for each
  bool log_cache = false;                  // a line for each prompt that leaves the cached one, with words of both
  // Lines for a log, never bodies. From any thread.
  std::function<void(const std::string&)> log = [](const std::string&) {};
};

class Server {
 public:
  // Reads what there is to know of the models, loads the first and listens. Throws Error where a model cannot be run
  // or the address cannot be had; invalid_argument for an address that others can reach without a key.
  explicit Server(ServerOptions options);
  ~Server();

  uint16_t port() const;
  uint16_t ollama_port() const;  // 0 where there is none
  std::string address() const;   // "http://127.0.0.1:11435"
  std::string ollama_address() const;

  // Answers until stop(); then until all requests have ended or the grace time has. Once.
  void run();
  // From any thread. A second call grants no grace.
  void stop();
  // Makes SIGINT and SIGTERM call stop().
  void stop_on_signals();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::serve
