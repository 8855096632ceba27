// Answers of both sides to the same request, and what people thought of answers: beside the log, not part of its chain.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "tools/audit/database.h"

namespace hearth::audit {

// One request answered twice.
struct Comparison {
  std::string request, task, rule;
  bool escalated = false;  // the client got the remote's answer; false: the local one
  std::string local_model, remote, model;
  bool exact = false;
  double distance = 0;                                // by words, 0 to 1
  std::optional<double> similarity;                   // of meanings, where the local model can tell
  std::optional<bool> local_is_json, remote_is_json;  // where a format was asked for
  std::optional<double> confidence;                   // of the local answer's first tokens
  double local_seconds = 0, remote_seconds = 0, cost = 0;
  std::string prompt, local_text, remote_text;  // kept only where bodies are, and without the secrets that were found
};

class Comparisons {
 public:
  // Throws AuditError, as all functions.
  Comparisons(const std::filesystem::path& log, bool bodies);

  // Thread-safe.
  void add(const Comparison& comparison, int64_t time);
  // `verdict`: "up" or "down" for the answer that was given, "local", "remote" or "same" for the better one of two.
  void judge(const std::string& request, const std::string& verdict, int64_t time);
  // All rows with at least this number, with "id" and, where somebody judged, the last "verdict".
  void each(int64_t from, const std::function<void(const Json&)>& action);
  int64_t last();  // number; 0: none

 private:
  bool bodies_;
  std::mutex mutex_;
  Database database_;
  Statement insert_, insert_verdict_;
};

bool is_verdict(const std::string& word);

// The last verdict on each request that has one.
void each_verdict(const std::filesystem::path& log,
                  const std::function<void(const std::string& request, const std::string& verdict)>& action);
// The rows, as each() tells them, of a log that may be written meanwhile.
void each_comparison(const std::filesystem::path& log, const std::function<void(const Json&)>& action);

}  // namespace hearth::audit
