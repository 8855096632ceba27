// By libcurl: TLS is verified, redirects are not followed, nothing is resumed.
#include "tools/serve/remote.h"

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <thread>

#include "tools/serve/answer_meter.h"
#include "tools/serve/api_error.h"

namespace hearth::serve {
namespace {

constexpr long kConnectSeconds = 10;
constexpr int kAttempts = 3;
constexpr size_t kMostKept = 8 << 20;  // bytes of an answer that is kept in the log

using Clock = std::chrono::steady_clock;
using Curl = std::unique_ptr<CURL, void (*)(CURL*)>;
using List = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

void initialise_once() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw ApiError(500, "server_error", "internal_error", "libcurl cannot be used");
}

class Transfer {
 public:
  Transfer(const RemoteRequest& request, const RemoteReceiver& receiver, bool keeps)
      : receiver_(receiver),
        keeps_(keeps),
        silence_(request.silence),
        prompt_tokens_(request.body.size() / kBytesPerToken),
        curl_(curl_easy_init(), &curl_easy_cleanup),
        headers_(nullptr, &curl_slist_free_all) {
    if (!curl_) throw std::bad_alloc();
    add_header("Content-Type: application/json");
    add_header("Expect:");
    const bool anthropic = request.api == RemoteApi::anthropic;
    if (!request.key.empty()) add_header((anthropic ? "x-api-key: " : "Authorization: Bearer ") + request.key);
    if (anthropic) add_header("anthropic-version: 2023-06-01");
    if (!request.betas.empty()) add_header("anthropic-beta: " + request.betas);
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROXY, request.proxy.c_str());  // "": none, whatever the environment says
    set(CURLOPT_NOPROXY, request.proxy.empty() ? "*" : "");
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_HTTPHEADER, headers_.get());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.c_str());
    set(CURLOPT_WRITEFUNCTION, &on_bytes);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_VERBOSE, 1L);  // to count what is sent
    set(CURLOPT_DEBUGFUNCTION, &on_traffic);
    set(CURLOPT_DEBUGDATA, this);
  }

  CURLcode run() {
    CURLcode result = curl_easy_perform(curl_.get());
    if (silent_) result = CURLE_OPERATION_TIMEDOUT;
    return result == CURLE_OK && !tell_head() ? CURLE_WRITE_ERROR : result;
  }
  bool answered() const { return head_told_; }
  bool unwanted() const { return unwanted_; }
  // Empty where nobody wants to keep it, or it is too long for that.
  std::string answer() const { return kept_.size() > kMostKept ? "" : kept_; }

  audit::Outcome outcome(const RemoteRequest& request, CURLcode result) {
    audit::Outcome outcome;
    outcome.status = status_;
    outcome.result = status_ >= 400       ? "refused"
                     : !passed_.empty()   ? "cut"
                     : unwanted_          ? "left"
                     : result == CURLE_OK ? "answered"
                     : head_told_         ? "cut"
                                          : "failed";
    if (result != CURLE_OK && !unwanted_) outcome.error = curl_easy_strerror(result);
    if (!passed_.empty()) outcome.error = "the limit is reached: " + passed_;
    outcome.sent_head = sent_head_;
    outcome.sent_body = sent_body_;
    meter_.finish(request.body.size(), outcome);
    outcome.cost = (static_cast<double>(outcome.prompt_tokens) * request.input_price +
                    static_cast<double>(outcome.answer_tokens) * request.output_price) /
                   1e6;
    return outcome;
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(curl_.get(), option, value);
  }

  void add_header(const std::string& line) {
    curl_slist* longer = curl_slist_append(headers_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(headers_.release());
    headers_.reset(longer);
  }

  bool tell_head() {
    if (std::exchange(head_told_, true)) return true;
    long status = 0;
    const char* type = nullptr;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(curl_.get(), CURLINFO_RETRY_AFTER, &retry_after);
    status_ = static_cast<int>(status);
    unwanted_ =
        !receiver_.on_head(status_, type == nullptr ? "" : type, retry_after > 0 ? std::to_string(retry_after) : "");
    return !unwanted_;
  }

  static size_t on_bytes(char* bytes, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (!transfer.tell_head()) return 0;
    transfer.meter_.add({bytes, size * count});
    if (transfer.keeps_ && transfer.kept_.size() <= kMostKept) transfer.kept_.append(bytes, size * count);
    transfer.unwanted_ = !transfer.receiver_.on_piece({bytes, size * count});
    if (!transfer.unwanted_ && transfer.receiver_.passed) {
      transfer.passed_ = transfer.receiver_.passed(transfer.prompt_tokens_, transfer.meter_.tokens_so_far());
      transfer.unwanted_ = !transfer.passed_.empty();
    }
    return transfer.unwanted_ ? 0 : size * count;
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& transfer = *static_cast<Transfer*>(self);
    // Its own measure of slowness is a mean over some seconds.
    if (transfer.silence_.count() > 0 && Clock::now() - transfer.last_ > transfer.silence_) transfer.silent_ = true;
    if (!transfer.receiver_.wanted()) transfer.unwanted_ = true;
    return transfer.unwanted_ || transfer.silent_ ? 1 : 0;
  }

  static int on_traffic(CURL*, curl_infotype kind, char*, size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (kind != CURLINFO_TEXT) transfer.last_ = Clock::now();
    if (kind == CURLINFO_HEADER_OUT) transfer.sent_head_ += size;
    if (kind == CURLINFO_DATA_OUT) transfer.sent_body_ += size;
    return 0;
  }

  const RemoteReceiver& receiver_;
  bool keeps_;
  std::chrono::seconds silence_;
  Clock::time_point last_ = Clock::now();  // when bytes went either way
  bool silent_ = false;
  uint64_t prompt_tokens_;
  std::string passed_;  // the limit for which it was ended
  Curl curl_;
  List headers_;
  bool head_told_ = false, unwanted_ = false;
  int status_ = 0;
  uint64_t sent_head_ = 0, sent_body_ = 0;
  AnswerMeter meter_;
  std::string kept_;
};

