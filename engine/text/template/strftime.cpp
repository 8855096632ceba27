// Dates as Python's strftime gives them in the C locale, whatever the process's own is.
#include "engine/text/template/strftime.h"

#include <charconv>
#include <cstdio>
#include <ctime>

#include "engine/text/template/error.h"

namespace hearth {
namespace {

constexpr const char* kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr const char* kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                   "July",    "August",   "September", "October", "November", "December"};

[[noreturn]] void fail(const std::string& what) { throw TemplateError(TemplateError::Kind::type, what); }

// 2026-11-23T12:34:56, with weekday and day of the year.
std::tm read_time(const std::string& now) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  bool good = now.size() == kShape.size();
  for (std::size_t i = 0; good && i < kShape.size(); ++i)
    good = kShape[i] == 'd' ? now[i] >= '0' && now[i] <= '9' : now[i] == kShape[i];
  const auto number = [&](std::size_t at, std::size_t size) {
    int value = 0;
    if (good) std::from_chars(now.data() + at, now.data() + at + size, value);
    return value;
  };
  std::tm t{};
  t.tm_year = number(0, 4) - 1900, t.tm_mon = number(5, 2) - 1, t.tm_mday = number(8, 2);
  t.tm_hour = number(11, 2), t.tm_min = number(14, 2), t.tm_sec = number(17, 2);
  const std::tm asked = t;
  // timegm fills in the weekday, and moves what is no date to one.
  if (good) timegm(&t);
  if (!good || t.tm_mon != asked.tm_mon || t.tm_mday != asked.tm_mday || t.tm_hour != asked.tm_hour ||
      t.tm_min != asked.tm_min || t.tm_sec != asked.tm_sec)
    fail("'now' is no time such as 2026-11-23T12:34:56");
  return t;
}

std::string padded(int value, int width, char fill) {
  std::string digits = std::to_string(value);
  if (fill != '-' && digits.size() < static_cast<std::size_t>(width))
    digits.insert(0, static_cast<std::size_t>(width) - digits.size(), fill);
  return digits;
}

std::string field(char code, char fill, const std::tm& t) {
  const int hour = t.tm_hour % 12 == 0 ? 12 : t.tm_hour % 12;
  const auto two = [&](int value, char usual = '0') { return padded(value, 2, fill != 0 ? fill : usual); };
  const auto all = [&](const char* codes) {
    std::string out;
    for (; *codes != 0; ++codes)
      out += std::isalpha(static_cast<unsigned char>(*codes)) != 0 ? field(*codes, 0, t) : std::string(1, *codes);
    return out;
  };
  switch (code) {
    case 'a':
      return std::string(kDays[t.tm_wday]).substr(0, 3);
    case 'A':
      return kDays[t.tm_wday];
    case 'b':
    case 'h':
      return std::string(kMonths[t.tm_mon]).substr(0, 3);
    case 'B':
      return kMonths[t.tm_mon];
    case 'c':
      return all("a b e H:M:S Y");
    case 'C':
      return two((t.tm_year + 1900) / 100);
    case 'd':
      return two(t.tm_mday);
    case 'D':
    case 'x':
      return all("m/d/y");
    case 'e':
      return two(t.tm_mday, ' ');
    case 'f':
      return "000000";
    case 'F':
      return all("Y-m-d");
    case 'H':
      return two(t.tm_hour);
    case 'I':
      return two(hour);
    case 'j':
      return padded(t.tm_yday + 1, 3, fill != 0 ? fill : '0');
    case 'k':
      return two(t.tm_hour, ' ');
    case 'l':
      return two(hour, ' ');
    case 'm':
      return two(t.tm_mon + 1);
    case 'M':
      return two(t.tm_min);
    case 'n':
      return "\n";
    case 'p':
      return t.tm_hour < 12 ? "AM" : "PM";
    case 'R':
      return all("H:M");
    case 'S':
      return two(t.tm_sec);
    case 't':
      return "\t";
    case 'T':
    case 'X':
      return all("H:M:S");
    case 'u':
      return std::to_string(t.tm_wday == 0 ? 7 : t.tm_wday);
    case 'U':
      return two((t.tm_yday + 7 - t.tm_wday) / 7);
    case 'w':
      return std::to_string(t.tm_wday);
    case 'W':
      return two((t.tm_yday + 7 - (t.tm_wday + 6) % 7) / 7);
    case 'y':
      return two(t.tm_year % 100);
    case 'Y':
      return padded(t.tm_year + 1900, 4, fill != 0 ? fill : '0');
    case 'z':
    case 'Z':
      return "";  // a time without a zone
    case '%':
      return "%";
    default:
      fail(std::string("strftime does not know %") + code);
  }
}

}  // namespace

std::string format_time(const std::string& format, const std::string& now) {
  std::tm t{};
  if (now.empty()) {
    const std::time_t clock = std::time(nullptr);
    localtime_r(&clock, &t);
  } else {
    t = read_time(now);
  }
  std::string out;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%' || at + 1 == format.size()) {
      out += format[at];
      continue;
    }
    char fill = 0;
    const char flag = format[at + 1];
    if ((flag == '-' || flag == '_' || flag == '0') && at + 2 < format.size()) fill = flag == '_' ? ' ' : flag, ++at;
    out += field(format[++at], fill, t);
  }
  return out;
}

}  // namespace hearth
