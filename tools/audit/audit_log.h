// Writes the audit log.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tools/audit/database.h"
#include "tools/audit/head.h"
#include "tools/audit/record.h"

namespace hearth::audit {

struct LogOptions {
  std::filesystem::path path;         // "hearth.db"; the head is beside it
  bool bodies = false;                // keep what was sent and what came back
  std::function<int64_t()> now = {};  // milliseconds since 1970; empty: the system's clock
  // Told where rows that nobody waits for could not be written; in a thread of the log's own.
  std::function<void(const std::string& why, uint64_t lost)> on_loss = {};
};

// Several processes may write the same log. Thread-safe. A log that its head says was longer is not written on, nor one
// whose files were deleted, moved or replaced since they were opened.
class AuditLog {
 public:
  // Throws AuditError where the log cannot be opened, or does not agree with its head.
  explicit AuditLog(LogOptions options);
  // Writes what write_soon() was given.
  ~AuditLog();

  bool keeps_bodies() const { return options_.bodies; }

  // The row's number. On the disk when it returns; throws AuditError where it is not. `body` is what leaves, and the
  // outcome's what came back; they are kept only where LogOptions say so.
  uint64_t write(const Decision& decision, const std::string& body);
  uint64_t write(const Outcome& outcome, const std::string& body);
  // A decision by which nothing leaves, and its outcome: written soon, by another thread. Costs its caller a
  // microsecond.
  void write_soon(Decision decision, Outcome outcome);
  // Waits until what write_soon() was given is written, or lost.
  void flush();

 private:
  struct Pair {
    Decision decision;
    Outcome outcome;
  };

  void check_head(const Link& last);
  void require_in_place();
  template <class Add>
  void append(const Add& add);
  template <class Record>
  uint64_t add_row(const Record& record, Link& last, const std::string& body);
  void write_pairs(const std::vector<Pair>& pairs);
  void write_in_background();

  LogOptions options_;
  std::timed_mutex writing_;  // guards what follows
  Head head_;
  Database database_;
  Statement last_row_, hash_of_row_, insert_, insert_body_;
  int64_t last_time_ = 0;  // time in the log does not go back, whatever the clock does

  std::mutex queue_mutex_;
  std::condition_variable arrived_, written_;
  std::vector<Pair> queue_;
  bool ending_ = false, busy_ = false;
  std::thread writer_;  // last: it uses the rest
};

}  // namespace hearth::audit
