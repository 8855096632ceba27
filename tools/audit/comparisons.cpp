// Two tables: comparisons as JSON, and verdicts by request.
#include "tools/audit/comparisons.h"

#include <algorithm>
#include <array>

namespace hearth::audit {
namespace {

constexpr const char* kRows =
    "SELECT c.id, c.content, (SELECT f.verdict FROM feedback f WHERE f.request = c.content->>'request' "
    "ORDER BY f.id DESC LIMIT 1) FROM comparisons c WHERE c.id >= ? ORDER BY c.id";

void tell_rows(Statement& rows, const std::function<void(const Json&)>& action) {
  while (rows.next()) {
    Json row = Json::parse(rows.text(1), nullptr, false);
    if (!row.is_object()) continue;
    row["id"] = rows.number(0);
    if (rows.is_text(2)) row["verdict"] = rows.text(2);
    action(row);
  }
}

// A log of an earlier version has no such tables.
bool has_tables(Database& database) {
  Statement tables(database, "SELECT count(*) FROM sqlite_master WHERE name IN ('comparisons', 'feedback')");
  return tables.next() && tables.number(0) == 2;
}

}  // namespace

Comparisons::Comparisons(const std::filesystem::path& log, bool bodies)
    : bodies_(bodies),
      database_(log, Database::Access::write),
      insert_(database_, "INSERT INTO comparisons (content) VALUES (?)"),
      insert_verdict_(database_, "INSERT INTO feedback (time, request, verdict) VALUES (?, ?, ?)") {}

void Comparisons::add(const Comparison& comparison, int64_t time) {
  Json row = {{"time", time_text(time)},
              {"request", comparison.request},
              {"task", comparison.task},
              {"rule", comparison.rule},
              {"escalated", comparison.escalated},
              {"local_model", comparison.local_model},
              {"remote", comparison.remote},
              {"model", comparison.model},
              {"exact", comparison.exact},
              {"distance", comparison.distance},
              {"local_seconds", comparison.local_seconds},
              {"remote_seconds", comparison.remote_seconds},
              {"cost", comparison.cost}};
  if (comparison.similarity) row["similarity"] = *comparison.similarity;
  if (comparison.local_is_json) row["local_is_json"] = *comparison.local_is_json;
  if (comparison.remote_is_json) row["remote_is_json"] = *comparison.remote_is_json;
  if (comparison.confidence) row["confidence"] = *comparison.confidence;
  if (bodies_) {
    row["prompt"] = comparison.prompt;
    row["local_text"] = comparison.local_text;
    row["remote_text"] = comparison.remote_text;
  }
  const std::lock_guard lock(mutex_);
  insert_.bind(row.dump(-1, ' ', false, Json::error_handler_t::replace)).run();
}

void Comparisons::judge(const std::string& request, const std::string& verdict, int64_t time) {
  const std::lock_guard lock(mutex_);
  insert_verdict_.bind(time_text(time)).bind(request).bind(verdict).run();
}

void Comparisons::each(int64_t from, const std::function<void(const Json&)>& action) {
  const std::lock_guard lock(mutex_);
  Statement rows(database_, kRows);
  tell_rows(rows.bind(from), action);
}

int64_t Comparisons::last() {
  const std::lock_guard lock(mutex_);
  Statement one(database_, "SELECT coalesce(max(id), 0) FROM comparisons");
  return one.next() ? one.number(0) : 0;
}

bool is_verdict(const std::string& word) {
  constexpr std::array kWords = {"up", "down", "local", "remote", "same"};
  return std::ranges::find(kWords, word) != kWords.end();
}

void each_verdict(const std::filesystem::path& log,
                  const std::function<void(const std::string&, const std::string&)>& action) {
  Database database(log, Database::Access::read);
  if (!has_tables(database)) return;
  Statement rows(database,
                 "SELECT request, verdict FROM feedback WHERE id IN "
                 "(SELECT max(id) FROM feedback GROUP BY request) ORDER BY id");
  while (rows.next()) action(rows.text(0), rows.text(1));
}

void each_comparison(const std::filesystem::path& log, const std::function<void(const Json&)>& action) {
  Database database(log, Database::Access::read);
  if (!has_tables(database)) return;
  Statement rows(database, kRows);
  tell_rows(rows.bind(int64_t{0}), action);
}

}  // namespace hearth::audit
