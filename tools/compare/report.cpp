// Counting by task.
#include "tools/compare/report.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <map>
#include <ostream>
#include <string>

#include "tools/audit/comparisons.h"
#include "tools/audit/reader.h"

namespace hearth::compare {
namespace {

using audit::Json;

// The task that a row was counted under: the most telling one of "chat,review".
std::string task_in(const Json& row) {
  std::string tasks = audit::text_in(row, "task"), found;
  while (!tasks.empty()) {
    const size_t comma = tasks.find(',');
    const std::string task = tasks.substr(0, comma);
    if (found.empty() || found == "chat") found = task;
    tasks = comma == tasks.npos ? "" : tasks.substr(comma + 1);
  }
  return found.empty() ? "chat" : found;
}

// Somebody's verdict, or else what the two texts say; nullopt where they say nothing.
bool local_is_as_good(const Json& row, const ReportOptions& options) {
  const std::string verdict = audit::text_in(row, "verdict");
  const bool escalated = row.value("escalated", false);
  if (verdict == "local" || verdict == "same") return true;
  if (verdict == "remote") return false;
  if (!escalated && !verdict.empty()) return verdict == "up";
  if (row.value("local_is_json", true) != row.value("remote_is_json", true)) return row.value("local_is_json", true);
  return row.value("exact", false) || audit::number_in(row, "distance") <= options.distance ||
         audit::number_in(row, "similarity") >= options.similarity;
}

struct Sums {
  uint64_t local = 0, remote = 0, refused = 0, compared = 0, as_good = 0, exact = 0;
  uint64_t local_tokens = 0, remote_tokens = 0;
  double distance = 0, cost = 0, local_seconds = 0, remote_seconds = 0;
  double pair_local_seconds = 0, pair_remote_seconds = 0;

