// An audit log in a folder of its own.
#pragma once

#include <string>
#include <vector>

#include "tests/formats/gguf_bytes.h"
#include "tools/audit/audit_log.h"
#include "tools/audit/reader.h"
#include "tools/audit/verify.h"

namespace hearth::audit {

inline Decision leaving(const std::string& body, const std::string& request = "req_1") {
  Decision decision;
  decision.request = request;
  decision.task = "chat";
  decision.rule = "model";
  decision.leaves = true;
  decision.asked_model = decision.model = "large";
  decision.remote = "cloud";
  decision.url = "https://api.example/v1/chat/completions";
  decision.attempt = 1;
  decision.bytes = body.size();
  decision.sha256 = sha256(body);
  return decision;
}

inline Outcome outcome_of(uint64_t decision) {
  Outcome outcome;
  outcome.decision = decision;
  outcome.result = "answered";
  outcome.status = 200;
  return outcome;
}

struct TemporaryLog {
  TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "hearth.db";

  LogOptions options() const { return {path}; }
  // Writes `count` decisions to leave, each with its outcome.
  void fill(int count) const {
    AuditLog log(options());
    for (int i = 0; i < count; ++i) log.write(outcome_of(log.write(leaving("body " + std::to_string(i)), "")), "");
  }
  // Changes the database as someone who may write the file.
  void change(const char* statement) const { Database(path, Database::Access::write).run(statement); }
  std::vector<Json> rows() const {
    std::vector<Json> rows;
    Reader(path).each([&](const Row& row) {
      rows.push_back(parse_row(row.content));
      return true;
    });
    return rows;
  }
  // The faults of the log in one text.
  std::string faults(const std::optional<Link>& noted = {}) const {
    std::string text;
    for (const std::string& fault : verify(path, noted).faults) text += fault + "\n";
    return text;
  }
};

}  // namespace hearth::audit
