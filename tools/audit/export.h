// The audit log for other programs, and for eyes.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

#include "tools/audit/egress.h"

namespace hearth::audit {

enum class ExportFormat { jsonl, csv };

// JSONL: each row's content as it is in the chain, with its hash added. CSV: a line for each row, of all members.
void export_rows(const std::filesystem::path& log, const Period& period, ExportFormat format, std::ostream& out);

struct ShowOptions {
  uint64_t last = 20;   // decisions; 0: all
  std::string request;  // only of this one
  bool bodies = false;  // where they were kept
};

// A line for each decision and what became of it.
void show_rows(const std::filesystem::path& log, const ShowOptions& options, std::ostream& out);

}  // namespace hearth::audit
