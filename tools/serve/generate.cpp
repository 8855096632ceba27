// From a body to an answer: read, wait for the model, start, tell.
#include "tools/serve/generate.h"

#include "tools/serve/answers.h"
#include "tools/serve/fields.h"
#include "tools/serve/forward.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

// Field names come from the client: only harmless ones go into a header, and not too many.
std::string header_list(const std::vector<std::string>& names) {
  constexpr size_t kMost = 1024;
  std::string list;
  for (const std::string& name : names) {
    const bool harmless = std::ranges::all_of(name, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '[' || c == ']';
    });
    if (!harmless || list.size() + name.size() > kMost) continue;
    list += (list.empty() ? "" : ", ") + name;
  }
  return list;
}

void echo_prompts(Engine& engine, Job& job) {
  for (uint32_t choice = 0; choice < job.requests.size(); ++choice) {
    const Request& request = job.requests[choice];
    const std::vector<int32_t> ids = engine.prompt_tokens(request);
    const auto* text = std::get_if<std::string>(&request.prompt);
    EchoedPrompt echoed{text != nullptr ? *text : engine.detokenize(ids, true), std::nullopt};
    const bool has_bos = text != nullptr && ids.size() > engine.tokenize(*text).size();
    if (!ids.empty() && !has_bos)
      echoed.first = TokenLogprob{ids.front(), engine.detokenize(std::span(ids).first(1), true), 0, {}};
    job.reply->on_prompt(choice, std::move(echoed));
  }
}

// Tells the events of all choices until the last one has ended.
class Telling {
 public:
  Telling(Connection& connection, Service& service, Job& job, Answers& answers)
      : connection_(connection), service_(service), job_(job), answers_(answers), results_(job.requests.size()) {}

  asio::awaitable<void> run() {
    for (size_t left = results_.size(); left > 0;) {
      if (answers_.empty()) {
        const bool woken = co_await connection_.signal().wait_for(service_.options.silence);
        if (connection_.gone() || connection_.interrupted()) throw ended_early();
        if (!woken && job_.stream) co_await connection_.send(": working\n\n");
        continue;
      }
      std::string pieces;
      for (Answer& answer : answers_.take()) left -= take(answer, pieces) ? 1 : 0;
      if (!pieces.empty()) co_await connection_.send(std::move(pieces));
      if (connection_.gone()) throw ended_early();
    }
    if (job_.stream) {
      co_await connection_.send(job_.reply->end());
      co_await connection_.end();
    } else {
      co_await connection_.reply({200, to_text(job_.reply->whole(results_))});
    }
  }

 private:
  // True for a choice's last event.
  bool take(Answer& answer, std::string& pieces) {
    Event& event = answer.event;
    if (event.error) throw from_engine(*event.error);
    if (event.result && event.result->reason == FinishReason::cancelled) throw ended_early();
    if (job_.stream) pieces += job_.reply->piece(answer.choice, event);
    if (!event.result) return false;
    service_.metrics.count_answer(job_.model, *event.result);
    results_[answer.choice] = std::move(*event.result);
    return true;
  }

  Connection& connection_;
  Service& service_;
  Job& job_;
  Answers& answers_;
  std::vector<Result> results_;
};

asio::awaitable<void> answer_job(Connection& connection, Service& service, Job& job) {
  Signal& signal = connection.signal();
  const auto claim = service.models.claim(job.model, [&] { signal.notify(); });
  co_await wait_for_model(connection, service, *claim, job.stream);
  Engine& engine = claim->engine();

  const auto answers = std::make_shared<Answers>(
      service.io, [&] { signal.notify(); }, [&] { connection.close(); });
  const std::shared_ptr<void> closing(nullptr, [&](void*) { answers->close(); });
  co_await service.workers.run([&] {
    check_against(job, engine.info());
    if (job.echo) echo_prompts(engine, job);
    answers->start(engine, job.requests);
    return true;
  });
  co_await Telling(connection, service, job, *answers).run();
}

}  // namespace

asio::awaitable<void> generate(Connection& connection, Service& service, ReadJob read, const char* id_prefix) {
  Heading heading{random_id(id_prefix), std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()),
                  service.models.default_name()};
  const Json body = co_await service.workers.run([&] { return parse_object(connection.request().body()); });
  if (const Remote* remote = find_remote(service, Fields(body).text("model").value_or(""))) {
    co_await forward(connection, service, *remote, body);
    co_return;
  }
  Job job = co_await service.workers.run([&] { return read(body, std::move(heading)); });
  if (!service.models.knows(job.model)) throw unknown_model(job.model);
  if (const std::string ignored = header_list(job.ignored); !ignored.empty())
    connection.set_header("X-Hearth-Ignored-Fields", ignored);

  std::optional<ApiError> failed;
  try {
    co_await answer_job(connection, service, job);
  } catch (const ApiError& error) {
    failed = error;
  } catch (const Error& error) {
    failed = from_engine(error);
    if (error.code() == ErrorCode::prompt_too_long) failed->param = job.reply->prompt_field();
  } catch (const boost::system::system_error&) {
    connection.close();
    failed = ended_early();
  }
  if (!failed) co_return;
  if (connection.gone()) {
    service.metrics.count_gone(job.model);
    co_return;
  }
  if (!connection.begun()) throw *failed;
  co_await connection.send(job.reply->failure(*failed));
  co_await connection.end();
}

}  // namespace hearth::serve
