// Sums of a run to figures of a step.
#include "tools/bench/profile.h"

#include <algorithm>
#include <cstdio>

namespace hearth {
namespace {

struct Row {
  std::string name;
  double launches, microseconds, share, bytes;  // of a step
  double gb_s = 0, read_share = 0, gops = 0, int8_share = 0;
};

Row row_of(const OpProfile& op, const RunProfile& profile, const BenchRoofs& roofs) {
  Row row{op.name, static_cast<double>(op.launches) / profile.steps, op.seconds / profile.steps * 1e6,
          op.seconds / profile.sum.seconds, op.bytes / profile.steps};
  if (op.seconds <= 0) return row;
  row.gb_s = op.bytes / op.seconds / 1e9;
  row.gops = op.operations / op.seconds / 1e9;
  if (roofs.read_gb_s > 0) row.read_share = row.gb_s / roofs.read_gb_s;
  if (roofs.int8_gops > 0) row.int8_share = row.gops / roofs.int8_gops;
  return row;
}

// The ops, those that take longest first; what lies between them; and the whole.
struct Rows {
  std::vector<Row> ops;
  Row between, whole;
};
Rows rows_of(const RunProfile& profile, const BenchRoofs& roofs) {
  std::vector<OpProfile> ops = profile.sum.ops;
  std::stable_sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  OpProfile whole = profile.sum.sum();
  const OpProfile between{"between ops", 0, profile.sum.seconds - whole.seconds};
  whole.name = "whole step";
  whole.seconds = profile.sum.seconds;
  Rows rows{{}, row_of(between, profile, roofs), row_of(whole, profile, roofs)};
  for (const OpProfile& op : ops) rows.ops.push_back(row_of(op, profile, roofs));
  return rows;
}

// A cell of the table, empty for what there is nothing of.
std::string cell(double value, const char* format) {
  char text[32] = "";
  if (value > 0) std::snprintf(text, sizeof text, format, value);
  return text;
}

void print_row(const Row& row) {
  char line[200];
  std::snprintf(line, sizeof line, "  %-24s %8s %12.1f %7s %10s %8s %7s %8s %7s", row.name.c_str(),
                cell(row.launches, "%.4g").c_str(), row.microseconds, cell(row.share * 100, "%.1f %%").c_str(),
                cell(row.bytes / 1e6, "%.3f").c_str(), cell(row.gb_s, "%.1f").c_str(),
                cell(row.read_share * 100, "%.1f %%").c_str(), cell(row.gops, "%.1f").c_str(),
                cell(row.int8_share * 100, "%.1f %%").c_str());
  const std::string text = line;
  std::printf("%s\n", text.substr(0, text.find_last_not_of(' ') + 1).c_str());
}

nlohmann::ordered_json json_of(const Row& row) {
  nlohmann::ordered_json json = {{"op", row.name},     {"launches", row.launches}, {"us", row.microseconds},
                                 {"share", row.share}, {"bytes", row.bytes},       {"gb_s", row.gb_s}};
  if (row.read_share > 0) json["read_share"] = row.read_share;
  if (row.gops > 0) json["gops"] = row.gops;
  if (row.int8_share > 0) json["int8_share"] = row.int8_share;
  return json;
}

}  // namespace

void print_profile(const std::string& name, const RunProfile& profile, const BenchRoofs& roofs) {
  if (profile.steps == 0) return;
  std::printf("\n%s: %u step%s of %.1f us; a step with its ops timed one by one:\n", name.c_str(), profile.steps,
              profile.steps == 1 ? "" : "s", profile.step_seconds * 1e6);
  std::printf("  %-24s %8s %12s %7s %10s %8s %7s %8s %7s\n", "op", "launches", "us", "share", "MB", "GB/s", "of read",
              "Gop/s", "of int8");
  const Rows rows = rows_of(profile, roofs);
  for (const Row& row : rows.ops) print_row(row);
  print_row(rows.between);
  print_row(rows.whole);
}

nlohmann::ordered_json profile_json(const RunProfile& profile, const BenchRoofs& roofs) {
  const Rows rows = rows_of(profile, roofs);
  nlohmann::ordered_json ops = nlohmann::ordered_json::array(), whole = json_of(rows.whole);
  for (const Row& row : rows.ops) ops.push_back(json_of(row));
  whole.erase("op");
  return {{"steps", profile.steps},
          {"step_us", profile.step_seconds * 1e6},
          {"ops", ops},
          {"between_us", rows.between.microseconds},
          {"whole", whole}};
}

}  // namespace hearth
