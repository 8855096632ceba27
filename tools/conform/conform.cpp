// hearth conform: whether every device computes what the reference does.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>

#include "tools/command.h"
#include "tools/conform/report.h"
#include "tools/devices/probe.h"
#include "tools/progress_line.h"

namespace hearth {
namespace {

struct ConformAsk {
  conform::Selection selection;
  std::vector<std::string> devices;
  std::string golden, json, html;
  bool lists = false;
};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Refuses a name that no case has.
void check_names(const std::vector<std::string>& names, const std::set<std::string>& known, const char* what) {
  for (const std::string& name : names) {
    std::string all;
    bool found = false;
    for (const std::string& one : known) {
      found = found || lower(one) == lower(name);
      all += (all.empty() ? "" : ", ") + one;
    }
    if (!found) throw UsageError("there is no " + std::string(what) + " \"" + name + "\"; there are " + all);
  }
}

void check_selection(const conform::Selection& selection) {
  std::set<std::string> ops, formats;
  for (const conform::CaseName& one : conform::list_cases({})) {
    ops.insert(one.op);
    if (one.format != "-") formats.insert(one.format);
    if (one.cache != "-") formats.insert(one.cache);
  }
  check_names(selection.ops, ops, "op");
  check_names(selection.formats, formats, "format");
}

void list(const conform::Selection& selection) {
  for (const conform::CaseName& one : conform::list_cases(selection))
    std::cout << one.op << '\t' << one.property << '\t' << one.format << '\t' << one.cache << '\t' << one.shape << '\n';
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc | std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

std::vector<conform::Candidate> find_devices(const ConformAsk& asked) {
  std::vector<std::string> names = asked.devices;
  for (const std::string& name : names) require_sound_drivers(name);
  for (const char* backend : {"cuda", "vulkan"}) {
    const std::string trouble = asked.devices.empty() ? gpu_trouble(backend) : "";
    if (trouble.empty()) continue;
    std::cerr << "hearth: GPUs are not examined: " << trouble << '\n';
    names = {"cpu"};
  }
  try {
    return conform::find_candidates(names, !asked.selection.quick);
  } catch (const DeviceError& error) {
    throw UsageError(error.what());
  }
}

void run_conform(const ConformAsk& asked) {
  check_selection(asked.selection);
  if (asked.lists) return list(asked.selection);
  std::vector<conform::GoldenModel> golden;
  if (!asked.golden.empty()) golden = conform::read_golden(asked.golden);
  if (golden.empty() && conform::list_cases(asked.selection).empty())
    throw UsageError("no case is of these ops and formats");
  const auto begin = std::chrono::steady_clock::now();
  conform::Report report{.quick = asked.selection.quick, .seed = asked.selection.seed, .devices = find_devices(asked)};
  {
    ProgressLine progress;
    const auto tell = [&](const conform::Record& record) { report.records.push_back(record); };
    const auto show = [&](double share) {
      progress.show(share, report.records.empty() ? "" : conform::words_of(report.records.back()));
    };
    conform::run_cases(report.devices, asked.selection, tell, show);
    progress.show(0.99, "recorded results");
    conform::run_golden(report.devices, golden, tell);
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (!asked.html.empty()) write_file(asked.html, conform::page_of(report));
  const auto json = [&] {
    return conform::json_of(report).dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  };
  if (!asked.json.empty() && asked.json != "-") write_file(asked.json, json());
  if (asked.json == "-") {
    std::cout << json();
  } else {
    conform::print_report(report, std::cout);
  }
  std::cout.flush();
  if (!std::cout) throw std::runtime_error("cannot write to standard output");
  if (conform::counts_of(report).failed > 0) throw CLI::RuntimeError(1);
}

}  // namespace

void add_conform(CLI::App& program) {
  const auto asked = std::make_shared<ConformAsk>();
  CLI::App* command = program.add_subcommand(
      "conform",
      "Check every device against exact arithmetic: each op, weight format and shape; exit code 1 where one "
      "is wrong");
  command->add_option(
      "--device", asked->devices,
      "cpu (with every instruction set of this machine), cpu:avx2 and the like, or another device, vulkan "
      "in all ways of multiplying prompts; may be given several times; default: all that this machine has");
  command->add_option("--op", asked->selection.ops, "Only these ops; may be given several times");
  command->add_option("--format", asked->selection.formats,
                      "Only these formats of weights (Q4_K) or of the cache (q8_0); may be given several times");
  command->add_flag("--quick", asked->selection.quick, "Fewer shapes and properties: some seconds");
  command->add_option("--golden", asked->golden,
                      "Also run the models of this folder, NAME.gguf with recorded results in NAME.golden.json");
  command->add_option("--seed", asked->selection.seed, "Of weights, inputs and texts")->capture_default_str();
  command->add_flag("--list", asked->lists,
                    "List the cases instead of running them: op, property, format, cache, shape");
  command->add_option("--json", asked->json,
                      "Write all results to this file; -: to standard output, instead of the table");
  command->add_option("--html", asked->html, "Write a page that compares devices to this file, for a bug report");
  command->callback([asked] { run_conform(*asked); });
}

}  // namespace hearth
