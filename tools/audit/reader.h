// Reads the audit log, also while a server writes it.
#pragma once

#include <filesystem>
#include <functional>

#include "tools/audit/database.h"
#include "tools/audit/head.h"

namespace hearth::audit {

struct Row {
  int64_t number = 0;
  std::string content, hash;
};

// The time of a row's content; 0 where it has none.
int64_t time_of(const std::string& content);
// The content; null where it cannot be read.
Json parse_row(const std::string& content);
// A member as text, or as a number; "" and 0 where there is none.
std::string text_in(const Json& row, const char* name);
double number_in(const Json& row, const char* name);

// What the log and its head say at one moment. Throws AuditError.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path);

  // Nothing where there is none.
  const std::optional<Link>& head() const { return head_; }
  // All rows in the order of their numbers, until `action` returns false.
  void each(const std::function<bool(const Row&)>& action);
  // What was kept of a row; empty where nothing was.
  std::string body(int64_t number);
  // Whether a row is about the request.
  bool knows(const std::string& request);
  // Rows that something was kept of and that are not in the log.
  std::vector<int64_t> bodies_without_rows();
  // See Database.
  std::vector<std::string> foreign_parts() { return database_.foreign_parts(); }

 private:
  Database database_;
  std::optional<Link> head_;
};

}  // namespace hearth::audit
