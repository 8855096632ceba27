// One read transaction, begun while nobody writes.
#include "tools/audit/reader.h"

namespace hearth::audit {

int64_t time_of(const std::string& content) { return read_time(text_in(parse_row(content), "time")).value_or(0); }

Json parse_row(const std::string& content) {
  Json row = Json::parse(content, nullptr, false);
  return row.is_object() ? row : Json();
}

std::string text_in(const Json& row, const char* name) {
  if (!row.is_object()) return "";
  const auto found = row.find(name);
  if (found == row.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

double number_in(const Json& row, const char* name) {
  if (!row.is_object()) return 0;
  const auto found = row.find(name);
  return found != row.end() && found->is_number() ? found->get<double>() : 0;
}

Reader::Reader(const std::filesystem::path& path) : database_(path, Database::Access::read) {
  const Head head(path, Head::Access::read);
  const Head::Lock writers(head);
  database_.run("BEGIN; SELECT n FROM log LIMIT 1");  // from here on the rows stay as they are
  head_ = head.read();
}

void Reader::each(const std::function<bool(const Row&)>& action) {
  Statement rows(database_, "SELECT n, content, hash FROM log ORDER BY n");
  while (rows.next())
    if (!action({rows.number(0), rows.text(1), rows.text(2)})) return;
}

bool Reader::knows(const std::string& request) {
  Statement one(database_, "SELECT 1 FROM log WHERE json_valid(content) AND content->>'request' = ? LIMIT 1");
  return one.bind(request).next();
}

std::vector<int64_t> Reader::bodies_without_rows() {
  Statement rows(database_, "SELECT n FROM bodies WHERE n NOT IN (SELECT n FROM log) ORDER BY n");
  std::vector<int64_t> numbers;
  while (rows.next()) numbers.push_back(rows.number(0));
  return numbers;
}

std::string Reader::body(int64_t number) {
  Statement one(database_, "SELECT content FROM bodies WHERE n = ?");
  return one.bind(number).next() ? one.text(0) : "";
}

}  // namespace hearth::audit
