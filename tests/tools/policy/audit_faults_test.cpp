// What verify finds, and what it cannot.
#include <gtest/gtest.h>

#include "tests/tools/policy/temporary_log.h"

namespace hearth::audit {
namespace {

class AuditFaults : public testing::Test {
 protected:
  AuditFaults() { log_.fill(4); }
  bool found(const std::string& words) const { return log_.faults().find(words) != std::string::npos; }

  TemporaryLog log_;
};

TEST_F(AuditFaults, AChangedRowIsFound) {
  log_.change("UPDATE log SET content = replace(content, '\"bytes\":6', '\"bytes\":7') WHERE n = 3");
  EXPECT_TRUE(found("row 3 is not what was written")) << log_.faults();
}

TEST_F(AuditFaults, AChangedHashIsFound) {
  log_.change("UPDATE log SET hash = iif(substr(hash, 1, 1) = 'a', 'b', 'a') || substr(hash, 2) WHERE n = 5");
  EXPECT_TRUE(found("row 6 is not what was written") || found("row 5 is not what was written"));
}

TEST_F(AuditFaults, ARemovedRowIsFound) {
  log_.change("DELETE FROM log WHERE n = 3");
  EXPECT_TRUE(found("row 3 is missing")) << log_.faults();
}

TEST_F(AuditFaults, ARemovedBeginningIsFound) {
  log_.change("DELETE FROM log WHERE n < 5");
  EXPECT_TRUE(found("row 1 to 4 is missing")) << log_.faults();
}

TEST_F(AuditFaults, RemovedAndRenumberedRowsAreFound) {
  log_.change("DELETE FROM log WHERE n = 3; UPDATE log SET n = n - 1 WHERE n > 3");
  EXPECT_TRUE(found("row 3 was written under another number")) << log_.faults();
}

TEST_F(AuditFaults, RowsInAnotherOrderAreFound) {
  log_.change("UPDATE log SET n = -3 WHERE n = 3; UPDATE log SET n = 3 WHERE n = 5; UPDATE log SET n = 5 WHERE n = -3");
  EXPECT_TRUE(found("row 3 is not what was written")) << log_.faults();
}

TEST_F(AuditFaults, ALogThatWasCutShortIsFoundAndNotWrittenOn) {
  log_.change("DELETE FROM log WHERE n > 6");
  EXPECT_TRUE(found("the head says that there were 8 rows")) << log_.faults();
  EXPECT_THROW(AuditLog(log_.options()), AuditError);
  log_.change("DELETE FROM log");
  EXPECT_TRUE(found("8 rows"));
  EXPECT_THROW(AuditLog(log_.options()), AuditError);
}

TEST_F(AuditFaults, ViewsTablesAndTriggersThatAreNotOursAreFound) {
  EXPECT_EQ(log_.faults(), "");
  log_.change("CREATE TABLE notes (text); CREATE VIEW mine AS SELECT * FROM log");
  EXPECT_EQ(log_.faults(), "") << "somebody's own may stand beside";
  log_.change("DROP VIEW decisions; CREATE VIEW decisions AS SELECT 1 AS n WHERE 0");
  EXPECT_TRUE(found("the view 'decisions' is not as Hearth makes it")) << log_.faults();
  log_.change("DROP VIEW decisions; CREATE TRIGGER t AFTER INSERT ON notes BEGIN DELETE FROM notes; END");
  EXPECT_TRUE(found("the trigger 't'")) << log_.faults();
}

TEST_F(AuditFaults, BodiesOfRowsThatHaveNoneAreFound) {
  {
    AuditLog writer(log_.options());
    writer.write_soon({}, outcome_of(0));
  }
  EXPECT_EQ(log_.faults(), "");
  log_.change("INSERT INTO bodies VALUES (9, 'forged')");
  EXPECT_TRUE(found("a body is kept of row 9, by which nothing left")) << log_.faults();
  log_.change("UPDATE bodies SET n = 999");
  EXPECT_TRUE(found("a body is kept of row 999, which is not in the log")) << log_.faults();
}

TEST_F(AuditFaults, AMissingHeadIsFoundAndNotReplaced) {
  std::filesystem::remove(log_.path.string() + ".head");
  EXPECT_TRUE(found("head beside the log is missing"));
  EXPECT_THROW(AuditLog(log_.options()), AuditError);
}

TEST_F(AuditFaults, ADamagedHeadIsAnError) {
  write_text(log_.path.string() + ".head", "8:abc\n");
  EXPECT_THROW(verify(log_.path), AuditError);
  EXPECT_THROW(AuditLog(log_.options()), AuditError);
}

TEST_F(AuditFaults, AnOutcomeWithoutADecisionIsFound) {
  AuditLog(log_.options()).write(outcome_of(2), "");
  EXPECT_TRUE(found("row 9 is the outcome of row 2")) << log_.faults();
}

// Who may write both files can write another history: only a link that was noted elsewhere shows it.
TEST_F(AuditFaults, AHistoryThatWasWrittenAnewIsFoundByANotedRow) {
  const Link noted = verify(log_.path).last;
  EXPECT_EQ(log_.faults(noted), "");
  for (const char* ending : {"", "-wal", "-shm", ".head"}) std::filesystem::remove(log_.path.string() + ending);
  log_.fill(5);
  EXPECT_EQ(log_.faults(), "");
  EXPECT_NE(log_.faults(noted).find("row 8 is not the one that was noted"), std::string::npos) << log_.faults(noted);
}

TEST(AuditLinks, AreReadAsTheyArePrinted) {
  const Link link{17, sha256("x")};
  EXPECT_EQ(read_link(link_text(link)), link);
  for (const char* text : {"", "17", "17:abc", "x:0000000000000000000000000000000000000000000000000000000000000000"})
    EXPECT_FALSE(read_link(text)) << text;
}

}  // namespace
}  // namespace hearth::audit