  void add(const Sums& other) {
    local += other.local, remote += other.remote, refused += other.refused, compared += other.compared;
    as_good += other.as_good, exact += other.exact, distance += other.distance, cost += other.cost;
    local_tokens += other.local_tokens, remote_tokens += other.remote_tokens;
    local_seconds += other.local_seconds, remote_seconds += other.remote_seconds;
    pair_local_seconds += other.pair_local_seconds, pair_remote_seconds += other.pair_remote_seconds;
  }
};

// What a log holds, read once.
struct Contents {
  std::map<std::string, Sums> tasks;
  std::vector<double> margins;  // of all local answers that were watched, doubted ones too
};

Contents read_contents(const std::filesystem::path& log, const ReportOptions& options) {
  struct Open {
    std::string task;
    bool remote, shadow;
  };
  Contents contents;
  std::map<int64_t, Open> open;
  audit::Reader(log).each([&](const audit::Row& row) {
    const Json content = audit::parse_row(row.content);
    if (audit::text_in(content, "kind") == "decision") {
      const bool remote = audit::text_in(content, "route") == "remote";
      open[row.number] = {task_in(content), remote, audit::text_in(content, "rule") == "shadow"};
      if (!remote && content.contains("confidence"))
        contents.margins.push_back(audit::number_in(content, "confidence"));
      return true;
    }
    const auto decision = open.find(static_cast<int64_t>(audit::number_in(content, "decision")));
    if (decision == open.end()) return true;
    Sums& sums = contents.tasks[decision->second.task];
    const std::string result = audit::text_in(content, "result");
    const auto tokens =
        static_cast<uint64_t>(audit::number_in(content, "prompt_tokens") + audit::number_in(content, "answer_tokens"));
    if (decision->second.remote) {
      sums.cost += audit::number_in(content, "cost");
      sums.remote_tokens += tokens;
      if (!decision->second.shadow && (result == "answered" || result == "cut" || result == "left")) {
        ++sums.remote;
        sums.remote_seconds += audit::number_in(content, "seconds");
      }
    } else if (result == "answered" || result == "left") {
      ++sums.local;
      sums.local_tokens += tokens;
      sums.local_seconds += audit::number_in(content, "seconds");
    } else if (result == "refused") {
      ++sums.refused;
    }
    open.erase(decision);
    return true;
  });
  audit::each_comparison(log, [&](const Json& row) {
    Sums& sums = contents.tasks[task_in(row)];
    ++sums.compared;
    sums.as_good += local_is_as_good(row, options) ? 1 : 0;
    sums.exact += row.value("exact", false) ? 1 : 0;
    sums.distance += audit::number_in(row, "distance");
    sums.pair_local_seconds += audit::number_in(row, "local_seconds");
    sums.pair_remote_seconds += audit::number_in(row, "remote_seconds");
  });
  return contents;
}

std::string percent(double part, double all) {
  return all > 0 ? std::to_string(static_cast<int>(part / all * 100 + 0.5)) + " %" : "-";
}

std::string fixed(double value, int digits) {
  char text[48];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::string mean(double sum, uint64_t count) { return count > 0 ? fixed(sum / static_cast<double>(count), 2) : "-"; }

void line(std::ostream& out, std::string task, const Sums& sums) {
  for (char& c : task)
    if (c < ' ' || c > '~') c = '?';
  const std::array<std::string, 9> cells = {
      std::to_string(sums.local),
      std::to_string(sums.remote),
      percent(static_cast<double>(sums.local), static_cast<double>(sums.local + sums.remote)),
      std::to_string(sums.compared),
      percent(static_cast<double>(sums.as_good), static_cast<double>(sums.compared)),
      percent(static_cast<double>(sums.exact), static_cast<double>(sums.compared)),
      mean(sums.distance, sums.compared),
      mean(sums.local_seconds, sums.local),
      mean(sums.remote_seconds, sums.remote)};
  out << std::left << std::setw(14) << task.substr(0, 13) << std::right;
  for (const std::string& cell : cells) out << std::setw(9) << cell;
  out << "\n";
}

void show_thresholds(const Contents& contents, const std::vector<Sample>& judged, std::ostream& out) {
  if (contents.margins.empty()) return;
  out << "\nWhat would have been escalated at other margins, of " << contents.margins.size()
      << " local answers whose confidence is known";
  out << ", and of " << judged.size() << " that were judged or compared:\n";
  out << "  margin  escalated   good ones given away   bad ones kept\n";
  for (const double margin : {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}) {
    const auto below = std::ranges::count_if(contents.margins, [&](double one) { return one < margin; });
    const auto good = std::ranges::count_if(judged, [&](const Sample& one) { return one.good && one.margin < margin; });
    const auto bad =
        std::ranges::count_if(judged, [&](const Sample& one) { return !one.good && one.margin >= margin; });
    out << std::setw(8) << fixed(margin, 1) << std::setw(11)
        << percent(static_cast<double>(below), static_cast<double>(contents.margins.size())) << std::setw(23) << good
        << std::setw(16) << bad << "\n";
  }
}

}  // namespace

void report(const std::filesystem::path& log, const ReportOptions& options, std::ostream& out) {
  const Contents contents = read_contents(log, options);
  out << std::left << std::setw(14) << "task" << std::right;
  for (const char* name :
       {"local", "remote", "share", "compared", "as good", "exact", "distance", "local s", "remote s"})
    out << std::setw(9) << name;
  out << "\n";
  Sums all;
  for (const auto& [task, sums] : contents.tasks) {
    line(out, task, sums);
    all.add(sums);
  }
  line(out, "all", all);
  const double answered = static_cast<double>(all.local + all.remote);
  const double share = answered > 0 ? static_cast<double>(all.local) / answered : 0;
  out << "\nLocal share " << percent(share, 1) << ", the target is " << percent(options.target, 1)
      << (answered == 0             ? ""
          : share >= options.target ? ": reached"
                                    : ": not reached")
      << ".\n";
  const double price =
      all.remote_tokens > 0 && all.cost > 0 ? all.cost / static_cast<double>(all.remote_tokens) : options.prices / 1e6;
  out << "Remote answers cost " << fixed(all.cost, 4) << "; the local ones, " << all.local_tokens
      << " tokens, would have cost about " << fixed(price * static_cast<double>(all.local_tokens), 4) << ".\n";
  if (all.compared > 0) {
    const double saved = all.pair_remote_seconds - all.pair_local_seconds;
    out << "Of those answered twice, the local answer took " << mean(all.pair_local_seconds, all.compared)
        << " s and the remote one " << mean(all.pair_remote_seconds, all.compared)
        << " s: " << fixed(std::abs(saved) / static_cast<double>(all.compared), 2) << " s "
        << (saved >= 0 ? "saved" : "lost") << " by each that stays.\n";
  }
  show_thresholds(contents, samples(log, options), out);
}

std::vector<Sample> samples(const std::filesystem::path& log, const ReportOptions& options) {
  std::vector<Sample> found;
  std::map<std::string, double> margins;  // of local answers, by request
  audit::Reader(log).each([&](const audit::Row& row) {
    const Json content = audit::parse_row(row.content);
    if (audit::text_in(content, "route") == "local" && content.contains("confidence"))
      margins[audit::text_in(content, "request")] = audit::number_in(content, "confidence");
    return true;
  });
  audit::each_comparison(log, [&](const Json& row) {
    if (row.contains("confidence"))
      found.push_back({audit::number_in(row, "confidence"), local_is_as_good(row, options)});
    margins.erase(audit::text_in(row, "request"));
  });
  audit::each_verdict(log, [&](const std::string& request, const std::string& verdict) {
    const auto margin = margins.find(request);
    if (margin != margins.end()) found.push_back({margin->second, verdict != "down" && verdict != "remote"});
  });
  return found;
}

Calibration calibrate(std::vector<Sample> samples, double wanted, size_t least) {
  std::ranges::sort(samples, {}, &Sample::margin);
  Calibration calibration;
  size_t good = 0, count = 0;
  for (auto sample = samples.rbegin(); sample != samples.rend(); ++sample) {
    ++count;
    good += sample->good ? 1 : 0;
    const bool last_of_margin = std::next(sample) == samples.rend() || std::next(sample)->margin < sample->margin;
    const double share = static_cast<double>(good) / static_cast<double>(count);
    if (last_of_margin && count >= least && share >= wanted) calibration = {sample->margin, share};
  }
  return calibration;
}

void show_curve(const std::vector<Sample>& samples, const Calibration& calibration, std::ostream& out) {
  constexpr size_t kBins = 10, kBar = 40;
  std::array<std::pair<size_t, size_t>, kBins> bins{};  // good ones, all
  for (const Sample& sample : samples) {
    auto& [good, all] = bins[std::min(kBins - 1, static_cast<size_t>(std::max(0.0, sample.margin) * kBins))];
    good += sample.good ? 1 : 0;
    ++all;
  }
  out << "margin       answers  good\n";
  for (size_t i = 0; i < kBins; ++i) {
    const auto [good, all] = bins[i];
    out << fixed(static_cast<double>(i) / kBins, 1) << " to " << fixed(static_cast<double>(i + 1) / kBins, 1)
        << std::setw(9) << all << std::setw(7) << percent(static_cast<double>(good), static_cast<double>(all)) << "  "
        << std::string(all > 0 ? good * kBar / all : 0, '#') << "\n";
  }
  if (calibration.margin)
    out << "From the margin " << fixed(*calibration.margin, 3) << " on, " << percent(calibration.reached, 1)
        << " of the local answers were good.\n";
  else
    out << "No margin is good enough yet, or too few answers were judged.\n";
}

}  // namespace hearth::compare
