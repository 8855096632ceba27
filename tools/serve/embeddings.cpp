// Reads the inputs, starts them all, and answers when the last vector is there.
#include "tools/serve/embeddings.h"

#include <boost/asio/post.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <cmath>
#include <cstring>

#include "tools/serve/body.h"
#include "tools/serve/fields.h"
#include "tools/serve/leave.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

struct EmbeddingJob {
  EmbeddingAsk ask;
  bool base64 = false;
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

EmbeddingJob read_embedding_job(Fields& fields) {
  EmbeddingJob job;
  const Json* input = fields.find("input");
  if (input == nullptr) throw invalid_request("'input' is missing", "input", "missing_required_parameter");
  if (input->is_array() && !is_token_list(*input)) {
    if (input->empty() || input->size() > kMostEmbeddings)
      throw invalid_request("'input' must have 1 to " + std::to_string(kMostEmbeddings) + " elements", "input",
                            "invalid_value");
    for (size_t i = 0; i < input->size(); ++i)
      job.ask.inputs.push_back(read_input((*input)[i], "input[" + std::to_string(i) + "]"));
  } else {
    job.ask.inputs.push_back(read_input(*input, "input"));
  }
  const auto choice = [&](const char* name, const char* usual, const char* other) {
    const std::string given = fields.text(name).value_or(usual);
    if (given != usual && given != other)
      throw invalid_request(std::string("'") + name + "' must be " + usual + " or " + other, name, "invalid_value");
    return given == other;
  };
  job.base64 = choice("encoding_format", "float", "base64");
  if (const auto pooling = fields.text("pooling")) {
    if (*pooling != "mean" && *pooling != "cls" && *pooling != "last")
      throw invalid_request("'pooling' must be mean, cls or last", "pooling", "invalid_value");
    job.ask.pooling = *pooling == "mean" ? Pooling::mean : *pooling == "cls" ? Pooling::first : Pooling::last;
  }
  job.ask.dimensions = fields.integer("dimensions", 1, 1 << 20);
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
uint64_t start_all(Models::Claim& claim, const EmbeddingAsk& ask, const std::shared_ptr<Vectors>& vectors,
                   asio::io_context& io) {
  Engine& engine = claim.engine();
  std::optional<std::vector<AdapterUse>> adapters;
  if (claim.adapter()) adapters = {*claim.adapter()};
  const ModelInfo& info = engine.info();
  if (!info.has_embeddings)
    throw invalid_request("the server was started without --embeddings", "model", "embeddings_not_enabled");
  if (ask.dimensions && *ask.dimensions != info.embedding_width)
    throw invalid_request("'dimensions' must be " + std::to_string(info.embedding_width) + ", the model's own",
                          "dimensions", "invalid_value");
  std::vector<std::vector<int32_t>> sequences;
  uint64_t tokens = 0;
  for (const Request& input : ask.inputs) {
    sequences.push_back(engine.embedding_tokens(input));
    tokens += sequences.back().size();
  }
  for (size_t i = 0; i < sequences.size(); ++i)
    engine.start_embedding(
        sequences[i], ask.pooling,
        [vectors, i, &io](Embedding embedding) {
          asio::post(io, [vectors, i, embedding = std::move(embedding)]() mutable {
            vectors->all[i] = std::move(embedding);
            --vectors->left;
            if (vectors->on_arrival) vectors->on_arrival();
          });
        },
        adapters);
  return tokens;
}

}  // namespace

asio::awaitable<EmbeddingAnswer> embed(Connection& connection, Service& service, EmbeddingAsk ask) {
  Signal& signal = connection.signal();
  const auto claim = service.models.claim(ask.model, [&] { signal.notify(); });
  co_await wait_for_model(connection, service, *claim);

  const auto vectors = std::make_shared<Vectors>();
  vectors->all.resize(ask.inputs.size());
  vectors->left = ask.inputs.size();
  vectors->on_arrival = [&signal] { signal.notify(); };
  const std::shared_ptr<void> closing(nullptr, [&](void*) { vectors->on_arrival = nullptr; });
  EmbeddingAnswer answer;
  answer.tokens = co_await service.workers.run([&] { return start_all(*claim, ask, vectors, service.io); });
  while (vectors->left > 0) {
    co_await signal.wait_for(service.options.silence);
    if (connection.gone() || connection.interrupted()) throw ended_early();
  }
  for (Embedding& one : vectors->all) {
    if (one.error) throw from_engine(*one.error);
    answer.vectors.push_back(std::move(one.values));
  }
  co_return answer;
}

asio::awaitable<void> embeddings(Connection& connection, Service& service) {
  uint64_t bytes = 0;
  Json body = co_await read_body(connection, service, &bytes);
  // Vectors of two models cannot be compared: a remote's are had by its model's name alone.
  Plan plan = service.routing.begin(connection, body, bytes, false);
  if (plan.wish.is_for == route::Wish::For::cloud) {
    if (plan.remote->api != RemoteApi::openai) refuse_remote();
    const Leaving leaving{body, "/embeddings"};
    if (co_await allowed_to_leave(connection, service, plan, leaving))
      co_await answered_elsewhere(connection, service, plan, leaving);
    co_return;
  }
  service.routing.note_staying(connection, plan, plan.wish.rule);
  Fields fields(body);
  const std::string model = fields.text("model").value_or(service.models.default_name());
  EmbeddingJob job = read_embedding_job(fields);
  job.ask.model = model;
  const EmbeddingAnswer answer = co_await embed(connection, service, std::move(job.ask));
  Json data = Json::array();
  for (size_t i = 0; i < answer.vectors.size(); ++i)
    data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", vector_json(answer.vectors[i], job.base64)}});
  const Json reply = {{"object", "list"},
                      {"data", std::move(data)},
                      {"model", model},
                      {"usage", {{"prompt_tokens", answer.tokens}, {"total_tokens", answer.tokens}}}};
  co_await connection.reply({200, to_text(reply)});
  audit::Outcome outcome = local_failure(connection, "answered", 200);
  outcome.prompt_tokens = answer.tokens;
  service.routing.note_local(plan, std::move(outcome));
}

}  // namespace hearth::serve
