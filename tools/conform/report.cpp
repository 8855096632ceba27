// Counting, the table on the terminal, and JSON.
#include "tools/conform/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

namespace hearth::conform {
namespace {

bool is_own_row(const Record& record) {
  return record.property == "accuracy" || record.property == "model" || record.property == "golden";
}

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

// "37 ok, 0.42", "2 of 38 FAILED", "12 skipped"
std::string cell_text(const Cell& cell) {
  const Counts& counts = cell.counts;
  const size_t all = counts.passed + counts.failed + counts.skipped;
  if (all == 0) return "";
  if (counts.failed > 0) return std::to_string(counts.failed) + " of " + std::to_string(all) + " FAILED";
  std::string text = counts.passed > 0 ? std::to_string(counts.passed) + " ok" : "";
  if (counts.skipped > 0) text += (text.empty() ? "" : ", ") + std::to_string(counts.skipped) + " skipped";
  char worst[24];
  std::snprintf(worst, sizeof worst, ", %.2f", cell.worst);
  return text + (cell.worst > 0 ? worst : "");
}

}  // namespace

std::vector<Row> rows_of(const Report& report) {
  std::vector<Row> rows;
  for (const bool own : {true, false})
    for (const Record& record : report.records) {
      if (is_own_row(record) != own) continue;
      const bool whole = record.property == "model" || record.property == "golden";
      const std::string op = whole ? record.property == "golden" ? "golden" : "model"
                             : own ? record.op
                                   : record.property;
      const std::string format_class = own ? record.format_class : "-";
      auto row = std::find_if(rows.begin(), rows.end(),
                              [&](const Row& one) { return one.op == op && one.format_class == format_class; });
      if (row == rows.end())
        row = rows.insert(rows.end(), {op, format_class, std::vector<Cell>(report.devices.size())});
      for (size_t d = 0; d < report.devices.size(); ++d) {
        if (report.devices[d].name != record.device) continue;
        Cell& cell = row->cells[d];
        cell.counts.add(record.outcome);
        if (record.outcome != Outcome::passed || record.share <= cell.worst) continue;
        cell.worst = record.share;
        cell.worst_case = record.format + " " + record.shape;
      }
    }
  return rows;
}

Counts counts_of(const Report& report, const std::string& device) {
  Counts counts;
  for (const Record& record : report.records)
    if (device.empty() || record.device == device) counts.add(record.outcome);
  return counts;
}

std::string words_of(const Record& record) {
  std::string text = record.op;
  if (record.format != "-") text += " " + record.format;
  if (record.cache != "-") text += " cache " + record.cache;
  return text + " " + record.shape + ": " + record.property;
}

void print_report(const Report& report, std::ostream& out) {
  const std::vector<Row> rows = rows_of(report);
  std::vector<size_t> widths;
  for (size_t d = 0; d < report.devices.size(); ++d) {
    size_t width = report.devices[d].name.size();
    for (const Row& row : rows) width = std::max(width, cell_text(row.cells[d]).size());
    widths.push_back(width + 2);
    const std::string& description = report.devices[d].description;
    out << report.devices[d].name << (description.empty() ? "" : ": " + description) << "\n";
  }
  out << "\n" << padded("op", 12) << padded("weights", 9);
  for (size_t d = 0; d < report.devices.size(); ++d) out << padded(report.devices[d].name, widths[d]);
  out << "\n";
  for (const Row& row : rows) {
    std::string line = padded(row.op, 12) + padded(row.format_class, 9);
    for (size_t d = 0; d < row.cells.size(); ++d) line += padded(cell_text(row.cells[d]), widths[d]);
    out << line.substr(0, line.find_last_not_of(' ') + 1) << "\n";
  }
  out << "\nNumbers behind counts: the worst error as a share of what is allowed.\n";
  for (const Record& record : report.records) {
    if (record.outcome != Outcome::failed) continue;
    char figures[160];
    std::snprintf(figures, sizeof figures, "error %.3g, bound %.3g, nmse %.3g, limit %.3g", record.error, record.bound,
                  record.nmse, record.nmse_limit);
    out << "\nFAILED " << record.device << ": " << words_of(record) << "\n  " << record.message << "\n  " << figures
        << "\n  " << record.reason << "\n";
  }
  std::map<std::string, size_t> skipped;
  for (const Record& record : report.records)
    if (record.outcome == Outcome::skipped) ++skipped[record.device + ": " + record.message];
  for (const auto& [why, count] : skipped) out << "\nskipped " << count << " on " << why << "\n";
  const Counts counts = counts_of(report);
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.1f", report.seconds);
  out << "\n"
      << counts.passed << " passed, " << counts.failed << " failed, " << counts.skipped << " skipped in " << seconds
      << " s\n";
}

nlohmann::ordered_json json_of(const Report& report) {
  const Counts counts = counts_of(report);
  auto devices = nlohmann::ordered_json::array();
  for (const Candidate& device : report.devices) {
    const Counts own = counts_of(report, device.name);
    devices.push_back({{"name", device.name},
                       {"description", device.description},
                       {"passed", own.passed},
                       {"failed", own.failed},
                       {"skipped", own.skipped}});
  }
  // An error without a bound is no number in JSON.
  const auto number = [](double value) { return std::isfinite(value) ? nlohmann::ordered_json(value) : nullptr; };
  auto cases = nlohmann::ordered_json::array();
  for (const Record& record : report.records) {
    const char* outcome = record.outcome == Outcome::passed   ? "passed"
                          : record.outcome == Outcome::failed ? "failed"
                                                              : "skipped";
    nlohmann::ordered_json one = {{"device", record.device},
                                  {"op", record.op},
                                  {"property", record.property},
                                  {"format", record.format},
                                  {"format_class", record.format_class},
                                  {"cache", record.cache},
                                  {"activations", record.precision},
                                  {"shape", record.shape},
                                  {"outcome", outcome},
                                  {"error", number(record.error)},
                                  {"bound", number(record.bound)},
                                  {"nmse", number(record.nmse)},
                                  {"nmse_limit", number(record.nmse_limit)},
                                  {"share", number(record.share)},
                                  {"reason", record.reason}};
    if (!record.message.empty()) one["message"] = record.message;
    cases.push_back(std::move(one));
  }
  return {{"hearth", HEARTH_VERSION},  {"passed", counts.passed}, {"failed", counts.failed},
          {"skipped", counts.skipped}, {"quick", report.quick},   {"seed", report.seed},
          {"seconds", report.seconds}, {"devices", devices},      {"cases", cases}};
}

}  // namespace hearth::conform
