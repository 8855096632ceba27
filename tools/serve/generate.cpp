// From a body to an answer: read, wait for the model, start, tell.
#include "tools/serve/generate.h"

#include <atomic>

#include "tools/serve/answers.h"
#include "tools/serve/body.h"
#include "tools/serve/constraint_fields.h"
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

// One line of warnings. They are our own words, but for types of tools: those of clients are kept harmless.
std::string warning_line(const std::vector<std::string>& warnings) {
  constexpr size_t kMost = 1024;
  std::string line;
  for (const std::string& warning : warnings) line += (line.empty() ? "" : "; ") + warning;
  for (char& c : line)
    if (c < ' ' || c > '~') c = '?';
  return line.substr(0, kMost);
}

void warn(Connection& connection, const Job& job) {
  if (!job.warnings.empty()) connection.set_header("X-Hearth-Warning", warning_line(job.warnings));
}

// Sends a part of a stream, if there is any.
asio::awaitable<void> tell(Connection& connection, const Reply& reply, std::string text) {
  if (text.empty()) co_return;
  if (!connection.begun()) co_await connection.begin(200, reply.content_type());
  co_await connection.send(std::move(text));
}

// Tells a client that waits for a stream that it is not forgotten.
asio::awaitable<void> break_silence(Connection& connection, Reply& reply) {
  return tell(connection, reply, reply.silence());
}

// Ends answers that take too long.
class TimeLimit {
 public:
  explicit TimeLimit(Job& job) : most_(job.most_time) {
    if (most_.count() <= 0) return;
    for (Request& request : job.requests) request.cancelled = [over = over_] { return over->load(); };
  }

  // Before an event is told. An answer that ended for the time is one that was cut.
  void note(Event& event) {
    if (most_.count() <= 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (!begun_ && !event.text.empty()) begun_ = now;
    has_line_ |= event.text.find('\n') != event.text.npos;
    if (event.result && event.result->reason == FinishReason::cancelled && over_->load())
      event.result->reason = FinishReason::max_tokens;
    if (begun_ && has_line_ && now - *begun_ > most_) over_->store(true);
  }

 private:
  std::chrono::milliseconds most_;
  std::optional<std::chrono::steady_clock::time_point> begun_;
  bool has_line_ = false;
  std::shared_ptr<std::atomic<bool>> over_ = std::make_shared<std::atomic<bool>>(false);  // read by the engine
};

// Tells the events of all choices until the last one has ended.
class Telling {
 public:
  Telling(Connection& connection, Service& service, Job& job, Answers& answers, TimeLimit& limit)
      : connection_(connection),
        service_(service),
        job_(job),
        answers_(answers),
        limit_(limit),
        results_(job.requests.size()) {}

  asio::awaitable<void> run(uint64_t prompt_tokens) {
    if (job_.stream) co_await tell(connection_, *job_.reply, job_.reply->begin(prompt_tokens));
    for (size_t left = results_.size(); left > 0;) {
      if (answers_.empty()) {
        const bool woken = co_await connection_.signal().wait_for(service_.options.silence);
        if (connection_.gone() || connection_.interrupted()) throw ended_early();
        if (!woken && job_.stream) co_await break_silence(connection_, *job_.reply);
        continue;
      }
      std::string pieces;
      for (Answer& answer : answers_.take()) left -= take(answer, pieces) ? 1 : 0;
      co_await tell(connection_, *job_.reply, std::move(pieces));
      if (connection_.gone()) throw ended_early();
    }
    if (job_.stream) {
      co_await tell(connection_, *job_.reply, job_.reply->end());
      co_await connection_.end();
    } else {
      if (std::ranges::any_of(results_, [](const Result& result) { return result.malformed_call; }))
        job_.warnings.emplace_back(kMalformedCall);
      warn(connection_, job_);
      co_await connection_.reply({200, to_text(job_.reply->whole(results_))});
    }
  }

