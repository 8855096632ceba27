// The list, its sums, and what they are worth.
#include "tools/audit/egress.h"

#include <map>
#include <ostream>

#include "tools/audit/reader.h"
#include "tools/audit/verify.h"

namespace hearth::audit {
namespace {

struct Sums {
  uint64_t times = 0, bytes = 0;
};

std::string period_text(const Period& period) {
  if (period.from == 0 && period.to == INT64_MAX) return "since the log began";
  std::string text;
  if (period.from != 0) text += "from " + time_text(period.from);
  if (period.to != INT64_MAX) text += (text.empty() ? "before " : " to before ") + time_text(period.to);
  return text;
}

// What a row says of bytes that were handed to the connection, by the decision that it is about.
using Outcomes = std::map<uint64_t, Json>;

void tell_one(const Json& decision, const Json* outcome, std::ostream& out) {
  out << text_in(decision, "time") << "  row " << text_in(decision, "n") << "  " << text_in(decision, "bytes")
      << " bytes to " << text_in(decision, "url") << " (" << text_in(decision, "remote") << ", "
      << text_in(decision, "model") << ")\n    sha256 " << text_in(decision, "sha256") << "\n    rule "
      << text_in(decision, "rule") << ", client " << text_in(decision, "client") << ", redacted "
      << text_in(decision, "redactions") << "\n    ";
  if (outcome == nullptr) {
    out << "outcome unknown: any part of it may have left\n";
    return;
  }
  out << text_in(*outcome, "result") << ", " << text_in(*outcome, "sent_body") << " bytes of it were sent, after "
      << text_in(*outcome, "sent_head") << " of headers\n";
}

}  // namespace

bool tell_egress(const std::filesystem::path& log, const Period& period, std::ostream& out) {
  const Verdict verdict = verify(log);
  Reader reader(log);
  Outcomes outcomes;
  reader.each([&](const Row& row) {
    Json content = parse_row(row.content);
    if (text_in(content, "kind") != "outcome") return true;
    const auto about = static_cast<uint64_t>(number_in(content, "decision"));
    outcomes[about] = std::move(content);
    return true;
  });
  uint64_t here = 0, refused = 0, failed = 0;
  Sums all;
  std::map<std::string, Sums> by_remote;
  reader.each([&](const Row& row) {
    const Json content = parse_row(row.content);
    const int64_t time = time_of(row.content);
    if (text_in(content, "kind") != "decision" || time < period.from || time >= period.to) return true;
    const auto found = outcomes.find(static_cast<uint64_t>(row.number));
    if (text_in(content, "route") != "remote") {
      const std::string result = found == outcomes.end() ? "" : text_in(found->second, "result");
      if (result == "answered") ++here;
      if (result == "refused") ++refused;
      if (result == "failed" || result == "left") ++failed;  // "doubted" has a row for where it was answered then
      return true;
    }
    tell_one(content, found == outcomes.end() ? nullptr : &found->second, out);
    for (Sums* sums : {&all, &by_remote[text_in(content, "remote")]}) {
      ++sums->times;
      sums->bytes += static_cast<uint64_t>(number_in(content, "bytes"));
    }
    return true;
  });
  std::string rest = std::to_string(here) + " requests were answered here";
  if (refused > 0) rest += ", " + std::to_string(refused) + " were refused";
  if (failed > 0) rest += ", " + std::to_string(failed) + " had no answer or not all of it";
  if (all.times == 0) {
    out << "Nothing left this machine through Hearth " << period_text(period) << "; " << rest << ".\n";
  } else {
    for (const auto& [remote, sums] : by_remote)
      out << remote << ": " << sums.bytes << " bytes, sent " << sums.times << " times\n";
    out << "In all " << all.bytes << " bytes left this machine through Hearth, sent " << all.times << " times, "
        << period_text(period) << "; " << rest << ".\n";
  }
  if (verdict.whole()) {
    out << "The log is whole: " << verdict.rows << " rows, the last one " << link_text(verdict.last) << "\n";
    return true;
  }
  out << "The log is NOT whole, so this proves nothing: " << verdict.faults.front() << " (see `hearth audit verify`)\n";
  return false;
}

}  // namespace hearth::audit
