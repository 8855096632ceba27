// Wording rows as JSONL, CSV and lines.
#include "tools/audit/export.h"

#include <array>
#include <deque>
#include <map>
#include <ostream>

#include "tools/audit/reader.h"

namespace hearth::audit {
namespace {

constexpr std::array kColumns = {"n",
                                 "kind",
                                 "time",
                                 "route",
                                 "rule",
                                 "request",
                                 "client",
                                 "repository",
                                 "task",
                                 "asked_model",
                                 "local_model",
                                 "remote",
                                 "model",
                                 "url",
                                 "attempt",
                                 "bytes",
                                 "sha256",
                                 "headers",
                                 "redactions",
                                 "reserved_tokens",
                                 "reserved_cost",
                                 "confidence",
                                 "entropy",
                                 "decision",
                                 "result",
                                 "status",
                                 "sent_head",
                                 "sent_body",
                                 "answer_bytes",
                                 "answer_sha256",
                                 "prompt_tokens",
                                 "answer_tokens",
                                 "tokens_estimated",
                                 "cost",
                                 "seconds",
                                 "first_byte_seconds",
                                 "error"};

// Quoted where it must be; a text that a spreadsheet would take for a formula is made one that it does not.
std::string cell(std::string text) {
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos &&
      text.find_first_not_of("+-.0123456789e") != text.npos)
    text.insert(0, "'");
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// For a terminal: what a client wrote must not steer it.
std::string plain(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = '?';
  return text;
}

void show_one(const Row& row, const Json& outcome, const ShowOptions& options, Reader& reader, std::ostream& out) {
  const Json content = parse_row(row.content);
  const bool leaves = text_in(content, "route") == "remote";
  out << row.number << "  " << text_in(content, "time") << "  "
      << (leaves ? "remote " + plain(text_in(content, "remote")) + " " + plain(text_in(content, "model"))
                 : "local " + plain(text_in(content, "local_model")))
      << "  rule " << plain(text_in(content, "rule")) << "  task " << plain(text_in(content, "task")) << "  client "
      << plain(text_in(content, "client"));
  if (leaves)
    out << "  " << text_in(content, "bytes") << " bytes  redacted " << plain(text_in(content, "redactions"))
        << "  sha256 " << text_in(content, "sha256");
  if (outcome.is_object())
    out << "  -> " << text_in(outcome, "result") << " " << text_in(outcome, "status") << ", "
        << text_in(outcome, "prompt_tokens") << "+" << text_in(outcome, "answer_tokens") << " tokens, "
        << text_in(outcome, "seconds") << " s, cost " << text_in(outcome, "cost");
  out << "\n";
  if (!options.bodies) return;
  for (const auto& [name, number] :
       {std::pair{"sent", row.number}, std::pair{"answer", static_cast<int64_t>(number_in(outcome, "n"))}})
    if (const std::string body = reader.body(number); !body.empty()) out << "    " << name << ": " << body << "\n";
}

}  // namespace

void export_rows(const std::filesystem::path& log, const Period& period, ExportFormat format, std::ostream& out) {
  Reader reader(log);
  if (format == ExportFormat::csv) {
    for (const char* column : kColumns) out << column << ",";
    out << "hash\n";
  }
  reader.each([&](const Row& row) {
    const int64_t time = time_of(row.content);
    if (time < period.from || time >= period.to) return true;
    Json content = parse_row(row.content);
    if (format == ExportFormat::jsonl) {
      content["hash"] = row.hash;
      out << content.dump() << "\n";
    } else {
      for (const char* column : kColumns) out << cell(text_in(content, column)) << ",";
      out << row.hash << "\n";
    }
    return static_cast<bool>(out);
  });
}

void show_rows(const std::filesystem::path& log, const ShowOptions& options, std::ostream& out) {
  Reader reader(log);
  std::deque<Row> decisions;
  std::map<int64_t, Json> outcomes;
  reader.each([&](const Row& row) {
    Json content = parse_row(row.content);
    if (text_in(content, "kind") == "outcome") {
      const auto about = static_cast<int64_t>(number_in(content, "decision"));
      outcomes[about] = std::move(content);
      return true;
    }
    if (!options.request.empty() && text_in(content, "request") != options.request) return true;
    decisions.push_back(row);
    if (options.last > 0 && decisions.size() > options.last) {
      outcomes.erase(decisions.front().number);
      decisions.pop_front();
    }
    return true;
  });
  for (const Row& row : decisions) {
    const auto found = outcomes.find(row.number);
    show_one(row, found == outcomes.end() ? Json() : found->second, options, reader, out);
  }
}

}  // namespace hearth::audit
