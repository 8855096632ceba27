// hearth compare: where the local model was as good as the remote one, and thresholds that follow from it.
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/audit/record.h"
#include "tools/command.h"
#include "tools/compare/report.h"

namespace hearth {
namespace {

struct CompareAsk {
  std::string log = "hearth.db", out;
  compare::ReportOptions options;
  bool calibrates = false;
  double wanted = 0.9;
  size_t least = 20;
};

void write_calibration(const CompareAsk& asked, const compare::Calibration& calibration, size_t samples) {
  const std::string path = asked.out.empty() ? asked.log + ".calibration" : asked.out;
  std::ofstream file(path, std::ios::trunc);
  file << nlohmann::ordered_json{{"margin", *calibration.margin},
                                 {"reached", calibration.reached},
                                 {"wanted", asked.wanted},
                                 {"samples", samples}}
              .dump(2)
       << "\n";
  if (!file.flush()) throw UsageError("cannot write " + path);
  std::cout << "Written to " << path << ", which [policy] calibration = \"FILE\" reads.\n";
}

void run_compare(const CompareAsk& asked) {
  if (!std::filesystem::exists(asked.log)) throw UsageError("there is no audit log " + asked.log + "; --db names one");
  if (!asked.calibrates) return compare::report(asked.log, asked.options, std::cout);
  const auto samples = compare::samples(asked.log, asked.options);
  const compare::Calibration calibration = compare::calibrate(samples, asked.wanted, asked.least);
  compare::show_curve(samples, calibration, std::cout);
  if (calibration.margin) write_calibration(asked, calibration, samples.size());
}

}  // namespace

void add_compare(CLI::App& program) {
  const auto given = std::make_shared<CompareAsk>();
  CLI::App* command = program.add_subcommand(
      "compare",
      "How often the local model was as good as the remote one, by task, and what other thresholds would do");
  command->add_option("--db", given->log, "The audit log")->capture_default_str();
  command
      ->add_option("--distance", given->options.distance,
                   "An answer that nobody judged is as good up to this distance from the other")
      ->check(between(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--similarity", given->options.similarity, "Or from this similarity on")
      ->check(between(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--target", given->options.target, "Share of requests that should be answered here")
      ->check(between(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--price", given->options.prices, "Money of a million tokens, where nothing has been paid yet");
  command->add_flag("--calibrate", given->calibrates,
                    "Find the margin from which on local answers are good, show the curve and write it down");
  command->add_option("--good", given->wanted, "With --calibrate: the share of answers that should be good")
      ->check(between(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--least", given->least, "With --calibrate: judged answers that this needs")
      ->capture_default_str();
  command->add_option("--out", given->out, "With --calibrate: the file; default: beside the log");
  command->callback([given] { run_compare(*given); });
}

}  // namespace hearth
