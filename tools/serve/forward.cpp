// A thread that asks for each request, and the answer's way back.
#include "tools/serve/forward.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "tools/serve/fields.h"
#include "tools/serve/handing.h"
#include "tools/serve/shadow.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

constexpr size_t kMostWatched = 4 << 20;

// What a client may want of Anthropic's API beyond the usual: only names that are known leave, and their dates.
constexpr std::array kBetas = {"adaptive-thinking",
                               "advanced-tool-use",
                               "claude-code",
                               "code-execution",
                               "compact",
                               "computer-use",
                               "context-1m",
                               "context-management",
                               "dev-full-thinking",
                               "effort",
                               "extended-cache-ttl",
                               "fast-mode",
                               "files-api",
                               "fine-grained-tool-streaming",
                               "interleaved-thinking",
                               "max-tokens-3-5-sonnet",
                               "mcp-client",
                               "message-batches",
                               "model-context-window-exceeded",
                               "oauth",
                               "output-128k",
                               "pdfs",
                               "prompt-caching",
                               "prompt-caching-scope",
                               "redact-thinking",
                               "skills",
                               "structured-outputs",
                               "task-budgets",
                               "token-counting",
                               "token-efficient-tools",
                               "tool-examples",
                               "tool-search-tool",
                               "web-fetch",
                               "web-search"};

// "-2025-06-27" or "-20250627".
bool is_date(std::string_view text) {
  constexpr std::array<std::string_view, 2> kForms = {"-dddd-dd-dd", "-dddddddd"};
  return std::ranges::any_of(kForms, [&](std::string_view form) {
    return std::ranges::equal(text, form,
                              [](char c, char wanted) { return wanted == '-' ? c == '-' : c >= '0' && c <= '9'; }) &&
           text.starts_with("-202");
  });
}

std::string betas_of(const Connection& connection) {
  const std::string header = connection.header("anthropic-beta");
  std::set<std::string> betas;
  for (size_t at = 0; at < header.size();) {
    const size_t end = std::min(header.find(',', at), header.size());
    std::string name = header.substr(at, end - at);
    std::erase(name, ' ');
    at = end + 1;
    if (std::ranges::any_of(kBetas, [&](std::string_view known) {
          return name.starts_with(known) && is_date(std::string_view(name).substr(known.size()));
        }))
      betas.insert(std::move(name));
  }
  std::string list;
  for (const std::string& name : betas) list += (list.empty() ? "" : ",") + name;
  return list;
}

// In a thread of its own: `plan` is the request's own copy.
void ask_remote(const RemoteRequest& request, const Plan& plan, const Leaving& leaving, Inbox& inbox,
                Service& service) {
  const std::string ignored = header_list(leaving.ignored);
  std::string kept;  // where somebody wants to know
  std::vector<audit::Outcome> outcomes;
  RemoteReceiver receiver;
  bool streams = false;
  std::string passed;
  receiver.on_head = [&](int status, const std::string& type, const std::string& retry_after) {
    streams = type.starts_with("text/event-stream");
    return inbox.put([&](Inbox::Content& content) {
      content.head = HttpReply{status, "", type};
      if (!retry_after.empty()) content.head->headers.emplace_back("Retry-After", retry_after);
      if (!ignored.empty()) content.head->headers.emplace_back("X-Hearth-Ignored-Fields", ignored);
    });
  };
  receiver.on_piece = [&](std::string_view piece) {
    if (leaving.on_answer && kept.size() < kMostWatched) kept += piece;
    return inbox.put([&](Inbox::Content& content) { content.bytes += piece; });
  };
  // Half of an answer that is told as a whole is none, and has been paid.
  receiver.passed = [&](uint64_t prompt_tokens, uint64_t answer_tokens) {
    if (streams) passed = service.routing.passed(plan, prompt_tokens, answer_tokens);
    return passed;
  };
  receiver.wanted = [&] { return inbox.open(); };
  receiver.again = [&] { return service.routing.again(plan); };
  receiver.on_outcome = [&](const audit::Outcome& outcome) { outcomes.push_back(outcome); };
  receiver.on_loss = [&](const std::string& why) { service.options.log(why); };
  std::optional<ApiError> failure;
  try {
    send_off_machine(request, receiver, *service.routing.log());
  } catch (...) {
    failure = from_current_exception();
  }
  service.routing.settle(plan, outcomes);
  if (leaving.on_answer && !outcomes.empty() && outcomes.back().result == "answered" && kept.size() < kMostWatched)
    leaving.on_answer(plan, text_of_answer(kept, streams, leaving.words, plan.redaction->secrets()), outcomes.back());
  inbox.put([&](Inbox::Content& content) {
    content.ended = true;
    content.failure = failure;
    content.passed = passed;
  });
}

}  // namespace

RemoteRequest remote_request(const Plan& plan, const Leaving& leaving, std::string betas) {
  const Remote& remote = *plan.remote;
  Json sent = leaving.body;
  sent["model"] = plan.remote_model;
  plan.redaction->hide(sent);
  return {remote.base_url + leaving.path,
          remote.key,
          remote.api,
          std::move(betas),
          to_text(sent),
          plan.record,
          remote.input_price,
          remote.output_price,
          remote.silence,
          remote.proxy};
}

asio::awaitable<std::optional<ApiError>> forward(Connection& connection, Service& service, Plan& plan,
                                                 const Leaving& leaving, bool may_return) {
  if (service.forwarding >= kMostForwarded) {
    service.routing.settle(plan, {});
    plan.record.rule = "busy";
    if (!may_return) service.routing.note_refused(plan);
    co_return busy("too many requests wait for remote providers; nothing was sent");
  }
  service.routing.note_leaving(connection, plan);
  std::string betas = leaving.words == Leaving::Words::messages ? betas_of(connection) : "";
  RemoteRequest request = co_await service.workers.run([&] { return remote_request(plan, leaving, std::move(betas)); });
  const auto self = connection.shared_from_this();
  const auto inbox =
      std::make_shared<Inbox>([self, &io = service.io] { asio::post(io, [self] { self->signal().notify(); }); });
  ++service.forwarding;
  const std::shared_ptr<void> closing(nullptr, [&](void*) {
    inbox->close();
    --service.forwarding;
  });
  service.remote_workers.start([request = std::move(request), plan, leaving, inbox, &service] {
    ask_remote(request, plan, leaving, *inbox, service);
  });
  const Incoming incoming{*inbox, plan.redaction->secrets(), leaving};
  if (leaving.wording == nullptr) co_return co_await Handing(connection, service, incoming).run(may_return);
  co_return co_await WordedHanding(connection, service, incoming).run(may_return);
}

}  // namespace hearth::serve
