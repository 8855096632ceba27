// hearth audit: what was decided, what left the machine, and whether the log of it is whole.
#include <iostream>
#include <memory>

#include "tools/audit/export.h"
#include "tools/audit/reader.h"
#include "tools/audit/verify.h"
#include "tools/command.h"

namespace hearth {
namespace {

using audit::Period;

struct AuditAsk {
  std::string log = "hearth.db", from, to, noted, format = "jsonl";
  audit::ShowOptions show;
};

// Ends the program with 1 where something was found, once it has been said.
void end_with(bool good) {
  std::cout.flush();
  if (!good) throw CLI::RuntimeError(1);
}

int64_t moment(const std::string& text, std::optional<int64_t> time, int64_t otherwise) {
  if (text.empty()) return otherwise;
  if (time) return *time;
  throw UsageError("'" + text + "' is no time, as 2026-11-25 or 2026-11-25T16:00:00Z");
}

Period period_of(const AuditAsk& given) {
  const Period period{moment(given.from, audit::read_time(given.from), 0),
                      moment(given.to, audit::read_end(given.to), INT64_MAX)};
  if (period.from >= period.to)
    throw UsageError("the period is empty: --from " + given.from + " is not before --to " + given.to);
  return period;
}

void require_log(const AuditAsk& given) {
  if (!std::filesystem::exists(given.log)) throw UsageError("there is no audit log " + given.log + "; --db names one");
}

void verify(const AuditAsk& given) {
  std::optional<audit::Link> noted;
  if (!given.noted.empty()) {
    noted = audit::read_link(given.noted);
    if (!noted) throw UsageError("--noted must be NUMBER:HASH, as verify prints it");
  }
  const audit::Verdict verdict = audit::verify(given.log, noted);
  for (const std::string& fault : verdict.faults) std::cout << "FAULT: " << fault << "\n";
  for (const std::string& remark : verdict.remarks) std::cout << "note: " << remark << "\n";
  std::cout << verdict.rows << " rows: " << verdict.decisions << " decisions, " << verdict.left
            << " of them to send bytes off this machine, and " << verdict.outcomes << " outcomes\n";
  if (verdict.whole()) std::cout << "whole; last row " << audit::link_text(verdict.last) << "\n";
  end_with(verdict.whole());
}

}  // namespace

void add_audit(CLI::App& program) {
  const auto given = std::make_shared<AuditAsk>();
  CLI::App* audit = program.add_subcommand("audit", "Read the log of what was decided and what left the machine");
  audit->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, auto action) {
    CLI::App* command = audit->add_subcommand(name, help);
    command->add_option("--db", given->log, "The audit log")->capture_default_str();
    command->callback([given, action] {
      require_log(*given);
      action(*given);
    });
    return command;
  };
  const auto add_period = [&](CLI::App* command) {
    command->add_option("--from", given->from, "Only from this time on, UTC, as 2026-11-25 or 2026-11-25T16:00:00Z");
    command->add_option("--to", given->to, "Only before this time; a date alone means the end of that day");
  };
  add("verify", "Check that no row was changed, removed, moved or cut off", verify)
      ->add_option("--noted", given->noted, "NUMBER:HASH of a row that was noted elsewhere, which must still be there");
  CLI::App* show = add("show", "The last decisions and what became of them",
                       [](const AuditAsk& asked) { audit::show_rows(asked.log, asked.show, std::cout); });
  show->add_option("--last", given->show.last, "How many decisions; 0: all")
      ->check(between(0, 1 << 30))
      ->capture_default_str();
  show->add_option("--request", given->show.request, "Only of this request: its X-Request-Id");
  show->add_flag("--bodies", given->show.bodies, "What was sent and came back, where it was kept");
  CLI::App* exported = add("export", "All rows for other programs", [](const AuditAsk& asked) {
    audit::export_rows(asked.log, period_of(asked),
                       asked.format == "csv" ? audit::ExportFormat::csv : audit::ExportFormat::jsonl, std::cout);
  });
  exported->add_option("--format", given->format, "jsonl or csv")
      ->check(CLI::IsMember({"jsonl", "csv"}))
      ->capture_default_str();
  add_period(exported);
  add_period(add("egress", "All that left this machine in a period, or that nothing did",
                 [](const AuditAsk& asked) { end_with(audit::tell_egress(asked.log, period_of(asked), std::cout)); }));
}

}  // namespace hearth
