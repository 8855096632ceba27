// Threads that take pieces from a list, each with a connection of its own.
#include "tools/fetch/pieces.h"

#include <algorithm>
#include <thread>

#include "hearth/hearth.h"
#include "tools/fetch/patience.h"
#include "tools/fetch/url.h"

namespace hearth::fetch {
namespace {

constexpr uint64_t kSmallestPiece = 1 << 20, kLargestPiece = 64 << 20;  // bytes
constexpr uint64_t kProgress = 64 << 10;  // bytes after which a connection has brought something
constexpr std::chrono::milliseconds kTick{100};
constexpr int kTicksToSave = 10;

}  // namespace

Pieces::Pieces(const RemoteFile& file, uint64_t end, store::PartialFile& to, const Settings& settings)
    : file_(file), end_(end), to_(to), settings_(settings) {
  const uint64_t piece = std::clamp(end / (4 * settings.connections), kSmallestPiece, kLargestPiece);
  pieces_ = store::cut_into_pieces(to.ranges().missing(end), piece);
  std::ranges::reverse(pieces_);
}

void Pieces::fetch(const Watcher& watcher) {
  std::vector<std::jthread> threads;
  const size_t count = std::min<size_t>(pieces_.size(), settings_.connections);
  {
    const std::lock_guard lock(mutex_);
    working_ = count;
  }
  for (size_t i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
  bool interrupted = false;
  std::unique_lock lock(mutex_);
  for (int tick = 1; working_ > 0; ++tick) {
    changed_.wait_for(lock, kTick, [&] { return working_ == 0; });
    lock.unlock();
    interrupted = interrupted || watcher.interrupted();
    watcher.on_bytes(to_.ranges().bytes());
    std::exception_ptr failure;
    try {
      if (tick % kTicksToSave == 0) to_.save();
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure && !error_) error_ = failure;
    stopped_ = stopped_ || interrupted || failure;
    changed_.notify_all();
  }
  lock.unlock();
  for (std::jthread& thread : threads) thread.join();
  if (error_) std::rethrow_exception(error_);
  if (interrupted) throw Interrupted("interrupted");
}

void Pieces::work() {
  std::exception_ptr error;
  try {
    Getter getter(settings_);
    while (const auto piece = next_piece()) fetch_piece(getter, *piece);
  } catch (...) {
    error = std::current_exception();
  }
  end_worker(error);
}

std::optional<store::Range> Pieces::next_piece() {
  std::unique_lock lock(mutex_);
  // One asks; the others wait for what it is told.
  changed_.wait(lock, [&] { return stopped_ || !asked_ || served_ != Served::unknown; });
  if (stopped_ || pieces_.empty()) return std::nullopt;
  const store::Range piece = pieces_.back();
  pieces_.pop_back();
  asked_ = true;
  return piece;
}

void Pieces::end_worker(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  if (error) stopped_ = true;
  if (error && !error_) error_ = error;
  --working_;
  changed_.notify_all();
}

bool Pieces::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

void Pieces::fetch_piece(Getter& getter, store::Range piece) {
  Patience patience(settings_, file_.name, "what has come is kept, and pulling again goes on from there");
  for (uint64_t since = piece.begin;;) {
    const auto missing = to_.ranges().first_missing(piece);
    if (!missing) return;
    if (missing->begin - since >= kProgress) {
      since = missing->begin;
      patience.came();
    }
    const Ask ask{file_.url, "*/*", file_.token, store::Range{missing->begin, piece.end}};
    uint64_t at = 0;
    Receiver receiver;
    receiver.on_head = [&](const Head& head) { return take_head(head, piece, at); };
    receiver.on_bytes = [&](std::string_view bytes) { return take_bytes(bytes, piece, at); };
    receiver.unwanted = [this] { return stopped(); };
    Outcome outcome = getter.get(ask, receiver);
    if (stopped() || !to_.ranges().first_missing(piece)) return;
    if (outcome.ending == Ending::complete || outcome.ending == Ending::unwanted) {
      outcome.ending = Ending::broken;
      outcome.why = "it ended before all had come";
    }
    patience.failed(outcome, ask, receiver.unwanted);
    if (stopped()) return;
  }
}

bool Pieces::take_head(const Head& head, store::Range& piece, uint64_t& at) {
  if (head.size && *head.size != file_.size)
    throw Error(ErrorCode::bad_model, file_.name + ": " + shown_url(file_.url) + " has " + std::to_string(*head.size) +
                                          " bytes, but " + std::to_string(file_.size) + " were announced");
  if (!file_.etag.empty() && head.etag != file_.etag)
    throw Error(ErrorCode::bad_model, file_.name + ": it was changed while it was fetched; pull it again");
  at = head.begin;
  const std::lock_guard lock(mutex_);
  if (served_ == Served::unknown) {
    served_ = head.status == 206 ? Served::in_ranges : Served::only_whole;
    if (served_ == Served::only_whole) {  // then this connection takes all, and the others nothing
      pieces_.clear();
      piece.end = end_;
    }
    changed_.notify_all();
  }
  return at <= to_.ranges().first_missing(piece).value_or(piece).begin;
}

// What belongs to the piece is written, what comes before it dropped. False at its end.
bool Pieces::take_bytes(std::string_view bytes, store::Range piece, uint64_t& at) {
  const uint64_t begin = std::max(at, piece.begin), end = std::min(at + bytes.size(), piece.end);
  if (begin < end) to_.write(begin, bytes.substr(begin - at, end - begin));
  at += bytes.size();
  return at < piece.end;
}

}  // namespace hearth::fetch
