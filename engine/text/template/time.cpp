// strftime in the C locale, written out.
#include "engine/text/template/time.h"

#include <array>
#include <charconv>
#include <ctime>
#include <string_view>

#include "engine/text/template/error.h"

namespace hearth {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<int, 12> kDaysInMonth = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

struct Time {
  int year, month, day, hour, minute, second;  // month and day from 1

  int days_in_month() const {
    return kDaysInMonth[static_cast<std::size_t>(month - 1)] + (is_leap(year) && month == 2);
  }
  int day_of_year() const {  // from 1
    int days = day + (is_leap(year) && month > 2);
    for (int m = 1; m < month; ++m) days += kDaysInMonth[static_cast<std::size_t>(m - 1)];
    return days;
  }
  int week_day() const {  // from Sunday, 0
    const int years = year - 1;
    return (years * 365 + years / 4 - years / 100 + years / 400 + day_of_year()) % 7;
  }
  int week_day_from_monday() const { return (week_day() + 6) % 7; }
  // ISO 8601: a week belongs to the year that has its Thursday.
  std::pair<int, int> iso_year_and_week() const {
    const int thursday = day_of_year() - week_day_from_monday() + 3;
    const int days = is_leap(year) ? 366 : 365;
    if (thursday > days) return {year + 1, 1};
    if (thursday > 0) return {year, (thursday - 1) / 7 + 1};
    return {year - 1, (thursday + (is_leap(year - 1) ? 366 : 365) - 1) / 7 + 1};
  }
};

// 2026-11-23T12:34:56
Time parse_time(const std::string& text) {
  constexpr std::string_view kPattern = "0000-00-00T00:00:00";
  bool fits = text.size() == kPattern.size();
  for (std::size_t i = 0; fits && i < text.size(); ++i) {
    fits = kPattern[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == kPattern[i];
  }
  const auto number = [&](std::size_t at, std::size_t size) {
    int out = 0;
    std::from_chars(text.data() + at, text.data() + at + size, out);
    return out;
  };
  Time t{};
  if (fits) t = {number(0, 4), number(5, 2), number(8, 2), number(11, 2), number(14, 2), number(17, 2)};
  fits = fits && t.year >= 1 && t.month >= 1 && t.month <= 12 && t.day >= 1 && t.day <= t.days_in_month() &&
         t.hour <= 23 && t.minute <= 59 && t.second <= 59;
  if (!fits) throw TemplateError(TemplateError::Kind::type, "the time '" + text.substr(0, 40) + "' is none");
  return t;
}

Time clock_time() {
  const std::time_t seconds = std::time(nullptr);
  std::tm t{};
  localtime_r(&seconds, &t);
  return {t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec};
}

// With glibc's flags: '-' no padding, '_' blanks, '0' zeros, '^' capitals.
std::string padded(int number, std::size_t width, char pad, char flag) {
  if (flag == '_') pad = ' ';
  if (flag == '0') pad = '0';
  std::string digits = std::to_string(number);
  if (flag != '-' && digits.size() < width) digits.insert(0, width - digits.size(), pad);
  return digits;
}

std::string expand(const std::string& format, const Time& t);

// Empty for an unknown directive.
std::string number_directive(char directive, char flag, const Time& t) {
  const int hour = t.hour % 12 == 0 ? 12 : t.hour % 12;
  const auto two = [&](int number, char pad = '0') { return padded(number, 2, pad, flag); };
  switch (directive) {
    case 'Y':
      return std::to_string(t.year);
    case 'C':
      return two(t.year / 100);
    case 'y':
      return two(t.year % 100);
    case 'm':
      return two(t.month);
    case 'd':
      return two(t.day);
    case 'e':
      return two(t.day, ' ');
    case 'H':
      return two(t.hour);
    case 'k':
      return two(t.hour, ' ');
    case 'I':
      return two(hour);
    case 'l':
      return two(hour, ' ');
    case 'M':
      return two(t.minute);
    case 'S':
      return two(t.second);
    case 'f':
      return "000000";
    case 'j':
      return padded(t.day_of_year(), 3, '0', flag);
    case 'w':
      return std::to_string(t.week_day());
    case 'u':
      return std::to_string(t.week_day_from_monday() + 1);
    case 'U':
      return two((t.day_of_year() + 6 - t.week_day()) / 7);
    case 'W':
      return two((t.day_of_year() + 6 - t.week_day_from_monday()) / 7);
    case 'G':
      return std::to_string(t.iso_year_and_week().first);
    case 'g':
      return two(t.iso_year_and_week().first % 100);
    case 'V':
      return two(t.iso_year_and_week().second);
    default:
      return "";
  }
}

std::string word_directive(char directive, const Time& t) {
  const std::string_view day = kDays[static_cast<std::size_t>(t.week_day())];
  const std::string_view month = kMonths[static_cast<std::size_t>(t.month - 1)];
  switch (directive) {
    case 'A':
      return std::string(day);
    case 'a':
      return std::string(day.substr(0, 3));
    case 'B':
      return std::string(month);
    case 'b':
    case 'h':
      return std::string(month.substr(0, 3));
    case 'p':
      return t.hour < 12 ? "AM" : "PM";
    case 'P':
      return t.hour < 12 ? "am" : "pm";
    case 'n':
      return "\n";
    case 't':
      return "\t";
    case '%':
      return "%";
    case 'D':
    case 'x':
      return expand("%m/%d/%y", t);
    case 'F':
      return expand("%Y-%m-%d", t);
    case 'T':
    case 'X':
      return expand("%H:%M:%S", t);
    case 'R':
      return expand("%H:%M", t);
    case 'r':
      return expand("%I:%M:%S %p", t);
    case 'c':
      return expand("%a %b %e %H:%M:%S %Y", t);
    default:
      return "";
  }
}

std::string expand(const std::string& format, const Time& t) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out.push_back(format[i]);
      continue;
    }
    const std::size_t start = i++;
    const bool flagged = std::string_view("-_0^").find(format[i]) != std::string_view::npos && i + 1 < format.size();
    const char flag = flagged ? format[i++] : '\0';
    std::string made = number_directive(format[i], flag, t);
    if (made.empty()) made = word_directive(format[i], t);
    if (flag == '^') {
      for (char& c : made) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    }
    // A local time without a zone has neither %Z nor %z.
    if (made.empty() && format[i] != 'Z' && format[i] != 'z') made = format.substr(start, i + 1 - start);
    out += made;
  }
  return out;
}

}  // namespace

std::string format_time(const std::string& format, const std::string& now) {
  return expand(format, now.empty() ? clock_time() : parse_time(now));
}

}  // namespace hearth
