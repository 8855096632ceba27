// Reads the inputs, starts them all, and answers when the last vector is there.
#include "tools/serve/embeddings.h"

#include <boost/asio/post.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <cmath>
#include <cstring>

#include "tools/serve/fields.h"
#include "tools/serve/forward.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;
constexpr size_t kMostInputs = 2048;

struct EmbeddingJob {
  std::vector<Request> inputs;
  Pooling pooling = Pooling::mean;
  bool base64 = false;
  std::optional<int64_t> dimensions;
};

bool is_token_list(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::ranges::all_of(value, [](const Json& one) { return one.is_number(); });
}

Request read_input(const Json& value, const std::string& path) {
  Request request;
  if (value.is_string()) {
    request.prompt = value.get<std::string>();
  } else if (is_token_list(value)) {
    std::vector<int32_t> ids;
    for (const Json& id : value) ids.push_back(static_cast<int32_t>(read_integer(id, path, 0, INT32_MAX)));
    request.prompt = std::move(ids);
  } else {
    throw invalid_request("'" + path + "' must be a text or an array of token ids, or an array of those", path,
                          "invalid_value");
  }
  return request;
}

EmbeddingJob read_job(Fields& fields) {
  EmbeddingJob job;
  const Json* input = fields.find("input");
  if (input == nullptr) throw invalid_request("'input' is missing", "input", "missing_required_parameter");
  if (input->is_array() && !is_token_list(*input)) {
    if (input->empty() || input->size() > kMostInputs)
      throw invalid_request("'input' must have 1 to " + std::to_string(kMostInputs) + " elements", "input",
                            "invalid_value");
    for (size_t i = 0; i < input->size(); ++i)
      job.inputs.push_back(read_input((*input)[i], "input[" + std::to_string(i) + "]"));
  } else {
    job.inputs.push_back(read_input(*input, "input"));
  }
  const auto choice = [&](const char* name, const char* usual, const char* other) {
    const std::string given = fields.text(name).value_or(usual);
    if (given != usual && given != other)
      throw invalid_request(std::string("'") + name + "' must be " + usual + " or " + other, name, "invalid_value");
    return given == other;
  };
  job.base64 = choice("encoding_format", "float", "base64");
  if (choice("pooling", "mean", "last")) job.pooling = Pooling::last;
  job.dimensions = fields.integer("dimensions", 1, 1 << 20);
  return job;
}

Json vector_json(const std::vector<float>& values, bool base64) {
  if (!base64) return values;
  namespace codec = boost::beast::detail::base64;
  static_assert(std::endian::native == std::endian::little, "clients read little-endian floats");
  std::string text(codec::encoded_size(values.size() * sizeof(float)), '\0');
  text.resize(codec::encode(text.data(), values.data(), values.size() * sizeof(float)));
  return text;
}

// What has arrived; shared with the engine's callbacks, which may outlast the request.
struct Vectors {
  std::vector<Embedding> all;
  size_t left = 0;
  std::function<void()> on_arrival;  // empty once nobody waits
};

// Starts all; their number of tokens.
uint64_t start(Engine& engine, const EmbeddingJob& job, const std::shared_ptr<Vectors>& vectors, asio::io_context& io) {
  const ModelInfo& info = engine.info();
  if (!info.has_embeddings)
    throw invalid_request("the server was started without --embeddings", "model", "embeddings_not_enabled");
  if (job.dimensions && *job.dimensions != info.embedding_width)
    throw invalid_request("'dimensions' must be " + std::to_string(info.embedding_width) + ", the model's own",
                          "dimensions", "invalid_value");
  std::vector<std::vector<int32_t>> sequences;
  uint64_t tokens = 0;
  for (const Request& input : job.inputs) {
    sequences.push_back(engine.prompt_tokens(input));
    tokens += sequences.back().size();
  }
  for (size_t i = 0; i < sequences.size(); ++i)
    engine.start_embedding(sequences[i], job.pooling, [vectors, i, &io](Embedding embedding) {
      asio::post(io, [vectors, i, embedding = std::move(embedding)]() mutable {
        vectors->all[i] = std::move(embedding);
        --vectors->left;
        if (vectors->on_arrival) vectors->on_arrival();
      });
    });
  return tokens;
}

}  // namespace

asio::awaitable<void> embeddings(Connection& connection, Service& service) {
  const Json body = co_await service.workers.run([&] { return parse_object(connection.request().body()); });
  Fields fields(body);
  const std::string model = fields.text("model").value_or(service.models.default_name());
  if (const Remote* remote = find_remote(service, model)) {
    co_await forward(connection, service, *remote, body);
    co_return;
  }
  const EmbeddingJob job = read_job(fields);
  fields.find("user");
  Signal& signal = connection.signal();
  const auto claim = service.models.claim(model, [&] { signal.notify(); });
  co_await wait_for_model(connection, service, *claim, false);
  Engine& engine = claim->engine();

  const auto vectors = std::make_shared<Vectors>();
  vectors->all.resize(job.inputs.size());
  vectors->left = job.inputs.size();
  vectors->on_arrival = [&signal] { signal.notify(); };
  const std::shared_ptr<void> closing(nullptr, [&](void*) { vectors->on_arrival = nullptr; });
  const uint64_t tokens = co_await service.workers.run([&] { return start(engine, job, vectors, service.io); });
  while (vectors->left > 0) {
    co_await signal.wait_for(service.options.silence);
    if (connection.gone() || connection.interrupted()) throw ended_early();
  }
  Json data = Json::array();
  for (size_t i = 0; i < vectors->all.size(); ++i) {
    if (vectors->all[i].error) throw from_engine(*vectors->all[i].error);
    data.push_back(
        {{"object", "embedding"}, {"index", i}, {"embedding", vector_json(vectors->all[i].values, job.base64)}});
  }
  const Json answer = {{"object", "list"},
                       {"data", std::move(data)},
                       {"model", model},
                       {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}};
  co_await connection.reply({200, to_text(answer)});
}

}  // namespace hearth::serve
