// What all handlers of requests share.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <utility>

#include "tools/serve/access.h"
#include "tools/serve/connection.h"
#include "tools/serve/metrics.h"
#include "tools/serve/models.h"
#include "tools/serve/remote.h"
#include "tools/serve/responses/response_store.h"
#include "tools/serve/routing.h"
#include "tools/serve/shadow.h"
#include "tools/serve/workers.h"

namespace hearth::serve {

inline constexpr size_t kMostForwarded = 32;  // requests at once that wait for remote providers

struct ServiceOptions {
  AccessRules access;
  std::vector<Remote> remotes;
  std::chrono::milliseconds silence{10'000};  // after which a client that waits for a stream is told so
  std::function<void(const std::string&)> log;
  bool log_requests = false;
  uint64_t body_bytes = 32 << 20;  // of one request, unpacked
  RoutingOptions routing = {};
  std::filesystem::path slot_folder = {};  // where clients save and restore caches; empty: they may not
};

struct Service {
  Service(boost::asio::io_context& context, std::vector<ModelSource> sources, ModelsOptions models_options,
          ServiceOptions service_options)
      : io(context),
        options(std::move(service_options)),
        models(context, std::move(sources), std::move(models_options)),
        routing(options.routing, options.remotes, models, metrics, options.log),
        shadows(*this, options.routing) {}

  ~Service() { shadows.end(); }

  boost::asio::io_context& io;
  ServiceOptions options;
  Metrics metrics;
  Models models;
  Routing routing;
  Shadows shadows;
  Workers workers{2};
  Workers file_workers{1};  // for large files, which take seconds
  Workers remote_workers{options.remotes.empty() ? 1 : kMostForwarded};
  size_t forwarding = 0;  // requests that use them
  std::atomic_flag billing_header_noted;
  ResponseStores responses;
  const int64_t started = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
};

// Null where no remote provider has the model.
const Remote* find_remote(const Service& service, const std::string& model);

// Since 1970.
int64_t now_in_milliseconds();

// "chatcmpl-" and 24 random characters.
std::string random_id(const std::string& prefix);

// Waits until the claimed model is loaded; on_silence, where there is one, is called now and then meanwhile. Throws
// ApiError where the client has gone.
boost::asio::awaitable<void> wait_for_model(Connection& connection, Service& service, Models::Claim& claim,
                                            std::function<boost::asio::awaitable<void>()> on_silence = {});

// The error of a request that ends because its client or the server does.
ApiError ended_early();

}  // namespace hearth::serve
