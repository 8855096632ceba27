// Texts as vectors: POST /v1/embeddings, and what other protocols have of the kind.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/serve/connection.h"
#include "tools/serve/service.h"

namespace hearth::serve {

inline constexpr size_t kMostEmbeddings = 2048;  // of one request

struct EmbeddingAsk {
  std::string model;
  std::vector<Request> inputs;
  Pooling pooling = Pooling::stated;
  std::optional<int64_t> dimensions;  // must be the model's own
};

struct EmbeddingAnswer {
  std::vector<std::vector<float>> vectors;  // one for each input
  uint64_t tokens = 0;
};

// Waits for the model and for all vectors. Throws ApiError.
boost::asio::awaitable<EmbeddingAnswer> embed(Connection& connection, Service& service, EmbeddingAsk ask);

boost::asio::awaitable<void> embeddings(Connection& connection, Service& service);

}  // namespace hearth::serve
