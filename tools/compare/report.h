// What the log and the comparisons say together: how often the local answer would have done.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <vector>

namespace hearth::compare {

struct ReportOptions {
  double distance = 0.3;    // up to which an answer that nobody judged counts as good as the other
  double similarity = 0.9;  // or from which on
  double target = 0.8;      // of the share that is answered here
  double prices = 0;        // money of a million tokens, where no remote has been paid yet
};

// By task: requests, local share, how often local was as good, money and time; and what other thresholds would have
// done. Throws AuditError.
void report(const std::filesystem::path& log, const ReportOptions& options, std::ostream& out);

// One local answer whose confidence is known, and whether it was good.
struct Sample {
  double margin = 0;
  bool good = false;
};

// From verdicts on local answers, and from comparisons.
std::vector<Sample> samples(const std::filesystem::path& log, const ReportOptions& options);

struct Calibration {
  std::optional<double> margin;  // none: there are too few samples, or none is good enough
  double reached = 0;            // the share of good answers above it
};

// The smallest margin above which so large a share of at least `least` answers was good.
Calibration calibrate(std::vector<Sample> samples, double wanted, size_t least);

// The share of good answers by margin, as a table with bars.
void show_curve(const std::vector<Sample>& samples, const Calibration& calibration, std::ostream& out);

}  // namespace hearth::compare
