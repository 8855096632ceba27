// What the log writes, and under which troubles.
#include "tools/audit/audit_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <sstream>

#include "tests/tools/policy/temporary_log.h"
#include "tools/audit/egress.h"
#include "tools/audit/export.h"

namespace hearth::audit {
namespace {

TEST(AuditLog, HoldsDecisionsAndTheirOutcomesInOneChain) {
  TemporaryLog log;
  log.fill(3);
  const std::vector<Json> rows = log.rows();
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows[2]["kind"], "decision");
  EXPECT_EQ(rows[2]["sha256"], sha256("body 1"));
  EXPECT_EQ(rows[2]["bytes"], 6);
  EXPECT_EQ(rows[3]["decision"], 3);
  EXPECT_EQ(log.faults(), "");
  const Verdict verdict = verify(log.path);
  EXPECT_EQ(verdict.decisions, 3u);
  EXPECT_EQ(verdict.left, 3u);
  EXPECT_TRUE(verdict.remarks.empty());
}

TEST(AuditLog, LocalDecisionsAreWrittenSoonAndInOrder) {
  TemporaryLog log;
  {
    AuditLog writer(log.options());
    Decision here;
    here.rule = "default";
    for (int i = 0; i < 100; ++i) {
      here.request = std::to_string(i);
      writer.write_soon(here, outcome_of(0));
    }
    writer.flush();
    EXPECT_EQ(log.rows().size(), 200u);
    writer.write_soon(here, outcome_of(0));
  }
  EXPECT_EQ(log.rows().size(), 202u) << "what is waiting at the end is written too";
  EXPECT_EQ(log.rows()[40]["request"], "20");
  EXPECT_EQ(log.rows()[40]["route"], "local");
  EXPECT_FALSE(log.rows()[40].contains("sha256"));
  EXPECT_EQ(log.faults(), "");
}

TEST(AuditLog, GoesOnWhereItEndedAndTakesSeveralWriters) {
  TemporaryLog log;
  log.fill(2);
  AuditLog one(log.options()), other(log.options());
  for (int i = 0; i < 5; ++i) {
    one.write(leaving("a"), "");
    other.write(leaving("b"), "");
  }
  EXPECT_EQ(log.rows().size(), 14u);
  EXPECT_EQ(log.faults(), "");
}

TEST(AuditLog, TimeDoesNotGoBackWithTheClock) {
  TemporaryLog log;
  int64_t now = 2'000'000'000'000;
  LogOptions options = log.options();
  options.now = [&] { return now; };
  {
    AuditLog writer(options);
    writer.write(leaving("a"), "");
    now -= 3'600'000;
    writer.write(leaving("b"), "");
  }
  AuditLog(options).write(leaving("c"), "");
  for (const Json& row : log.rows()) EXPECT_EQ(row["time"], time_text(2'000'000'000'000));
  EXPECT_EQ(log.faults(), "");
}

TEST(AuditLog, KeepsBodiesOnlyWhereItIsToldTo) {
  TemporaryLog log;
  AuditLog(log.options()).write(leaving("secret words"), "secret words");
  EXPECT_EQ(Reader(log.path).body(1), "");
  LogOptions options = log.options();
  options.bodies = true;
  AuditLog(options).write(leaving("kept words"), "kept words");
  EXPECT_EQ(Reader(log.path).body(2), "kept words");
  EXPECT_EQ(log.faults(), "");
  log.change("UPDATE bodies SET content = 'other words'");
  EXPECT_NE(log.faults().find("body"), std::string::npos);
  log.change("DELETE FROM bodies");
  EXPECT_EQ(log.faults(), "") << "kept bodies may be deleted";
}

TEST(AuditLog, AFullDiskIsAnErrorAndLeavesTheChainWhole) {
  TemporaryLog log;
  log.fill(1);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit usual{};
  getrlimit(RLIMIT_FSIZE, &usual);
  int refused = 0;
  {
    AuditLog writer(log.options());
    rlimit small = usual;
    small.rlim_cur = 64 << 10;
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < 100; ++i) try {
        writer.write(leaving(std::string(2000, 'x')), "");
      } catch (const AuditError& error) {
        ++refused;
        EXPECT_NE(std::string(error.what()).find("hearth.db"), std::string::npos);
      }
    setrlimit(RLIMIT_FSIZE, &usual);
    EXPECT_GT(refused, 0);
    writer.write(leaving("after"), "");
  }
  EXPECT_EQ(log.faults(), "");
  EXPECT_EQ(log.rows().back()["bytes"], 5);
}

TEST(AuditLog, WhatNobodyWaitsForIsToldToBeLost) {
  TemporaryLog log;
  std::atomic<uint64_t> lost = 0;
  LogOptions options = log.options();
  options.on_loss = [&](const std::string&, uint64_t count) { lost += count; };
  AuditLog writer(options);
  write_text(log.path.string() + ".head", "nonsense\n");
  writer.write_soon({}, {});
  writer.flush();
  EXPECT_EQ(lost, 1u);
}

