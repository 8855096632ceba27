// Methods of str that look for a text in it.
#include <algorithm>
#include <optional>

#include "engine/text/template/filters.h"
#include "engine/text/template/interpreter.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;

// The part s[start:end] that the arguments 1 and 2 choose.
struct Part {
  std::string_view text;
  std::size_t start = 0;  // in code points
  bool valid = true;      // false where start is behind the end: there even an empty text is not found
};

Part part_of(const Value& self, const Bound& a) {
  const std::string_view s = self.string();
  if (!a.given(1) && !a.given(2)) return {s};
  const auto offsets = code_point_offsets(s);
  const auto length = static_cast<std::int64_t>(offsets.size()) - 1;
  const auto bound = [&](std::size_t i, std::int64_t absent) {
    const std::int64_t at = a.given(i) ? a.integer(i) : absent;
    return std::max<std::int64_t>(at < 0 ? at + length : at, 0);
  };
  const std::int64_t start = bound(1, 0);
  const std::int64_t end = std::min(bound(2, length), length);
  if (start > end) return {{}, 0, false};
  const std::size_t first = offsets[static_cast<std::size_t>(start)];
  return {s.substr(first, offsets[static_cast<std::size_t>(end)] - first), static_cast<std::size_t>(start)};
}

std::int64_t search(Interpreter& in, const Value& self, const Bound& a, bool last) {
  const Part part = part_of(self, a);
  const std::string& wanted = a.string(0);
  if (!part.valid) return -1;
  in.charge_search(part.text.size(), wanted.size());
  const std::size_t at = last ? part.text.rfind(wanted) : part.text.find(wanted);
  if (at == part.text.npos) return -1;
  return static_cast<std::int64_t>(part.start + text_length(part.text.substr(0, at)));
}

template <bool last>
Value find(Interpreter& in, const Value& self, const Bound& a) {
  return search(in, self, a, last);
}
template <bool last>
Value index(Interpreter& in, const Value& self, const Bound& a) {
  const std::int64_t at = search(in, self, a, last);
  if (at < 0) in.fail(Error::type, "the text was not found");
  return at;
}

Value count(Interpreter& in, const Value& self, const Bound& a) {
  const Part part = part_of(self, a);
  const std::string& wanted = a.string(0);
  if (!part.valid) return 0;
  if (wanted.empty()) return text_length(part.text) + 1;
  in.charge_search(part.text.size(), wanted.size());
  std::int64_t found = 0;
  for (std::size_t at = 0; (at = part.text.find(wanted, at)) != part.text.npos; at += wanted.size()) ++found;
  return found;
}

// One text, or a tuple of them.
template <bool at_start>
Value begins_or_ends(Interpreter& in, const Value& self, const Bound& a) {
  const Part part = part_of(self, a);
  const Value& wanted = *a.find(0);
  const std::vector<Value> options = wanted.is_tuple() ? wanted.list().items : std::vector<Value>{wanted};
  in.charge(options.size());
  bool found = false;
  for (const Value& option : options) {
    if (!option.is_string()) in.fail(Error::type, "expected a string or a tuple of strings");
    found = found ||
            (part.valid && (at_start ? part.text.starts_with(option.string()) : part.text.ends_with(option.string())));
  }
  return found;
}

constexpr Filter kSearchMethods[] = {{"find", "sub! start end", find<false>},
                                     {"rfind", "sub! start end", find<true>},
                                     {"index", "sub! start end", index<false>},
                                     {"rindex", "sub! start end", index<true>},
                                     {"count", "sub! start end", count},
                                     {"startswith", "prefix! start end", begins_or_ends<true>},
                                     {"endswith", "suffix! start end", begins_or_ends<false>}};

}  // namespace

std::span<const Filter> search_methods() { return kSearchMethods; }

}  // namespace hearth
