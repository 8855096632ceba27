// A thread that asks for each request, and the answer's way back.
#include "tools/serve/forward.h"

#include "tools/serve/handing.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

// In a thread of its own: `plan` is the request's own copy.
void ask_remote(const RemoteRequest& request, const Plan& plan, Inbox& inbox, Service& service) {
  std::vector<audit::Outcome> outcomes;
  RemoteReceiver receiver;
  receiver.on_head = [&](int status, const std::string& type, const std::string& retry_after) {
    return inbox.put([&](Inbox::Content& content) {
      content.head = HttpReply{status, "", type};
      if (!retry_after.empty()) content.head->headers.emplace_back("Retry-After", retry_after);
    });
  };
  receiver.on_piece = [&](std::string_view piece) {
    return inbox.put([&](Inbox::Content& content) { content.bytes += piece; });
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
  inbox.put([&](Inbox::Content& content) {
    content.ended = true;
    content.failure = failure;
  });
}

}  // namespace

asio::awaitable<std::optional<ApiError>> forward(Connection& connection, Service& service, Plan& plan,
                                                 const Leaving& leaving, bool may_return) {
  if (service.forwarding >= kMostForwarded) {
    service.routing.settle(plan, {});
    throw busy("too many requests wait for remote providers");
  }
  service.routing.note_leaving(connection, plan);
  const Remote& remote = *plan.remote;
  RemoteRequest request{remote.base_url + leaving.path,
                        remote.key,
                        "",
                        plan.record,
                        remote.input_price,
                        remote.output_price,
                        remote.silence};
  request.body = co_await service.workers.run([&] {
    Json sent = leaving.body;
    sent["model"] = plan.remote_model;
    plan.redaction->hide(sent);
    return to_text(sent);
  });
  const auto self = connection.shared_from_this();
  const auto inbox =
      std::make_shared<Inbox>([self, &io = service.io] { asio::post(io, [self] { self->signal().notify(); }); });
  ++service.forwarding;
  const std::shared_ptr<void> closing(nullptr, [&](void*) {
    inbox->close();
    --service.forwarding;
  });
  service.remote_workers.start(
      [request = std::move(request), plan, inbox, &service] { ask_remote(request, plan, *inbox, service); });
  const redact::Secrets& secrets = plan.redaction->secrets();
  if (leaving.wording == nullptr) co_return co_await Handing(connection, service, *inbox, secrets).run(may_return);
  co_return co_await WordedHanding(connection, service, *inbox, secrets, *leaving.wording).run(may_return);
}

}  // namespace hearth::serve