 private:
  // True for a choice's last event.
  bool take(Answer& answer, std::string& pieces) {
    Event& event = answer.event;
    if (event.error) throw from_engine(*event.error);
    limit_.note(event);
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
  TimeLimit& limit_;
  std::vector<Result> results_;
};

// A context is planned when a model is loaded: a request gets no more than that.
void warn_of_context(const Engine& engine, Job& job) {
  const uint32_t wanted = job.requests.empty() ? 0 : job.requests.front().context, most = engine.info().context;
  if (wanted > most)
    job.warnings.push_back("num_ctx is " + std::to_string(wanted) + ", but the server's context has " +
                           std::to_string(most) + " tokens");
}

ApiError too_long(const ApiError& error, Engine& engine, const Job& job) {
  ApiError worded = error;
  worded.param = job.reply->prompt_field();
  for (const Request& request : job.requests) {
    const uint32_t most = engine.info().context;
    worded.context = request.context == 0 ? most : std::min(request.context, most);
    worded.prompt_tokens = engine.prompt_tokens(request).size();
    if (worded.prompt_tokens >= worded.context) break;
  }
  return worded;
}

// Starts all choices; the tokens of their prompts, where the reply wants to know.
uint64_t start(Engine& engine, Job& job, Answers& answers) {
  if (job.prepare) job.prepare(engine, job);
  check_against(job, engine.info());
  warn_of_context(engine, job);
  if (job.echo) echo_prompts(engine, job);
  try {
    answers.start(engine, job.requests);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::prompt_too_long) throw too_long(from_engine(error), engine, job);
    if (error.code() == ErrorCode::invalid_argument && !can_be_followed(job.requests.front().constraint))
      throw invalid_request("'" + job.constraint_field + "': " + error.what(), job.constraint_field, "invalid_value");
    throw;
  }
  return job.count_prompt && job.stream ? engine.prompt_tokens(job.requests.front()).size() : 0;
}

asio::awaitable<void> answer_job(Connection& connection, Service& service, Job& job) {
  Signal& signal = connection.signal();
  const auto claim = service.models.claim(job.model, [&] { signal.notify(); });
  std::function<asio::awaitable<void>()> on_silence;
  if (job.stream) on_silence = [&] { return break_silence(connection, *job.reply); };
  co_await wait_for_model(connection, service, *claim, std::move(on_silence));
  Engine& engine = claim->engine();
  if (job.keep_alive) service.models.keep(job.model, *job.keep_alive);

  const auto answers = std::make_shared<Answers>(
      service.io, [&] { signal.notify(); }, [&] { connection.close(); });
  const std::shared_ptr<void> closing(nullptr, [&](void*) { answers->close(); });
  TimeLimit limit(job);
  const uint64_t prompt_tokens = co_await service.workers.run([&] { return start(engine, job, *answers); });
  warn(connection, job);
  co_await Telling(connection, service, job, *answers, limit).run(prompt_tokens);
}

// A body of which nobody has made anything yet; its model must be one of ours.
asio::awaitable<Job> read_job(Connection& connection, Service& service, const Json& body, const ReadJob& read,
                              Heading heading) {
  Job job = co_await service.workers.run([&] { return read(body, std::move(heading)); });
  const std::string* const name = service.models.find_name(job.model);
  if (name == nullptr) throw unknown_model(job.model);
  job.model = *name;
  if (const std::string ignored = header_list(job.ignored); !ignored.empty())
    connection.set_header("X-Hearth-Ignored-Fields", ignored);
  warn(connection, job);
  co_return job;
}

const Remote* remote_of(const Service& service, const Json& body) {
  return find_remote(service, Fields(body).text("model").value_or(""));
}

void refuse_remote(const Remote* remote) {
  if (remote != nullptr)
    throw invalid_request(
        "the model is a remote provider's: it answers /v1/chat/completions, /v1/completions and "
        "/v1/embeddings alone",
        "model", "unsupported");
}

}  // namespace

asio::awaitable<void> generate(Connection& connection, Service& service, ReadJob read, const char* id_prefix,
                               Remotes remotes) {
  Heading heading{random_id(id_prefix), std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()),
                  service.models.default_name()};
  const Json body = co_await read_body(connection, service);
  const Remote* remote = remote_of(service, body);
  if (remote != nullptr && remotes == Remotes::forwarded) {
    co_await forward(connection, service, *remote, body);
    co_return;
  }
  refuse_remote(remote);
  Job job = co_await read_job(connection, service, body, read, std::move(heading));

  std::optional<ApiError> failed;
  try {
    co_await answer_job(connection, service, job);
  } catch (const boost::system::system_error&) {
    connection.close();
    failed = ended_early();
  } catch (...) {
    failed = from_current_exception();
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

asio::awaitable<uint64_t> count_prompt(Connection& connection, Service& service, ReadJob read) {
  const Json body = co_await read_body(connection, service);
  refuse_remote(remote_of(service, body));
  Job job = co_await read_job(connection, service, body, read, {"", 0, service.models.default_name()});
  const auto claim = service.models.claim(job.model, [&] { connection.signal().notify(); });
  co_await wait_for_model(connection, service, *claim);
  Engine& engine = claim->engine();
  co_return co_await service.workers.run([&] {
    if (job.prepare) job.prepare(engine, job);
    check_against(job, engine.info());
    return uint64_t{engine.prompt_tokens(job.requests.front()).size()};
  });
}

}  // namespace hearth::serve
