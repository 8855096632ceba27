// From a body to an answer: read, wait for the model, start, tell.
#include "tools/serve/generate.h"

#include <algorithm>

#include "tools/serve/answers.h"
#include "tools/serve/body.h"
#include "tools/serve/constraint_fields.h"
#include "tools/serve/hop_request.h"
#include "tools/serve/leave.h"
#include "tools/serve/telling.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

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

// A context is planned when a model is loaded: a request gets no more than that.
void warn_of_context(const Engine& engine, Job& job) {
  const uint32_t wanted = job.requests.empty() ? 0 : job.requests.front().context, most = engine.info().context;
  if (wanted > most)
    job.warnings.push_back("num_ctx is " + std::to_string(wanted) + ", but the server's context has " +
                           std::to_string(most) + " tokens");
}

// Nor more tokens than the server allows.
void warn_of_tokens(const Engine& engine, Job& job) {
  const uint32_t wanted = job.requests.empty() ? 0 : job.requests.front().max_tokens, most = engine.info().most_tokens;
  if (most != 0 && wanted != Request{}.max_tokens && wanted > most)
    job.warnings.push_back("max_tokens is " + std::to_string(wanted) + ", but the server allows " +
                           std::to_string(most));
}

// A template that knows no tools does not show them to the model.
void warn_of_tools(const Engine& engine, Job& job) {
  const auto* conversation = job.requests.empty() ? nullptr : std::get_if<Conversation>(&job.requests.front().prompt);
  if (conversation == nullptr || engine.info().has_tools || job.requests.front().tool_use == ToolUse::none) return;
  if (Json::parse(conversation->json).contains("tools"))
    job.warnings.emplace_back("left out: all tools, for the model's chat template knows none");
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
uint64_t start(Models::Claim& claim, Job& job, Answers& answers) {
  Engine& engine = claim.engine();
  if (job.prepare) job.prepare(engine, job);
  use_adapter(job, claim.adapter());
  check_against(job, engine.info());
  warn_of_context(engine, job);
  warn_of_tokens(engine, job);
  warn_of_tools(engine, job);
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

// One answer under way.
struct LocalAnswer {
  Plan& plan;
  const Leaving& leaving;  // what would be sent
  Job& job;
  std::optional<Watch> watch;
  // Whether the answer may still be given elsewhere, as long as the client was told nothing.
  bool may_hand_over = false;
  std::string goes_on = {};              // the stream has begun: what is told before this answer
  bool told = false;                     // the client was told a part of it
  std::optional<std::string> text = {};  // all of it
};

// False where the answer is to be given elsewhere; then nothing has been told.
asio::awaitable<bool> answer_job(Connection& connection, Service& service, LocalAnswer& answering) {
  Job& job = answering.job;
  Signal& signal = connection.signal();
  const auto claim = service.models.claim(job.model, [&] { signal.notify(); });
  std::function<asio::awaitable<void>()> on_silence;
  if (job.stream && (!answering.may_hand_over || job.requests.size() == 1))
    on_silence = [&] { return break_silence(connection, *job.reply); };
  co_await wait_for_model(connection, service, *claim, std::move(on_silence));
  claim->engine();  // throws where it could not be loaded
  if (job.keep_alive) service.models.keep(job.model, *job.keep_alive);

  const auto answers = std::make_shared<Answers>(
      service.io, [&] { signal.notify(); }, [&] { connection.close(); });
  const std::shared_ptr<void> closing(nullptr, [&](void*) { answers->close(); });
  TimeLimit limit(job);
  const uint64_t prompt_tokens = co_await service.workers.run([&] { return start(*claim, job, *answers); });
  warn(connection, job);
  Telling telling(connection, service, job, *answers, limit, answering.watch ? &*answering.watch : nullptr);
  if (!answering.goes_on.empty()) {
    telling.go_on();
    co_await tell(connection, *job.reply, marked(*job.reply, answering.goes_on));
  }
  while (!co_await telling.run(prompt_tokens)) {
    answering.told = telling.told();
    // The model doubts. Where the request must not leave, its answer is good enough.
    if (co_await allowed_to_leave(connection, service, answering.plan, answering.leaving, answering.watch->reason()))
      co_return false;
    answering.watch->trust();
  }
  if (!telling.results().empty()) answering.text = telling.results().front().text;
  if (answering.watch) answering.plan.record.confidence = answering.watch->confidence().margin();
  service.routing.note_local(answering.plan, local_outcome(connection, telling.results()));
  co_return true;
}

// A body of which nobody has made anything yet; its model must be one of ours.
asio::awaitable<Job> read_job(Connection& connection, Service& service, const Json& body, const ReadJob& read,
                              Heading heading) {
  Job job = co_await service.workers.run([&] { return read(body, std::move(heading)); });
  const std::string* const name = service.models.find_name(job.model);
  if (name == nullptr) throw unknown_model(job.model);
  job.model = *name;
  tell_ignored(connection, job.ignored);
  warn(connection, job);
  co_return job;
}

// Answers here; false where the answer is to be given elsewhere after all.
asio::awaitable<bool> answer_here(Connection& connection, Service& service, LocalAnswer& answering) {
  std::optional<ApiError> failed;
  try {
    co_return co_await answer_job(connection, service, answering);
  } catch (const boost::system::system_error&) {
    connection.close();
    failed = ended_early();
  } catch (...) {
    failed = from_current_exception();
  }
  if (connection.gone()) {
    service.metrics.count_gone(answering.job.model);
    service.routing.note_local(answering.plan, local_failure(connection, "left", connection.status()));
    co_return true;
  }
  if (answering.may_hand_over && !answering.told && (!connection.begun() || answering.job.requests.size() == 1) &&
      failed->code == "context_length_exceeded" &&
      co_await allowed_to_leave(connection, service, answering.plan, answering.leaving, "long-prompt"))
    co_return false;
  service.routing.note_local(answering.plan, local_failure(connection, "failed", failed->status));
  if (!answering.plan.kept_by.empty())
    failed->message += " (the request must not leave this machine, by the rule '" + answering.plan.kept_by + "')";
  if (!connection.begun()) throw *failed;
  co_await connection.send(answering.job.reply->failure(*failed));
  co_await connection.end();
  co_return true;
}

// The same as answered_elsewhere() for a stream that has begun here: what is told goes on in its words.
asio::awaitable<bool> goes_on_elsewhere(Connection& connection, Service& service, Plan& plan, Leaving leaving,
                                        LocalAnswer& answering) {
  leaving.wording = &answering.job;
  leaving.switched.told = answering.told;
  if (answering.told)
    leaving.switched.mark = "the local model was unsure (" + plan.record.rule + "); " + plan.remote->name + " answers";
  if (leaving.words == Leaving::Words::messages) leaving.words = Leaving::Words::messages_as_chat;
  std::optional<ApiError> failure;
  try {
    co_return co_await answered_elsewhere(connection, service, plan, leaving);
  } catch (const ApiError& error) {
    if (connection.gone() || connection.interrupted()) throw;
    failure = error;
  }
  co_await connection.send(answering.job.reply->failure(*failure));
  co_await connection.end();
  co_return true;
}

// A request that may be given away, in OpenAI's words.
class Departure {
 public:
  Departure(Connection& connection, Service& service, const ReadJob& read, const Heading& heading, Remotes remotes)
      : connection_(connection), service_(service), read_(read), heading_(heading), remotes_(remotes) {}

  asio::awaitable<void> prepare(Json body, const Plan& plan) {
    body["model"] = plan.remote_model;
    const bool messages = plan.remote->api == RemoteApi::anthropic;
    if (messages && connection_.path() == "/v1/messages") {
      leaving_ = {std::move(body), "/messages", nullptr, Leaving::Words::messages};
      co_return;
    }
    if (remotes_ == Remotes::forwarded) {
      // "/v1/chat/completions" here is "BASE/chat/completions" there.
      leaving_ = {std::move(body), connection_.path().substr(3)};
    } else {
      job_ = co_await service_.workers.run([&] { return read_(body, heading_); });
      leaving_ = {chat_body(job_), "/chat/completions", &job_};
      warn(connection_, job_);
    }
    if (leaving_.body.is_null() || (messages && leaving_.path != "/chat/completions")) refuse_remote();
    if (messages) translate(plan.remote->shape);
  }
  const Leaving& leaving() const { return leaving_; }
  Leaving& leaving() { return leaving_; }

 private:
  void translate(const MessagesShape& shape) {
    const Json options = leaving_.body.value("stream_options", Json::object());
    leaving_.usage_wanted = options.is_object() && options.value("include_usage", Json(false)) == true;
    MessagesHop hop = messages_of_chat(leaving_.body, shape);
    leaving_.body = std::move(hop.body);
    leaving_.ignored = std::move(hop.ignored);
    leaving_.path = "/messages";
    leaving_.words = Leaving::Words::messages_as_chat;
  }

  Connection& connection_;
  Service& service_;
  const ReadJob& read_;
  const Heading& heading_;
  Remotes remotes_;
  Job job_;
  Leaving leaving_;
};

}  // namespace

asio::awaitable<void> generate(Connection& connection, Service& service, ReadJob read, const char* id_prefix,
                               Remotes remotes) {
  const Heading heading{random_id(id_prefix), std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()),
                        service.models.default_name()};
  uint64_t bytes = 0;
  Json body = co_await read_body(connection, service, &bytes);
  Plan plan = service.routing.begin(connection, body, bytes, remotes != Remotes::refused);
  bool goes = plan.wish.is_for == route::Wish::For::cloud;
  Departure departure(connection, service, read, heading, remotes);
  if (goes && remotes == Remotes::refused) refuse_remote();
  if (goes || plan.may_be_handed_over()) {
    try {
      co_await departure.prepare(body, plan);
    } catch (const ApiError&) {
      // What the remote's API cannot say is answered here, unless just that remote was asked for.
      if (plan.facts.remote_model || plan.remote->api != RemoteApi::anthropic) throw;
      goes = false;
      plan.settled = true;
      plan.wish = {route::Wish::For::local, "remote-words"};
    }
  }
  Json here = body;  // what the local model is asked
  here["model"] = plan.local_model;
  if (plan.facts.automatic && service.shadows.draws_local())
    departure.leaving().on_answer = [&service, here, read, heading](const Plan& gone, std::string text,
                                                                    const auto& outcome) {
      service.shadows.answer_here(
          gone, [here, read, heading] { return read(here, heading); }, std::move(text), outcome);
    };
  if (!goes) service.routing.note_staying(connection, plan, plan.wish.rule);
  if (goes && co_await allowed_to_leave(connection, service, plan, departure.leaving()) &&
      co_await answered_elsewhere(connection, service, plan, departure.leaving()))
    co_return;
  if (goes) body["model"] = plan.local_model;
  std::unique_ptr<Reply> begun;  // who words a stream that has a beginning
  for (;;) {
    Job job = co_await read_job(connection, service, body, read, heading);
    LocalAnswer answering{plan, departure.leaving(), job, {}, plan.may_be_handed_over()};
    if (begun) {
      job.reply = std::move(begun);
      answering.goes_on = plan.remote->name + " failed; the local model answers again";
    }
    if (plan.wish.is_for == route::Wish::For::watched && !plan.settled)
      answering.watch.emplace(plan.ruling->policy, job);
    if (co_await answer_here(connection, service, answering)) {
      if (answering.text && service.shadows.draws_remote(plan))
        service.shadows.ask_elsewhere(plan, departure.leaving(), *answering.text, connection.elapsed().count());
      co_return;
    }
    if (answering.watch) {
      plan.record.confidence = answering.watch->confidence().margin();
      plan.record.entropy = answering.watch->confidence().entropy();
    }
    service.routing.note_doubted(plan, local_failure(connection, "doubted", 0));
    if (!connection.begun()) {
      if (co_await answered_elsewhere(connection, service, plan, departure.leaving())) co_return;
      continue;
    }
    if (co_await goes_on_elsewhere(connection, service, plan, departure.leaving(), answering)) co_return;
    if (answering.told) begun = std::move(job.reply);
  }
}

asio::awaitable<uint64_t> count_prompt(Connection& connection, Service& service, ReadJob read) {
  uint64_t bytes = 0;
  Json body = co_await read_body(connection, service, &bytes);
  const Plan plan = service.routing.begin(connection, body, bytes, false);
  if (plan.wish.is_for == route::Wish::For::cloud) refuse_remote();
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
