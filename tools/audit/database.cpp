// Opening, preparing, stepping.
#include "tools/audit/database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <utility>

namespace hearth::audit {
namespace {

constexpr int kBusyMilliseconds = 5000;  // another process writes

// The content is what is chained; the views are for those who ask by SQL.
constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY, content TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS bodies (n INTEGER PRIMARY KEY, content TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS comparisons (id INTEGER PRIMARY KEY, content TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS feedback (id INTEGER PRIMARY KEY, time TEXT NOT NULL, request TEXT NOT NULL,
  verdict TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS feedback_of ON feedback (request);
CREATE VIEW IF NOT EXISTS decisions AS SELECT n, content->>'time' AS time, content->>'route' AS route,
  content->>'rule' AS rule, content->>'request' AS request, content->>'client' AS client,
  content->>'repository' AS repository, content->>'task' AS task, content->>'asked_model' AS asked_model,
  content->>'local_model' AS local_model, content->>'remote' AS remote, content->>'model' AS model,
  content->>'url' AS url, content->>'attempt' AS attempt, content->>'bytes' AS bytes, content->>'sha256' AS sha256,
  content->>'redactions' AS redactions, content->>'confidence' AS confidence, content->>'entropy' AS entropy
  FROM log WHERE content->>'kind' = 'decision';
CREATE VIEW IF NOT EXISTS outcomes AS SELECT n, content->>'time' AS time, content->>'decision' AS decision,
  content->>'result' AS result, content->>'status' AS status, content->>'sent_head' AS sent_head,
  content->>'sent_body' AS sent_body, content->>'answer_bytes' AS answer_bytes,
  content->>'answer_sha256' AS answer_sha256, content->>'prompt_tokens' AS prompt_tokens,
  content->>'answer_tokens' AS answer_tokens, content->>'cost' AS cost, content->>'seconds' AS seconds,
  content->>'error' AS error
  FROM log WHERE content->>'kind' = 'outcome';
)sql";

}  // namespace

Database::Database(const std::filesystem::path& path, Access access) : path_(path) {
  const int flags = access == Access::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
  if (access == Access::write)  // before SQLite creates it for everyone to read
    if (const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600); file >= 0) close(file);
  sqlite3* handle = nullptr;
  int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (result != SQLITE_OK && access == Access::read) {  // a file that may not be written can still be read
    result = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr);
    handle_.reset(handle);
  }
  if (result != SQLITE_OK) fail("cannot be opened");
  sqlite3_busy_timeout(handle_.get(), kBusyMilliseconds);
  if (access == Access::read) return;
  make_private();
  run("PRAGMA journal_mode = WAL");
  run("PRAGMA synchronous = FULL");
  run(kTables);
}

// "hearth.db" -> "hearth.db-wal", where SQLite has it: a link is followed.
std::filesystem::path Database::file(const char* ending) const {
  return std::string(sqlite3_db_filename(handle_.get(), "main")) + ending;
}

void Database::make_private() {
  for (const char* ending : {"", "-wal", "-shm"}) {
    struct stat found {};
    const std::filesystem::path path = file(ending);
    if (stat(path.c_str(), &found) != 0 || (found.st_mode & 077) == 0) continue;
    if (chmod(path.c_str(), found.st_mode & 0700) != 0)
      throw AuditError("the audit log " + path.string() + " can be read by others, and that cannot be changed");
  }
}

std::vector<std::string> Database::foreign_parts() {
  const auto parts_of = [](Database& database) {
    Statement rows(database, "SELECT name, type, sql FROM sqlite_master");
    std::map<std::string, std::pair<std::string, std::string>> parts;
    while (rows.next()) parts[rows.text(0)] = {rows.text(1), rows.text(2)};
    return parts;
  };
  Database ours(":memory:", Access::read);
  ours.run(kTables);
  const auto made = parts_of(ours);
  std::vector<std::string> foreign;
  for (const auto& [name, part] : parts_of(*this)) {
    const auto own = made.find(name);
    if (part.first == "trigger")
      foreign.push_back("the trigger '" + name + "' is none of ours");
    else if (own != made.end() && own->second != part)
      foreign.push_back("the " + own->second.first + " '" + name + "' is not as Hearth makes it");
  }
  return foreign;
}

void Database::require_in_place() {
  int moved = 0;
  if (sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK) moved = 1;
  const auto main = file_at(path_), write_ahead = file_at(file("-wal"));
  if (!main_) main_ = main;
  if (!write_ahead_) write_ahead_ = write_ahead;
  if (moved != 0 || !main || main != main_ || write_ahead != write_ahead_)
    throw AuditError("the audit log " + path_.string() + " was deleted, moved or replaced while it was in use");
}

void Database::run(const char* statement) {
  if (sqlite3_exec(handle_.get(), statement, nullptr, nullptr, nullptr) != SQLITE_OK) fail("cannot be used");
}

void Database::fail(const std::string& doing) const {
  throw AuditError("the audit log " + path_.string() + " " + doing + ": " +
                   (handle_ ? sqlite3_errmsg(handle_.get()) : "out of memory"));
}

Statement::Statement(Database& database, const char* text) : database_(database) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v2(database.handle_.get(), text, -1, &handle, nullptr) != SQLITE_OK)
    database.fail("cannot be read");
  handle_.reset(handle);
}

Statement& Statement::bind(int64_t value) {
  if (sqlite3_bind_int64(handle_.get(), ++bound_, value) != SQLITE_OK) database_.fail("cannot be used");
  return *this;
}

Statement& Statement::bind(std::string_view value) {
  if (sqlite3_bind_text64(handle_.get(), ++bound_, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) !=
      SQLITE_OK)
    database_.fail("cannot be used");
  return *this;
}

bool Statement::next() {
  const int result = sqlite3_step(handle_.get());
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) {
    reset();
    database_.fail("cannot be used");
  }
  reset();
  return false;
}

int64_t Statement::number(int column) const { return sqlite3_column_int64(handle_.get(), column); }

std::string Statement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  return bytes == nullptr ? "" : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(handle_.get(), column)));
}

bool Statement::is_text(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_TEXT; }

void Statement::run() {
  while (next()) {
  }
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
  bound_ = 0;
}

Transaction::Transaction(Database& database) : database_(database) { database.run("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const AuditError&) {  // SQLite has done it
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace hearth::audit
