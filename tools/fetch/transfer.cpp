// By libcurl: TLS is verified, redirects are followed one by one so that each can be judged.
#include "tools/fetch/transfer.h"

#include <curl/curl.h>

#include <charconv>
#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "hearth/hearth.h"
#include "tools/fetch/url.h"

namespace hearth::fetch {
namespace {

using Clock = std::chrono::steady_clock;

constexpr long kConnectMilliseconds = 15'000;
constexpr int kMostRedirects = 10, kPollMilliseconds = 100;
constexpr uint64_t kSlowRate = 1024;  // bytes a second
constexpr size_t kLongestHeader = 8192, kMostDropped = 64 << 10;

void initialise_curl_once() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw Error(ErrorCode::device, "libcurl cannot be used");
}

using Easy = std::unique_ptr<CURL, void (*)(CURL*)>;
using Multi = std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)>;
using HeaderList = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

// "bytes 100-199/1000": where it begins, and the whole size where that is known.
bool read_content_range(std::string_view text, Head& head) {
  if (!text.starts_with("bytes ")) return false;
  text.remove_prefix(6);
  const char* const end = text.data() + text.size();
  uint64_t last = 0, size = 0;
  const auto [dash, no_begin] = std::from_chars(text.data(), end, head.begin);
  if (no_begin != std::errc() || dash == end || *dash != '-') return false;
  const auto [slash, no_last] = std::from_chars(dash + 1, end, last);
  if (no_last != std::errc() || slash == end || *slash != '/' || last < head.begin) return false;
  if (slash + 1 != end && slash[1] == '*') return true;
  const auto [behind, no_size] = std::from_chars(slash + 1, end, size);
  if (no_size != std::errc() || behind != end || last >= size) return false;
  head.size = size;
  return true;
}

// One request and its answer.
class OneGet {
 public:
  OneGet(CURL* easy, const Ask& ask, const Receiver& receiver, bool with_token, const Settings& settings)
      : easy_(easy), receiver_(receiver), silence_(settings.silence), headers_(nullptr, &curl_slist_free_all) {
    curl_easy_reset(easy_);  // connections stay
    add_header("Accept: " + ask.accept);
    add_header("Accept-Encoding: identity");
    if (with_token && !ask.token.empty()) add_header("Authorization: Bearer " + ask.token);
    if (ask.range)
      add_header("Range: bytes=" + std::to_string(ask.range->begin) + "-" + std::to_string(ask.range->end - 1));
    set(CURLOPT_HTTPGET, 1L);
    set(CURLOPT_URL, ask.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "hearth");
    set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
    set(CURLOPT_HTTPHEADER, headers_.get());
    if (!settings.proxy.empty()) set(CURLOPT_PROXY, settings.proxy.c_str());
    if (!settings.certificates.empty()) set(CURLOPT_CAINFO, settings.certificates.c_str());
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, this);
  }

  Outcome run(CURLM* multi) {
    const CURLcode result = perform(multi);
    if (result == CURLE_OK && !guarded([this] { return tell_head(); })) unwanted_ = true;
    if (thrown_) std::rethrow_exception(thrown_);
    outcome_.status = status();
    if (unwanted_)
      outcome_.ending = Ending::unwanted;
    else if (slow_)
      outcome_.ending = Ending::slow, outcome_.why = "it was too slow";
    else if (bad_range_)
      outcome_.ending = Ending::broken, outcome_.why = "it does not say which bytes it sent";
    else if (result != CURLE_OK && !refused_)
      outcome_.ending = Ending::broken, outcome_.why = curl_easy_strerror(result);
    else if (!answers())
      outcome_.ending = Ending::refused;
    return outcome_;
  }

  // Where the answer is a redirect: to where.
  std::string redirect() const {
    char* url = nullptr;
    const int code = status();
    if (code != 301 && code != 302 && code != 303 && code != 307 && code != 308) return "";
    curl_easy_getinfo(easy_, CURLINFO_REDIRECT_URL, &url);
    return url == nullptr ? "" : url;
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(easy_, option, value);
  }

  void add_header(const std::string& line) {
    curl_slist* longer = curl_slist_append(headers_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(headers_.release());
    headers_.reset(longer);
  }

  int status() const {
    long code = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }
  bool answers() const { return status() == 200 || status() == 206; }

  // Until the transfer has ended, is not wanted any more, or is too slow.
  CURLcode perform(CURLM* multi) {
    curl_multi_add_handle(multi, easy_);
    CURLcode result = CURLE_OK;
    Clock::time_point since = Clock::now();
    uint64_t before = 0;
    for (bool ended = false; !ended;) {
      int running = 0;
      if (curl_multi_perform(multi, &running) != CURLM_OK) result = CURLE_FAILED_INIT, ended = true;
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi, &left))
        if (message->msg == CURLMSG_DONE) result = message->data.result, ended = true;
      if (ended) break;
      if (receiver_.unwanted()) {
        unwanted_ = true;
        break;
      }
      if (const auto now = Clock::now(); now - since >= silence_) {
        const auto least = kSlowRate * static_cast<uint64_t>(silence_.count()) / 1000;
        if (received_ - before < least) {
          slow_ = true;
          break;
        }
        since = now;
        before = received_;
      }
      curl_multi_poll(multi, nullptr, 0, kPollMilliseconds, nullptr);
    }
    curl_multi_remove_handle(multi, easy_);
    return result;
  }

  // What receivers throw must not pass through libcurl. False where they throw, or say so.
  template <class Action>
  bool guarded(Action&& action) {
    try {
      return action();
    } catch (...) {
      thrown_ = std::current_exception();
      return false;
    }
  }

  // False where the receiver does not want the body. Once.
  bool tell_head() {
    if (std::exchange(head_told_, true) || !answers()) return true;
    head_.status = status();
    if (head_.status == 206) {
      bad_range_ = !read_content_range(content_range_, head_);
      if (bad_range_) return true;
    } else {
      curl_off_t length = -1;
      curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
      if (length >= 0) head_.size = static_cast<uint64_t>(length);
    }
    return receiver_.on_head(head_);
  }

  static size_t on_header(char* bytes, size_t size, size_t count, void* self) {
    auto& get = *static_cast<OneGet*>(self);
    get.received_ += size * count;
    const std::string_view line(bytes, size * count);
    if (line.starts_with("HTTP/")) get.head_ = {}, get.content_range_.clear();  // of the last answer, not a proxy's
    get.take(line, "etag:", get.head_.etag);
    get.take(line, "link:", get.head_.link);
    get.take(line, "content-range:", get.content_range_);
    std::string seconds;
    get.take(line, "retry-after:", seconds);
    if (!seconds.empty()) std::from_chars(seconds.data(), seconds.data() + seconds.size(), get.outcome_.retry_seconds);
    return size * count;
  }

  static void take(std::string_view line, std::string_view name, std::string& value) {
    if (line.size() < name.size() || line.size() > kLongestHeader) return;
    for (size_t i = 0; i < name.size(); ++i)
      if ((line[i] >= 'A' && line[i] <= 'Z' ? line[i] + 32 : line[i]) != name[i]) return;
    line.remove_prefix(name.size());
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.remove_suffix(1);
    value = line;
  }

  static size_t on_body(char* bytes, size_t size, size_t count, void* self) {
    auto& get = *static_cast<OneGet*>(self);
    get.received_ += size * count;
    if (!get.answers()) {  // what it says to that is dropped, and not waited for where it is long
      get.refused_ = get.received_ > kMostDropped;
      return get.refused_ ? 0 : size * count;
    }
    const bool wanted = get.guarded([&] {
      return get.tell_head() && (get.bad_range_ || get.receiver_.on_bytes({bytes, size * count}));
    });
    get.unwanted_ = !wanted;
    return get.unwanted_ || get.bad_range_ ? 0 : size * count;
  }

  CURL* easy_;
  const Receiver& receiver_;
  std::chrono::milliseconds silence_;
  HeaderList headers_;
  Head head_;
  Outcome outcome_;
  std::string content_range_;
  std::exception_ptr thrown_;
  uint64_t received_ = 0;
  bool head_told_ = false, unwanted_ = false, refused_ = false, slow_ = false, bad_range_ = false;
};

}  // namespace

