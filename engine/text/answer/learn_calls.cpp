// What a template puts before, between and behind the calls of a message.
#include <algorithm>

#include "engine/text/answer/call_reader.h"
#include "engine/text/answer/learn.h"

namespace hearth {
namespace {

struct CallProbe {
  std::string one, two;  // messages with a call, and with two; the latter empty where it is refused
  size_t start = 0;      // where the answer begins
  std::string text_end;  // what follows an answer of text
};

std::optional<CallProbe> probe_calls(const Prober& prober, Prober::CallStyle style) {
  const std::string user = Prober::user();
  CallProbe probe;
  const auto one = prober.render(user + ", " + Prober::calling(style), true);
  if (!one) return std::nullopt;
  probe.one = *one;
  style.calls = 2;
  probe.two = prober.render(user + ", " + Prober::calling(style), true).value_or("");
  const size_t behind_user = one->rfind(probe::kUser);
  if (behind_user == std::string::npos) return std::nullopt;
  std::string before;
  if (const auto text = prober.render(user + ", " + Prober::answer(), true)) {
    const size_t answer = text->rfind(probe::kAnswer);
    if (answer != std::string::npos) {
      before = text->substr(0, answer);
      probe.text_end = text->substr(answer + probe::kAnswer.size());
    }
  }
  if (before.empty()) before = prober.render(user, true, true).value_or("");
  probe.start = std::max(common_beginning(before, *one), behind_user + probe::kUser.size());
  return probe;
}

// Without what a template writes for reasoning that there was none of.
std::string_view behind_reasoning(std::string_view before) {
  for (const std::string_view close : {"</think>", "[/THINK]", "<|END_THINKING|>"})
    if (const size_t at = before.rfind(close); at != before.npos) before = before.substr(at + close.size());
  return before;
}

// A call's opening words end in what belongs to the name: functions. for one.
void split_prefix(std::string_view& open, CallFormat& format) {
  if (format.body == CallFormat::Body::object) return;
  size_t size = 0;
  while (size < open.size() && is_tool_name(open[open.size() - size - 1])) ++size;
  const std::string_view prefix = open.substr(open.size() - size);
  if (!prefix.ends_with('.')) return;
  format.name_prefix = prefix;
  open.remove_suffix(size);
}

CallFormat framed(const CallProbe& probe, const FoundCall& found) {
  CallFormat format = found.format;
  const std::string_view before =
      behind_reasoning(std::string_view(probe.one).substr(probe.start, found.begin - probe.start));
  std::string_view after = std::string_view(probe.one).substr(found.end);
  after.remove_suffix(common_end(after, probe.text_end));
  std::string_view open = before, close = after, section_open, section_close;
  const auto second = find_call(probe.two, found.end, probe::kSecondTool);
  if (second && probe.two.compare(0, found.end, probe.one, 0, found.end) == 0) {
    const std::string_view between = std::string_view(probe.two).substr(found.end, second->begin - found.end);
    const size_t closing = common_beginning(after, between);
    const size_t opening = common_end(before, between.substr(closing));
    open = before.substr(before.size() - opening);
    close = after.substr(0, closing);
    section_open = before.substr(0, before.size() - opening);
    section_close = after.substr(closing);
  }
  const size_t begin = before.find_first_not_of(kAnswerSpace);
  format.written.open = begin == before.npos ? "" : before.substr(begin);
  format.written.call_close = close;
  split_prefix(open, format);
  const bool list = format.body == CallFormat::Body::object || format.body == CallFormat::Body::python;
  // Brackets of a list are read wherever they stand.
  const auto without_list = [&](std::string_view marker, bool opens) {
    marker = trim(marker);
    if (list && opens && marker.ends_with('[')) marker.remove_suffix(1);
    if (list && !opens && marker.starts_with(']')) marker.remove_prefix(1);
    return split_words(marker);
  };
  format.section_open = without_list(section_open, true);
  format.call_open = without_list(open, true);
  format.call_close = without_list(close, false);
  format.section_close = without_list(section_close, false);
  return format;
}

}  // namespace

std::optional<CallFormat> learn_calls(const Prober& prober, TemplateHabits& habits) {
  std::optional<CallProbe> best_probe;
  std::optional<FoundCall> best;
  for (const bool function_ids : {false, true}) {
    for (const bool as_text : {false, true}) {
      const auto probe = probe_calls(
          prober, {.arguments_as_text = as_text, .function_ids = function_ids, .id = {}, .more = {}, .content = {}});
      if (!probe) continue;
      const auto found = find_call(probe->one, probe->start, probe::kFirstTool);
      // JSON is the better of two forms: Python's print of an object looks like parameters.
      if (!found || (best && found->format.body == CallFormat::Body::parameters)) continue;
      if (best && best->format.body != CallFormat::Body::parameters) continue;
      best_probe = probe;
      best = found;
      habits.arguments_as_text = as_text;
      habits.function_ids = function_ids;
    }
    if (best) break;
  }
  if (!best) return std::nullopt;
  habits.one_call_a_message = best_probe->two.find(probe::kSecondTool, best->end) == std::string::npos;
  return framed(*best_probe, *best);
}

}  // namespace hearth
