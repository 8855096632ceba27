// SQLite in the little that the log needs.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/audit/file_id.h"
#include "tools/audit/record.h"

namespace hearth::audit {

// Errors are AuditError. For one thread at a time.
class Database {
 public:
  enum class Access { write, read };
  // `write` creates the file and its tables where they are absent. Nobody but its owner may then read it.
  Database(const std::filesystem::path& path, Access access);

  void run(const char* statement);
  // What of our tables and views is there, but not as we make it; also each trigger. Lines for people.
  std::vector<std::string> foreign_parts();
  // Throws where the file that is open, or its write-ahead log, is no longer the one at its path.
  void require_in_place();

 private:
  friend class Statement;
  std::filesystem::path file(const char* ending) const;
  void make_private();
  [[noreturn]] void fail(const std::string& doing) const;

  std::filesystem::path path_;
  std::optional<FileId> main_, write_ahead_;  // when they were first looked at
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_{nullptr, &sqlite3_close};
};

// A prepared statement, to be used again and again.
class Statement {
 public:
  Statement(Database& database, const char* text);

  Statement& bind(int64_t value);
  Statement& bind(std::string_view value);
  // The next row; false after the last one. The statement is then ready for new values.
  bool next();
  int64_t number(int column) const;
  std::string text(int column) const;
  bool is_text(int column) const;
  // Runs a statement that gives no rows.
  void run();
  void reset();

 private:
  Database& database_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> handle_{nullptr, &sqlite3_finalize};
  int bound_ = 0;
};

// Begins a transaction that writes; undone unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace hearth::audit
