// Appending rows: to the table, then to the head, under a lock that all processes heed.
#include "tools/audit/audit_log.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "tools/audit/reader.h"

namespace hearth::audit {
namespace {

constexpr std::chrono::seconds kOwnPatience{5};  // until other threads have written theirs
constexpr size_t kMostQueued = 1 << 16;          // pairs; a server that is faster than its disk for so long loses some
constexpr std::chrono::milliseconds kGather{200};  // rows of so long are written together

int64_t system_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

AuditLog::AuditLog(LogOptions options)
    : options_(std::move(options)),
      head_(options_.path, Head::Access::write),
      database_(options_.path, Database::Access::write),
      last_row_(database_, "SELECT n, hash, content FROM log ORDER BY n DESC LIMIT 1"),
      hash_of_row_(database_, "SELECT hash FROM log WHERE n = ?"),
      insert_(database_, "INSERT INTO log (n, content, hash) VALUES (?, ?, ?)"),
      insert_body_(database_, "INSERT INTO bodies (n, content) VALUES (?, ?)") {
  if (!options_.now) options_.now = system_milliseconds;
  append([](Link&) {});
  writer_ = std::thread([this] { write_in_background(); });
}

AuditLog::~AuditLog() {
  {
    const std::lock_guard lock(queue_mutex_);
    ending_ = true;
  }
  arrived_.notify_one();
  writer_.join();
}

// A crash between both writes leaves the head behind the log, never in front.
void AuditLog::check_head(const Link& last) {
  const auto head = head_.read();
  if (!head && last.number == 0) return head_.write(last);
  std::string there = Link{}.hash;
  if (head && head->number > 0) {
    there = hash_of_row_.bind(static_cast<int64_t>(head->number)).next() ? hash_of_row_.text(0) : "";
    hash_of_row_.reset();
  }
  if (!head || there != head->hash)
    throw AuditError("the audit log " + options_.path.string() + " does not agree with its head" +
                     (head ? ", row " + std::to_string(head->number) : ", which is missing") +
                     ": see `hearth audit verify`; nothing is added to it");
}

// Calls add(last), which writes rows and moves `last` on.
template <class Add>
void AuditLog::append(const Add& add) {
  const std::unique_lock lock(writing_, kOwnPatience);
  if (!lock) throw AuditError("the audit log " + options_.path.string() + " cannot be written: other rows wait too");
  const Head::Lock other_processes(head_);
  require_in_place();
  Transaction transaction(database_);
  Link last;
  if (last_row_.next()) {
    last = {static_cast<uint64_t>(last_row_.number(0)), last_row_.text(1)};
    last_time_ = std::max(last_time_, time_of(last_row_.text(2)));
    last_row_.reset();
  }
  check_head(last);
  const Link before = last;
  add(last);
  transaction.commit();
  if (last == before) return;
  head_.write(last);
  require_in_place();
}

// A row in a file that nobody finds is none.
void AuditLog::require_in_place() {
  database_.require_in_place();
  head_.require_in_place();
}

template <class Record>
uint64_t AuditLog::add_row(const Record& record, Link& last, const std::string& body) {
  last_time_ = std::max(last_time_, options_.now());
  ++last.number;
  const std::string content = word(record, last.number, last_time_);
  last.hash = chained(last.hash, content);
  insert_.bind(static_cast<int64_t>(last.number)).bind(content).bind(last.hash).run();
  if (options_.bodies && !body.empty()) insert_body_.bind(static_cast<int64_t>(last.number)).bind(body).run();
  return last.number;
}

uint64_t AuditLog::write(const Decision& decision, const std::string& body) {
  uint64_t number = 0;
  append([&](Link& last) { number = add_row(decision, last, body); });
  return number;
}

uint64_t AuditLog::write(const Outcome& outcome, const std::string& body) {
  uint64_t number = 0;
  append([&](Link& last) { number = add_row(outcome, last, body); });
  return number;
}

void AuditLog::write_soon(Decision decision, Outcome outcome) {
  {
    const std::lock_guard lock(queue_mutex_);
    if (queue_.size() < kMostQueued) {
      queue_.push_back({std::move(decision), std::move(outcome)});
      if (queue_.size() > 1) return;  // the writer knows
    }
  }
  arrived_.notify_one();
}

void AuditLog::flush() {
  std::unique_lock lock(queue_mutex_);
  written_.wait(lock, [&] { return queue_.empty() && !busy_; });
}

void AuditLog::write_pairs(const std::vector<Pair>& pairs) {
  append([&](Link& last) {
    for (const Pair& pair : pairs) {
      Outcome outcome = pair.outcome;
      outcome.decision = add_row(pair.decision, last, {});
      add_row(outcome, last, {});
    }
  });
}

void AuditLog::write_in_background() {
  std::unique_lock lock(queue_mutex_);
  while (!ending_ || !queue_.empty()) {
    arrived_.wait(lock, [&] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) continue;
    arrived_.wait_for(lock, kGather, [&] { return ending_; });
    const std::vector<Pair> pairs = std::exchange(queue_, {});
    busy_ = true;
    lock.unlock();
    try {
      write_pairs(pairs);
    } catch (const std::exception& error) {
      if (options_.on_loss) options_.on_loss(error.what(), pairs.size());
    }
    lock.lock();
    busy_ = false;
    written_.notify_all();
  }
}

}  // namespace hearth::audit
