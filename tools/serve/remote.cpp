// By libcurl: TLS is verified, redirects are not followed, nothing is resumed.
#include "tools/serve/remote.h"

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <thread>

#include "tools/serve/api_error.h"

namespace hearth::serve {
namespace {

constexpr long kConnectSeconds = 10, kSilentSeconds = 300;
constexpr int kAttempts = 3;

using Curl = std::unique_ptr<CURL, void (*)(CURL*)>;
using List = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

void initialise_once() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw ApiError(500, "server_error", "internal_error", "libcurl cannot be used");
}

class Transfer {
 public:
  Transfer(const RemoteRequest& request, const RemoteReceiver& receiver)
      : receiver_(receiver), curl_(curl_easy_init(), &curl_easy_cleanup), headers_(nullptr, &curl_slist_free_all) {
    if (!curl_) throw std::bad_alloc();
    add_header("Content-Type: application/json");
    add_header("Expect:");
    if (!request.key.empty()) add_header("Authorization: Bearer " + request.key);
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
    set(CURLOPT_HTTPHEADER, headers_.get());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.c_str());
    set(CURLOPT_WRITEFUNCTION, &on_bytes);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_XFERINFODATA, this);
  }

  CURLcode run() {
    const CURLcode result = curl_easy_perform(curl_.get());
    return result == CURLE_OK && !tell_head() ? CURLE_WRITE_ERROR : result;
  }
  bool answered() const { return head_told_; }
  bool unwanted() const { return unwanted_; }

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
    unwanted_ = !receiver_.on_head(static_cast<int>(status), type == nullptr ? "" : type,
                                   retry_after > 0 ? std::to_string(retry_after) : "");
    return !unwanted_;
  }

  static size_t on_bytes(char* bytes, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (!transfer.tell_head()) return 0;
    transfer.unwanted_ = !transfer.receiver_.on_piece({bytes, size * count});
    return transfer.unwanted_ ? 0 : size * count;
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (!transfer.receiver_.wanted()) transfer.unwanted_ = true;
    return transfer.unwanted_ ? 1 : 0;
  }

  const RemoteReceiver& receiver_;
  Curl curl_;
  List headers_;
  bool head_told_ = false, unwanted_ = false;
};

}  // namespace

bool can_send_off_machine() { return true; }

void send_off_machine(const RemoteRequest& request, const RemoteReceiver& receiver) {
  initialise_once();
  for (int attempt = 1;; ++attempt) {
    Transfer transfer(request, receiver);
    const CURLcode result = transfer.run();
    if (result == CURLE_OK || transfer.unwanted()) return;
    // A provider that is slow would be as slow again.
    const bool late = result == CURLE_OPERATION_TIMEDOUT;
    if (transfer.answered() || late || attempt == kAttempts) {
      throw ApiError(late ? 504 : 502, "server_error", "remote_failed",
                     std::string("the remote provider failed: ") + curl_easy_strerror(result));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200 << attempt));
  }
}

}  // namespace hearth::serve