// A process that is killed while it writes: what it was told is written is there, and the chain is whole.
TEST(AuditLog, SurvivesKillingAtAnyMoment) {
  TemporaryLog log;
  uint64_t told = 0;
  for (int round = 0; round < 8; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      AuditLog writer(log.options());
      for (;;) {
        const uint64_t row = writer.write(leaving(std::to_string(round)), "");
        if (write(ends[1], &row, sizeof(row)) != sizeof(row)) _exit(1);
      }
    }
    close(ends[1]);
    for (int i = 0; i < 3 + round * 2; ++i)
      if (uint64_t row = 0; read(ends[0], &row, sizeof(row)) == sizeof(row)) told = row;
    usleep(static_cast<useconds_t>(300 * round));
    kill(child, SIGKILL);
    for (uint64_t row = 0; read(ends[0], &row, sizeof(row)) == sizeof(row);) told = row;
    close(ends[0]);
    waitpid(child, nullptr, 0);
    EXPECT_GE(log.rows().size(), told);
    EXPECT_EQ(log.faults(), "");
  }
  EXPECT_GT(told, 8u);
}

TEST(AuditExport, HasEveryRowAsJsonAndAsCsv) {
  TemporaryLog log;
  log.fill(2);
  std::ostringstream jsonl, csv, later;
  export_rows(log.path, {}, ExportFormat::jsonl, jsonl);
  export_rows(log.path, {}, ExportFormat::csv, csv);
  export_rows(log.path, {4'000'000'000'000, INT64_MAX}, ExportFormat::jsonl, later);
  const std::string first = jsonl.str().substr(0, jsonl.str().find('\n'));
  EXPECT_EQ(Json::parse(first)["url"], "https://api.example/v1/chat/completions");
  EXPECT_EQ(Json::parse(first)["hash"].get<std::string>().size(), 64u);
  EXPECT_EQ(std::ranges::count(jsonl.str(), '\n'), 4);
  EXPECT_EQ(std::ranges::count(csv.str(), '\n'), 5);
  EXPECT_EQ(csv.str().find("n,kind,time,"), 0u);
  EXPECT_EQ(later.str(), "");
}

TEST(AuditExport, CellsAreNoFormulas) {
  TemporaryLog log;
  Decision decision = leaving("x");
  decision.repository = "=HYPERLINK(\"http://evil\")";
  AuditLog(log.options()).write(decision, "");
  std::ostringstream csv;
  export_rows(log.path, {}, ExportFormat::csv, csv);
  EXPECT_NE(csv.str().find("\"'=HYPERLINK(\"\"http://evil\"\")\""), std::string::npos) << csv.str();
}

TEST(AuditEgress, ListsWhatLeftOrSaysThatNothingDid) {
  TemporaryLog log;
  {
    AuditLog writer(log.options());
    writer.write_soon({}, outcome_of(0));
  }
  std::ostringstream nothing, something, before;
  EXPECT_TRUE(tell_egress(log.path, {}, nothing));
  EXPECT_NE(nothing.str().find("Nothing left this machine"), std::string::npos) << nothing.str();
  EXPECT_NE(nothing.str().find("1 requests were answered here"), std::string::npos);
  log.fill(2);
  EXPECT_TRUE(tell_egress(log.path, {}, something));
  EXPECT_NE(something.str().find(sha256("body 0")), std::string::npos);
  EXPECT_NE(something.str().find("answered, 0 bytes of it were sent"), std::string::npos) << something.str();
  EXPECT_NE(something.str().find("In all 12 bytes left this machine through Hearth, sent 2 times"), std::string::npos)
      << something.str();
  EXPECT_TRUE(tell_egress(log.path, {0, 1000}, before));
  EXPECT_NE(before.str().find("Nothing left"), std::string::npos);
  log.change("DELETE FROM log WHERE n = 3");
  std::ostringstream broken;
  EXPECT_FALSE(tell_egress(log.path, {}, broken));
  EXPECT_NE(broken.str().find("NOT whole"), std::string::npos);
}

TEST(AuditEgress, TellsRefusedRequestsFromAnsweredOnes) {
  TemporaryLog log;
  {
    AuditLog writer(log.options());
    for (const char* result : {"answered", "refused", "refused", "left", "doubted"}) {
      Outcome outcome;
      outcome.result = result;
      writer.write_soon({}, outcome);
    }
  }
  std::ostringstream told;
  tell_egress(log.path, {}, told);
  EXPECT_NE(told.str().find("1 requests were answered here, 2 were refused, 1 had no answer"), std::string::npos)
      << told.str();
}

TEST(AuditTimes, AreReadInSeveralForms) {
  EXPECT_EQ(read_time("1970-01-02"), 86'400'000);
  EXPECT_EQ(read_time("1970-01-01T00:00:01Z"), 1000);
  EXPECT_EQ(read_time(time_text(1'234'567'890'123)), 1'234'567'890'123);
  EXPECT_FALSE(read_time("yesterday"));
  for (const char* text : {"1970-01-01x", "26-11-30", "2026-02-31", "2026-1-2", " 2026-11-30", "2026-11-30T25:00:00Z",
                           "2026-11-30T10:00:60Z", "2026-11-30 10:00:00", ""})
    EXPECT_FALSE(read_time(text)) << text;
}

TEST(AuditTimes, ADateAloneEndsAPeriodWithItsDay) {
  EXPECT_EQ(read_end("1970-01-01"), 86'400'000);
  EXPECT_EQ(read_end("1970-01-01T00:00:01Z"), 1000);
  EXPECT_FALSE(read_end("1970-02-30"));
}

}  // namespace
}  // namespace hearth::audit
