// Which devices, which cases, and running one on the other.
#include "engine/conform/conform.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <thread>

#include "engine/conform/examine.h"

namespace hearth::conform {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

bool wanted(const std::vector<std::string>& names, std::initializer_list<std::string_view> has) {
  return names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& name) {
           return std::any_of(has.begin(), has.end(), [&](std::string_view one) { return lower(one) == lower(name); });
         });
}

std::vector<Case> selected_cases(const Selection& selection) {
  std::vector<Case> cases = all_cases();
  std::erase_if(cases, [&](const Case& one) {
    const bool cached = one.op == "rope_kv" || one.op == "attend";
    return (selection.quick && !one.quick) || !wanted(selection.ops, {one.op}) ||
           !wanted(selection.formats, {one.format_name(), cached ? name_of(one.cache) : one.format_name()});
  });
  return cases;
}

// The seed of a case: its own, whatever else is selected.
uint32_t seed_of(const Case& one, uint32_t seed) {
  for (const char c : one.op + one.format_name() + one.shape) seed = (seed ^ static_cast<unsigned char>(c)) * 16777619u;
  return seed;
}

// So many that steps are shared out, on any machine.
uint32_t threads_of_devices() { return std::clamp(std::thread::hardware_concurrency(), 2u, 4u); }

std::string describe(const DeviceOptions& options, bool measured) {
  const std::string threads = options.name == "cpu" ? std::to_string(options.threads) + " threads" : "";
  if (!measured) return threads;
  const DeviceInfo info = describe_device(options);
  std::string text = info.about.empty() ? threads : info.about;
  if (info.read_gb_s == 0) return text;
  char roofs[100];
  if (info.int8_gops > 0) {
    std::snprintf(roofs, sizeof roofs, "reads %.1f GB/s, %.0f int8 GOPS", info.read_gb_s, info.int8_gops);
  } else {
    const char* what = options.name.starts_with("vulkan") ? "copies" : "reads";
    std::snprintf(roofs, sizeof roofs, "%s %.1f GB/s", what, info.read_gb_s);
  }
  return text.empty() ? roofs : text + ", " + roofs;
}

Record failed_to_open(const std::string& device, const char* why) {
  Record record;
  record.device = device;
  record.op = record.format = record.format_class = record.cache = record.precision = record.shape = "-";
  record.property = "opening";
  record.outcome = Outcome::failed;
  record.reason = "a device that is there can be used";
  record.message = why;
  return record;
}

}  // namespace

std::vector<Candidate> find_candidates(const std::vector<std::string>& names, bool measured) {
  std::vector<DeviceOptions> found;
  if (names.empty()) found = present_devices();
  for (const std::string& name : names) {
    if (name.starts_with("cpu:") || name.starts_with("cpu ")) {
      found.push_back({.name = "cpu", .kernels = name.substr(4)});
    } else {
      const std::vector<DeviceOptions> ways = ways_of(name);
      found.insert(found.end(), ways.begin(), ways.end());
    }
  }
  std::vector<Candidate> candidates;
  for (DeviceOptions& options : found) {
    options.threads = threads_of_devices();
    const std::string chosen = options.kernels + options.products;  // of which one device has one
    const std::string name = options.name + (chosen.empty() ? "" : " " + chosen);
    const auto same = [&](const Candidate& one) { return one.name == name; };
    if (std::any_of(candidates.begin(), candidates.end(), same)) continue;
    Candidate candidate{name, "", [options] { return make_device(options); }};
    try {
      candidate.make();  // throws where there is none
      candidate.description = describe(options, measured);
    } catch (const DeviceError& error) {
      if (!names.empty()) throw;
      candidate.description = error.what();  // one that nobody named does not keep others from being examined
    }
    if (options.name == "cpu")
      candidate.make_alone = [options] {
        return make_device({.name = options.name, .kernels = options.kernels, .threads = 1});
      };
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

std::vector<CaseName> list_cases(const Selection& selection) {
  std::vector<CaseName> names;
  for (const Case& one : selected_cases(selection)) {
    const bool cached = one.op == "rope_kv" || one.op == "attend" || one.op == "model";
    names.push_back({one.op, std::string(name_of(one.property)), one.format_name(),
                     cached ? std::string(name_of(one.cache)) : "-", one.shape});
  }
  return names;
}

void run_cases(const std::vector<Candidate>& candidates, const Selection& selection,
               const std::function<void(const Record&)>& tell, const std::function<void(double)>& progress) {
  std::vector<std::unique_ptr<Device>> devices, alone;
  for (const Candidate& candidate : candidates) {
    devices.push_back(nullptr);
    alone.push_back(nullptr);
    try {
      devices.back() = candidate.make();
      if (candidate.make_alone) alone.back() = candidate.make_alone();
    } catch (const DeviceError& error) {
      devices.back() = nullptr;
      tell(failed_to_open(candidate.name, error.what()));
    }
  }
  BlockPool pool(selection.seed);
  const std::vector<Case> cases = selected_cases(selection);
  for (size_t i = 0; i < cases.size(); ++i) {
    Examiner examiner(cases[i], pool, seed_of(cases[i], selection.seed), !selection.quick);
    // A few cases of each op and format are enough to see whether threads share out its rows as they should.
    const bool shared = cases[i].property == Property::repeat || cases[i].property == Property::batch ||
                        cases[i].property == Property::model ||
                        (!selection.quick && cases[i].property != Property::accuracy);
    for (size_t d = 0; d < devices.size(); ++d)
      if (devices[d] != nullptr)
        tell(examiner.examine(candidates[d].name, !shared && alone[d] != nullptr ? *alone[d] : *devices[d]));
    if (progress) progress(static_cast<double>(i + 1) / static_cast<double>(cases.size()));
  }
}

void Counts::add(Outcome outcome) {
  ++(outcome == Outcome::passed ? passed : outcome == Outcome::failed ? failed : skipped);
}

}  // namespace hearth::conform