struct Getter::State {
  Settings settings;
  Multi multi{nullptr, &curl_multi_cleanup};
  Easy easy{nullptr, &curl_easy_cleanup};
};

Getter::Getter(const Settings& settings) : state_(std::make_unique<State>()) {
  initialise_curl_once();
  state_->settings = settings;
  state_->multi.reset(curl_multi_init());
  state_->easy.reset(curl_easy_init());
  if (!state_->multi || !state_->easy) throw std::bad_alloc();
}
Getter::~Getter() = default;

bool can_fetch() { return true; }

Outcome Getter::get(const Ask& ask, const Receiver& receiver) {
  const Settings& settings = state_->settings;
  if (settings.offline)
    throw Error(ErrorCode::invalid_argument,
                "'" + shown_url(ask.url) + "' is not asked: --offline, or a variable, says so");
  const std::string origin = origin_of(ask.url);
  Ask next = ask;
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    require_allowed(next.url, settings.plain_http);
    OneGet one(state_->easy.get(), next, receiver, origin_of(next.url) == origin, settings);
    Outcome outcome = one.run(state_->multi.get());
    outcome.url = shown_url(next.url);
    const std::string to = one.redirect();
    if (to.empty() || outcome.ending == Ending::unwanted) return outcome;
    // A secure address must not hand on to one that is not.
    if (next.url.starts_with("https:") && !to.starts_with("https:"))
      throw Error(ErrorCode::invalid_argument,
                  "'" + shown_url(next.url) + "' redirects to '" + shown_url(to) + "', which is not encrypted");
    next.url = to;
  }
  throw Error(ErrorCode::invalid_argument,
              "'" + shown_url(ask.url) + "' redirects more than " + std::to_string(kMostRedirects) + " times");
}

}  // namespace hearth::fetch
