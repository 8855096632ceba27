// The report as one page: devices side by side, failures in full, and every case with its figures.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/conform/report.h"

namespace hearth::conform {
namespace {

// Light or dark as the reader's system is; a bar behind a number is its share of what is allowed.
constexpr const char* kStyle = R"css(
:root { color-scheme: light dark; --paper: #fbfaf8; --ink: #1d1b19; --quiet: #6a645d; --line: #ddd7cf; --card: #fff;
  --fire: #b4450f; --good: #1f7a4d; --bar: #cfe6d8; --bad: #b3261e; --bad-card: #fbe9e7; --skip: #efeae3; }
@media (prefers-color-scheme: dark) { :root { --paper: #171614; --ink: #ece8e2; --quiet: #a49d94; --line: #38342f;
  --card: #201e1b; --fire: #f08a4b; --good: #6fcf97; --bar: #24402f; --bad: #ff8a80; --bad-card: #3a1f1c; --skip: #2a2723; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; margin: 0; } h1 span { color: var(--fire); }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .35rem 0; } .quiet { color: var(--quiet); }
.verdict { font-weight: 600; } .verdict.passed { color: var(--good); } .verdict.failed { color: var(--bad); }
.devices { display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: .75rem; margin-top: 1rem; }
.device { border: 1px solid var(--line); border-radius: 8px; background: var(--card); padding: .6rem .9rem; }
.device b { display: block; } .device.failed { border-color: var(--bad); }
.scrolls { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .75rem; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > td { border-bottom: 0; } thead th { font-size: .8rem; color: var(--quiet); font-weight: 600; }
.grid td { white-space: nowrap; }
.grid td.cell { min-width: 11rem; background: linear-gradient(to right, var(--bar) var(--share), transparent var(--share)); }
.grid td.failed { background: var(--bad-card); color: var(--bad); font-weight: 600; } .grid td.skipped { background: var(--skip); }
.cell small { float: right; color: var(--quiet); }
.failure { border: 1px solid var(--bad); border-radius: 8px; background: var(--bad-card); padding: .6rem .9rem; margin: .6rem 0; }
.failure p { overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: 8px; background: var(--card); margin: .5rem 0; }
summary { cursor: pointer; padding: .5rem .9rem; } details table { font-size: .82rem; }
details td, details th { padding: .2rem .6rem; } tr.failed { color: var(--bad); font-weight: 600; }
tr.skipped { color: var(--quiet); } td.number { text-align: right; white-space: nowrap; }
)css";

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else if (c == '\'') {
      result += "&#39;";
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
      result += "&#xfffd;";
    } else {
      result += c;
    }
  }
  return result;
}

std::string number(double value) {
  if (!std::isfinite(value)) return "none";
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

const char* word_of(Outcome outcome) {
  return outcome == Outcome::passed ? "passed" : outcome == Outcome::failed ? "failed" : "skipped";
}

std::string element(const std::string& name, std::string_view text) {
  return "<" + name + ">" + escaped(text) + "</" + name.substr(0, name.find(' ')) + ">";
}

std::string head_of(const Report& report) {
  const Counts counts = counts_of(report);
  std::string html = "<h1><span>Hearth</span> conformance of devices</h1>";
  html += std::string("<p class=\"verdict ") + (counts.failed > 0 ? "failed" : "passed") + "\">" +
          std::to_string(counts.passed) + " passed, " + std::to_string(counts.failed) + " failed, " +
          std::to_string(counts.skipped) + " skipped</p>";
  char run[120];
  std::snprintf(run, sizeof run, "version %s, %s, seed %u, %.1f s", HEARTH_VERSION,
                report.quick ? "the short run" : "all cases", report.seed, report.seconds);
  html += element("p class=\"quiet\"", run);
  html += "<div class=\"devices\">";
  for (const Candidate& device : report.devices) {
    const Counts own = counts_of(report, device.name);
    html += std::string("<div class=\"device") + (own.failed > 0 ? " failed" : "") + "\">" + element("b", device.name) +
            element("span class=\"quiet\"", device.description) +
            element("p", std::to_string(own.passed) + " passed, " + std::to_string(own.failed) + " failed, " +
                             std::to_string(own.skipped) + " skipped") +
            "</div>";
  }
  return html + "</div>";
}

std::string cell_of(const Cell& cell) {
  const Counts& counts = cell.counts;
  if (counts.passed + counts.failed + counts.skipped == 0) return "<td></td>";
  if (counts.failed > 0)
    return "<td class=\"cell failed\">" + std::to_string(counts.failed) + " failed<small>" +
           std::to_string(counts.passed) + " ok</small></td>";
  if (counts.passed == 0) return "<td class=\"cell skipped\">" + std::to_string(counts.skipped) + " skipped</td>";
  char share[32], percent[48];
  std::snprintf(share, sizeof share, "%.2f", cell.worst);
  std::snprintf(percent, sizeof percent, "--share: %.0f%%", 100 * std::min(cell.worst, 1.0));
  return "<td class=\"cell\" style=\"" + std::string(percent) + "\" title=\"" + escaped(cell.worst_case) + "\">" +
         std::to_string(counts.passed) + " ok" +
         (counts.skipped > 0 ? ", " + std::to_string(counts.skipped) + " skipped" : "") +
         (cell.worst > 0 ? "<small>" + std::string(share) + "</small>" : "") + "</td>";
}

std::string grid_of(const Report& report) {
  std::string html =
      "<h2>Side by side</h2><p class=\"quiet\">Cases by op and class of weight formats. Bars and numbers: the worst "
      "error as a share of what is allowed; 1 would be a failure.</p>"
      "<div class=\"scrolls\"><table class=\"grid\"><thead><tr><th>op</th><th>weights</th>";
  for (const Candidate& device : report.devices) html += element("th", device.name);
  html += "</tr></thead><tbody>";
  for (const Row& row : rows_of(report)) {
    html += "<tr>" + element("td", row.op) + element("td", row.format_class);
    for (const Cell& cell : row.cells) html += cell_of(cell);
    html += "</tr>";
  }
  return html + "</tbody></table></div>";
}

std::string failures_of(const Report& report) {
  std::string html;
  for (const Record& record : report.records) {
    if (record.outcome != Outcome::failed) continue;
    html += "<div class=\"failure\">" + element("b", record.device + ": " + words_of(record)) +
            element("p", record.message) +
            element("p", "error " + number(record.error) + ", bound " + number(record.bound) + ", nmse " +
                             number(record.nmse) + ", limit " + number(record.nmse_limit)) +
            element("p class=\"quiet\"", record.reason) + "</div>";
  }
  return html.empty() ? "" : "<h2>Failures</h2>" + html;
}

// Every case of an op, folded away.
std::string cases_of(const Report& report) {
  std::vector<std::string> ops;
  for (const Record& record : report.records)
    if (std::find(ops.begin(), ops.end(), record.op) == ops.end()) ops.push_back(record.op);
  std::string html = "<h2>Every case</h2>";
  for (const std::string& op : ops) {
    size_t count = 0;
    std::string rows;
    for (const Record& record : report.records) {
      if (record.op != op) continue;
      ++count;
      rows += std::string("<tr class=\"") + word_of(record.outcome) + "\" title=\"" + escaped(record.reason) + "\">";
      for (const std::string& text : {record.device, record.property, record.format, record.cache, record.precision,
                                      record.shape, std::string(word_of(record.outcome))})
        rows += element("td", text);
      for (const double value : {record.error, record.bound, record.nmse, record.nmse_limit, record.share})
        rows += element("td class=\"number\"", number(value));
      rows += "</tr>";
    }
    html += "<details><summary>" + escaped(op) + " <span class=\"quiet\">" + std::to_string(count) +
            " cases</span></summary><div class=\"scrolls\"><table><thead><tr><th>device</th><th>property</th>"
            "<th>weights</th><th>cache</th><th>activations</th><th>shape</th><th>outcome</th><th>error</th>"
            "<th>bound</th><th>nmse</th><th>limit</th><th>share</th></tr></thead><tbody>" +
            rows + "</tbody></table></div></details>";
  }
  return html;
}

// The rows of tolerances that were used, each with its reason.
std::string reasons_of(const Report& report) {
  std::map<std::string, std::string> rows;  // what it is of, the reason
  for (const Record& record : report.records) {
    const bool accurate = record.property == "accuracy" || record.property == "model" || record.property == "golden";
    const std::string of = accurate ? (record.property == "accuracy" ? record.op : record.property) + ", weights " +
                                          record.format_class + ", cache " + record.cache + ", activations " +
                                          record.precision
                                    : record.property;
    if (record.property == "denormal" || record.property == "large" || record.outcome == Outcome::failed) continue;
    rows.emplace(of, record.reason);
  }
  std::string html =
      "<h2>What is allowed, and why</h2><div "
      "class=\"scrolls\"><table><thead><tr><th>of</th><th>reason</th></tr></thead>"
      "<tbody>";
  for (const auto& [of, reason] : rows) html += "<tr>" + element("td", of) + element("td", reason) + "</tr>";
  return html + "</tbody></table></div>";
}

}  // namespace

std::string page_of(const Report& report) {
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
         "<title>Hearth conformance</title><style>" +
         std::string(kStyle) + "</style></head><body><main>\n" + head_of(report) + "\n" + failures_of(report) + "\n" +
         grid_of(report) + "\n" + reasons_of(report) + "\n" + cases_of(report) + "\n</main></body></html>\n";
}

}  // namespace hearth::conform
