// A thread that asks for each request, and the answer's way back.
#include "tools/serve/forward.h"

#include <algorithm>

#include "tools/serve/fields.h"
#include "tools/serve/handing.h"
#include "tools/serve/shadow.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

constexpr size_t kMostWatched = 4 << 20;

// Of a client of Anthropic's API the names of what it wants beyond the usual, "context-management-2025-06-27", and
// nothing else that a header could hold.
std::string betas_of(const Connection& connection) {
  constexpr size_t kMost = 24, kLongest = 64;
  const auto is_beta = [](const std::string& name) {
    return name.size() <= kLongest && name.size() > 10 && std::isdigit(static_cast<unsigned char>(name.back())) != 0 &&
           name[name.size() - 3] == '-' && name[name.size() - 6] == '-' && name[name.size() - 11] == '-' &&
           std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; });
  };
  const std::string header = connection.header("anthropic-beta");
  std::string betas;
  size_t count = 0;
  for (size_t at = 0; at < header.size() && count < kMost;) {
    const size_t end = std::min(header.find(',', at), header.size());
    std::string name = header.substr(at, end - at);
    std::erase(name, ' ');
    at = end + 1;
    if (!is_beta(name)) continue;
    betas += (betas.empty() ? "" : ",") + name;
    ++count;
  }
  return betas;
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
          remote.silence};
}

asio::awaitable<std::optional<ApiError>> forward(Connection& connection, Service& service, Plan& plan,
                                                 const Leaving& leaving, bool may_return) {
  if (service.forwarding >= kMostForwarded) {
    service.routing.settle(plan, {});
    throw busy("too many requests wait for remote providers");
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
