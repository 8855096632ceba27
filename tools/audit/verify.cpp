// Following the chain from its first row to its last.
#include "tools/audit/verify.h"

#include <set>

#include "tools/audit/reader.h"

namespace hearth::audit {
namespace {

constexpr size_t kMostFaults = 20;  // told one by one

class Check {
 public:
  Check(std::optional<Link> head, std::optional<Link> noted) : noted_(std::move(noted)), head_(std::move(head)) {}

  void row(const Row& row, Reader& reader) {
    const auto number = static_cast<uint64_t>(row.number);
    ++verdict_.rows;
    if (number != verdict_.last.number + 1)
      fault("row " + std::to_string(verdict_.last.number + 1) +
            (number == verdict_.last.number + 2 ? "" : " to " + std::to_string(number - 1)) + " is missing");
    else if (row.hash != chained(verdict_.last.hash, row.content))
      fault("row " + std::to_string(number) + " is not what was written after row " +
            std::to_string(verdict_.last.number));
    const Json content = parse_row(row.content);
    if (number_in(content, "n") != static_cast<double>(number))
      fault("row " + std::to_string(number) + " was written under another number");
    const std::string kind = text_in(content, "kind");
    if (kind == "decision")
      decision(number, content, reader);
    else if (kind == "outcome")
      outcome(number, content, reader);
    else
      fault("row " + std::to_string(number) + " is neither a decision nor an outcome");
    verdict_.last = {number, row.hash};
    if (noted_ && noted_->number == number) found_noted(row.hash == noted_->hash);
    if (head_ && head_->number == number) head_hash_ = row.hash;
  }

  void beside(Reader& reader) {
    for (const std::string& part : reader.foreign_parts()) fault(part);
    for (const int64_t number : reader.bodies_without_rows())
      fault("a body is kept of row " + std::to_string(number) + ", which is not in the log");
  }

  Verdict finish() {
    if (noted_ && !noted_found_) fault("the noted row " + std::to_string(noted_->number) + " is missing");
    if (!head_) {
      fault("the head beside the log is missing");
    } else if (head_->number > verdict_.last.number) {
      fault("the head says that there were " + std::to_string(head_->number) + " rows: the log's end was cut off");
    } else if (head_hash_ != head_->hash) {
      fault("row " + std::to_string(head_->number) + " is not the one that the head names");
    } else if (head_->number < verdict_.last.number) {
      verdict_.remarks.push_back("the head is " + std::to_string(verdict_.last.number - head_->number) +
                                 " rows behind: the program ended between writing the two, or writes now");
    }
    if (!open_.empty())
      verdict_.remarks.push_back(std::to_string(open_.size()) +
                                 " decisions have no outcome: under way, or the program was ended meanwhile");
    if (more_faults_ > 0) verdict_.faults.push_back("and " + std::to_string(more_faults_) + " more");
    return verdict_;
  }

 private:
  void fault(const std::string& what) {
    if (verdict_.faults.size() < kMostFaults)
      verdict_.faults.push_back(what);
    else
      ++more_faults_;
  }

  void decision(uint64_t number, const Json& content, Reader& reader) {
    ++verdict_.decisions;
    open_.insert(number);
    if (text_in(content, "route") != "remote") {
      if (!reader.body(static_cast<int64_t>(number)).empty())
        fault("a body is kept of row " + std::to_string(number) + ", by which nothing left");
      return;
    }
    ++verdict_.left;
    check_body(number, text_in(content, "sha256"), reader);
  }

  void outcome(uint64_t number, const Json& content, Reader& reader) {
    ++verdict_.outcomes;
    const auto about = static_cast<uint64_t>(number_in(content, "decision"));
    if (open_.erase(about) == 0)
      fault("row " + std::to_string(number) + " is the outcome of row " + std::to_string(about) +
            ", which is no decision that waits for one");
    check_body(number, text_in(content, "answer_sha256"), reader);
  }

  // Kept bodies may be deleted, but not changed.
  void check_body(uint64_t number, const std::string& hash, Reader& reader) {
    const std::string body = reader.body(static_cast<int64_t>(number));
    if (!body.empty() && sha256(body) != hash) fault("the body kept of row " + std::to_string(number) + " was changed");
  }

  void found_noted(bool same) {
    noted_found_ = true;
    if (!same) fault("row " + std::to_string(noted_->number) + " is not the one that was noted");
  }

  Verdict verdict_;
  std::optional<Link> noted_, head_;
  std::string head_hash_ = Link{}.hash;
  bool noted_found_ = false;
  size_t more_faults_ = 0;
  std::set<uint64_t> open_;  // decisions without an outcome so far
};

}  // namespace

Verdict verify(const std::filesystem::path& log, const std::optional<Link>& noted) {
  Reader reader(log);
  Check check(reader.head(), noted);
  reader.each([&](const Row& row) {
    check.row(row, reader);
    return true;
  });
  check.beside(reader);
  return check.finish();
}

}  // namespace hearth::audit
