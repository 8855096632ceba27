// What a run of `hearth conform` tells: on the terminal, as JSON, and as one page of HTML.
#pragma once

#include <iosfwd>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/conform/conform.h"

namespace hearth::conform {

struct Report {
  bool quick = false;
  uint32_t seed = 1;
  double seconds = 0;
  std::vector<Candidate> devices;
  std::vector<Record> records;
};

// The cases of an op and a class of formats, or a property, on one device.
struct Cell {
  Counts counts;
  double worst = 0;        // share of what is allowed, of cases that passed
  std::string worst_case;  // its format and shape
};
struct Row {
  std::string op, format_class;
  std::vector<Cell> cells;  // by device
};
// Accuracy by op and class of formats, then the other properties, "repeat" and so on, with "-" for the class.
std::vector<Row> rows_of(const Report& report);
Counts counts_of(const Report& report, const std::string& device = {});  // of one device or all

// A record's case in words: "linear Q4_0 33x96, 67 rows by 67, 9: accuracy".
std::string words_of(const Record& record);

void print_report(const Report& report, std::ostream& out);
nlohmann::ordered_json json_of(const Report& report);
// One document without anything from elsewhere.
std::string page_of(const Report& report);

// Model files of a folder with their recorded results, NAME.gguf beside NAME.golden.json. Throws UsageError for a
// folder without any, and FileError for a file that cannot be read.
std::vector<GoldenModel> read_golden(const std::string& folder);

}  // namespace hearth::conform
