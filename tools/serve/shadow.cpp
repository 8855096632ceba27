// Waiting for a quiet moment, asking the other side, comparing.
#include "tools/serve/shadow.h"

#include <random>
#include <thread>

#include "tools/redact/shallow_json.h"
#include "tools/redact/text_restorer.h"
#include "tools/route/likeness.h"
#include "tools/serve/anthropic/messages_chat.h"
#include "tools/serve/forward.h"
#include "tools/serve/hop_answer.h"
#include "tools/serve/service.h"

namespace hearth::serve {
namespace {

constexpr size_t kMostTasks = 8;                // that wait; further ones are dropped
constexpr uint32_t kMostTokens = 2048;          // of an answer that nobody waits for
constexpr size_t kMostText = 64 << 10;          // bytes of an answer that are compared and kept
constexpr std::chrono::seconds kPatience{120};  // until nothing else runs

bool drawn(double share) {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return share > 0 && std::uniform_real_distribution<double>(0, 1)(generator) < share;
}

bool reads_as_json(const std::string& text) { return !redact::parse_shallow(text).is_null(); }

// What is kept has no secrets, like what was sent: answers may repeat them.
void compare(audit::Comparison& comparison, std::string local, std::string remote, const redact::Redaction& redaction) {
  local.resize(std::min(local.size(), kMostText));
  remote.resize(std::min(remote.size(), kMostText));
  comparison.exact = local == remote;
  comparison.distance = route::edit_distance(local, remote);
  comparison.local_text = redaction.hidden(local);
  comparison.remote_text = redaction.hidden(remote);
}

// What the local model takes both answers to mean.
std::optional<double> similarity_of(Engine& engine, const audit::Comparison& comparison) {
  if (!engine.info().has_embeddings || comparison.local_text.empty() || comparison.remote_text.empty()) return {};
  const auto vector = [&](const std::string& text) {
    Request request;
    request.prompt = text;
    std::vector<int32_t> tokens = engine.embedding_tokens(request);
    tokens.resize(std::min<size_t>(tokens.size(), engine.info().context));
    return engine.embed(tokens, Pooling::mean);
  };
  return route::cosine(vector(comparison.local_text), vector(comparison.remote_text));
}

}  // namespace

// One request that is answered here once more.
struct Shadows::Task {
  audit::Comparison comparison;
  std::string model, remote_text;
  std::function<Job()> read;
  std::shared_ptr<const redact::Redaction> redaction;  // of what left
  std::unique_ptr<Models::Claim> claim;
};

Shadows::Shadows(Service& service, const RoutingOptions& options)
    : service_(service),
      escalated_(options.shadow_escalated),
      local_(options.shadow_local),
      keeps_prompts_(options.audit_bodies) {
  if (!options.audit_path.empty()) store_.emplace(options.audit_path, options.audit_bodies);
}

Shadows::~Shadows() = default;

bool Shadows::draws_local() const { return store_ && drawn(escalated_); }

bool Shadows::draws_remote(const Plan& plan) const {
  return store_ && plan.may_be_handed_over() && !route::find_keeper(plan.ruling->policy, plan.facts) && drawn(local_);
}

audit::Comparison Shadows::first_words(const Plan& plan) const {
  audit::Comparison comparison;
  comparison.request = plan.record.request;
  comparison.task = plan.record.task;
  comparison.rule = plan.record.rule;
  comparison.local_model = plan.local_model;
  comparison.remote = plan.remote->name;
  comparison.model = plan.remote_model;
  comparison.confidence = plan.record.confidence;
  return comparison;
}

void Shadows::answer_here(const Plan& plan, std::function<Job()> read, std::string text,
                          const audit::Outcome& outcome) {
  if (text.empty()) return;
  auto task = std::make_unique<Task>();
  task->comparison = first_words(plan);
  task->comparison.escalated = true;
  task->comparison.remote_seconds = outcome.seconds;
  task->comparison.cost = outcome.cost;
  task->model = plan.local_model;
  task->remote_text = std::move(text);
  task->read = std::move(read);
  task->redaction = plan.redaction;
  boost::asio::post(service_.io, [this, task = std::move(task)]() mutable { begin(std::move(task)); });
}

// A model that is not in memory is not loaded for this. A task dies in this thread, as its claim must.
void Shadows::begin(std::unique_ptr<Task> task) {
  if (tasks_.size() >= kMostTasks) return;
  task->claim = service_.models.claim(task->model, [] {});
  if (!task->claim->settled()) return;
  Task* const running = tasks_.emplace_back(std::move(task)).get();
  worker_.start([this, running] {
    try {
      run(*running);
    } catch (const std::exception& error) {
      service_.options.log(std::string("a request could not be compared: ") + error.what());
    }
    boost::asio::post(service_.io, [this, running] {
      tasks_.remove_if([running](const auto& task) { return task.get() == running; });
    });
  });
}

void Shadows::run(Task& task) {
  Engine& engine = task.claim->engine();
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (Statistics now = engine.statistics(); now.running + now.waiting > 0; now = engine.statistics()) {
    if (ending_ || std::chrono::steady_clock::now() > end) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  Job job = task.read();
  if (job.prepare) job.prepare(engine, job);
  use_adapter(job, task.claim->adapter());
  Request& request = job.requests.front();
  request.max_tokens = std::min(request.max_tokens, kMostTokens);
  request.cancelled = [this] { return ending_.load(); };
  if (keeps_prompts_)
    if (const auto* conversation = std::get_if<Conversation>(&request.prompt)) {
      Json asked = redact::parse_shallow(conversation->json);
      task.redaction->hide(asked);
      task.comparison.prompt = to_text(asked).substr(0, kMostText);
    }
  const Result result = engine.generate(request);
  if (ending_ || result.reason == FinishReason::cancelled) return;
  task.comparison.local_seconds = result.prompt_seconds + result.generate_seconds;
  compare(task.comparison, result.text, std::move(task.remote_text), *task.redaction);
  if (!std::holds_alternative<std::monostate>(request.constraint)) {
    task.comparison.local_is_json = reads_as_json(task.comparison.local_text);
    task.comparison.remote_is_json = reads_as_json(task.comparison.remote_text);
  }
  task.comparison.similarity = similarity_of(engine, task.comparison);
  store_->add(task.comparison, now_in_milliseconds());
}

void Shadows::ask_elsewhere(Plan plan, Leaving leaving, std::string text, double seconds) {
  if (text.empty() || service_.forwarding >= kMostForwarded / 2) return;
  audit::Comparison comparison = first_words(plan);
  comparison.local_seconds = seconds;
  service_.remote_workers.start([this, plan = std::move(plan), leaving = std::move(leaving), text = std::move(text),
                                 comparison = std::move(comparison)]() mutable {
    try {
      if (service_.routing.may_leave(plan, leaving.body, "shadow").route != route::Decision::Route::cloud) return;
      std::string bytes;
      bool streams = false, whole = false;
      RemoteReceiver receiver;
      receiver.on_head = [&](int status, const std::string& type, const std::string&) {
        streams = type.starts_with("text/event-stream");
        return status == 200;
      };
      receiver.on_piece = [&](std::string_view piece) {
        bytes += piece;
        return bytes.size() < kMostText * 16 && !ending_;
      };
      receiver.wanted = [&] { return !ending_.load(); };
      receiver.again = [&] { return service_.routing.again(plan); };
      std::vector<audit::Outcome> outcomes;
      receiver.on_outcome = [&](const audit::Outcome& outcome) { outcomes.push_back(outcome); };
      receiver.on_loss = [&](const std::string& why) { service_.options.log(why); };
      try {
        const RemoteRequest request = remote_request(plan, leaving, "");
        if (keeps_prompts_) comparison.prompt = request.body.substr(0, kMostText);
        send_off_machine(request, receiver, *service_.routing.log());
        whole = !outcomes.empty() && outcomes.back().result == "answered";
      } catch (const ApiError& error) {
        service_.options.log("a request could not be compared: " + error.message);
      }
      service_.routing.settle(plan, outcomes);
      if (!whole) return;
      comparison.remote_seconds = outcomes.back().seconds;
      comparison.cost = outcomes.back().cost;
      compare(comparison, std::move(text), text_of_answer(bytes, streams, leaving.words, plan.redaction->secrets()),
              *plan.redaction);
      store_->add(comparison, now_in_milliseconds());
    } catch (const std::exception& error) {
      service_.options.log(std::string("a request could not be compared: ") + error.what());
    }
  });
}

std::string text_of_answer(const std::string& bytes, bool streams, Leaving::Words words,
                           const redact::Secrets& secrets) {
  const bool translates = words != Leaving::Words::chat;
  HopAnswer answer;
  if (streams) {
    answer.feed(translates ? MessagesAsChat(true).feed(bytes) : bytes);
  } else {
    const Json whole = redact::parse_shallow(bytes);
    answer.feed_whole(translates ? MessagesAsChat::whole(whole) : whole);
  }
  redact::TextRestorer restorer(secrets, redact::Notation::plain);
  const std::string text = restorer.feed(answer.finish().result->text);
  return text + restorer.finish();
}

}  // namespace hearth::serve