// The row that says what is about to leave.
uint64_t record(audit::Decision decision, const RemoteRequest& request, int attempt, const RemoteReceiver& receiver,
                audit::AuditLog& log) {
  decision.leaves = true;
  decision.attempt = attempt;
  decision.url = request.url;
  decision.bytes = request.body.size();
  decision.sha256 = audit::sha256(request.body);
  if (!request.betas.empty()) decision.headers = "anthropic-beta: " + request.betas;
  try {
    return log.write(decision, request.body);
  } catch (const audit::AuditError& error) {
    const std::string why = std::string("nothing was sent: ") + error.what();
    if (receiver.on_loss) receiver.on_loss(why);
    throw ApiError(503, "server_error", "audit_unavailable", why);
  }
}

}  // namespace

bool can_send_off_machine() { return true; }

void send_off_machine(const RemoteRequest& request, const RemoteReceiver& receiver, audit::AuditLog& log) {
  initialise_once();
  for (int attempt = 1;; ++attempt) {
    const uint64_t row = record(request.decision, request, attempt, receiver, log);
    Transfer transfer(request, receiver, log.keeps_bodies());
    const CURLcode result = transfer.run();
    audit::Outcome outcome = transfer.outcome(request, result);
    outcome.decision = row;
    if (receiver.on_outcome) receiver.on_outcome(outcome);
    try {
      log.write(outcome, transfer.answer());
    } catch (const audit::AuditError& error) {
      if (receiver.on_loss) receiver.on_loss(error.what());
    }
    if (result == CURLE_OK || transfer.unwanted()) return;
    // A provider that is slow would be as slow again.
    const bool late = result == CURLE_OPERATION_TIMEDOUT;
    std::string why = std::string("the remote provider failed: ") + curl_easy_strerror(result);
    if (transfer.answered() || late || attempt == kAttempts)
      throw ApiError(late ? 504 : 502, "server_error", "remote_failed", why);
    std::this_thread::sleep_for(std::chrono::milliseconds(200 << attempt));
    if (const std::string limit = receiver.again ? receiver.again() : ""; !limit.empty())
      throw ApiError(502, "server_error", "remote_failed",
                     why + "; it is not asked again: the limit is reached: " + limit);
  }
}

}  // namespace hearth::serve
