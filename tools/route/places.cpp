// Reading places as those who open files would.
#include "tools/route/places.h"

#include <algorithm>
#include <cctype>

#include "tools/route/glob.h"

namespace hearth::route {
namespace {

constexpr int kMostReadings = 4;  // "%25252F"

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

bool has_drive(std::string_view text) { return text.size() >= 2 && is_letter(text[0]) && text[1] == ':'; }

int hex_digit(char c) {
  const std::string_view digits = "0123456789abcdef";
  return static_cast<int>(digits.find(static_cast<char>(std::tolower(static_cast<unsigned char>(c)))));
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_code =
        text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    decoded += is_code ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
    if (is_code) i += 2;
  }
  return decoded;
}

// "file:///a", "file://localhost/a" and "file:/a" are "/a"; "file:///C:/a" is "C:/a".
std::string_view without_scheme(std::string_view text) {
  const std::string_view scheme = "file:";
  const bool has_scheme =
      text.size() >= scheme.size() && std::ranges::equal(text.substr(0, scheme.size()), scheme, {}, [](char c) {
        return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      });
  if (!has_scheme) return text;
  text.remove_prefix(scheme.size());
  if (text.starts_with("//")) text.remove_prefix(std::min(text.find('/', 2), text.size()));
  return text.starts_with('/') && has_drive(text.substr(1)) ? text.substr(1) : text;
}

}  // namespace

std::string normal_place(std::string_view text) {
  std::string slashed(text);
  std::ranges::replace(slashed, '\\', '/');
  std::string_view rest = without_scheme(slashed);
  std::string root;
  if (has_drive(rest)) {
    root = rest.substr(0, 2);
    rest.remove_prefix(2);
  }
  if (rest.starts_with('/')) root += '/';
  std::vector<std::string_view> names;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    if (name.empty() || name == ".") continue;
    const bool leads_back = name == ".." && !names.empty() && names.back() != "..";
    if (leads_back)
      names.pop_back();
    else if (name != ".." || root.empty())
      names.push_back(name);
  }
  for (size_t i = 0; i < names.size(); ++i) root.append(i == 0 ? "" : "/").append(names[i]);
  return root;
}

std::vector<std::string> places_of(std::string_view text) {
  std::vector<std::string> places = {normal_place(text)};
  std::string read(text);
  for (int i = 0; i < kMostReadings && read.find('%') != read.npos; ++i) {
    read = percent_decoded(read);
    if (std::string place = normal_place(read); std::ranges::find(places, place) == places.end())
      places.push_back(std::move(place));
  }
  return places;
}

bool is_absolute(std::string_view place) {
  return place.starts_with('/') || (has_drive(place) && place.substr(2).starts_with('/'));
}

std::string below(const std::string& folder, const std::string& place) {
  return is_absolute(place) ? place : normal_place(folder + "/" + place);
}

bool covers(std::string_view pattern, std::string_view place) {
  return matches(pattern, place) || (pattern.ends_with("/**") && matches(pattern.substr(0, pattern.size() - 3), place));
}

bool names_place(const std::vector<std::string>& patterns, const std::string& place) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    if (!could_match(pattern, place)) return false;
    return covers(pattern, place) || (!pattern.starts_with('/') && covers("**/" + pattern, place));
  });
}

}  // namespace hearth::route
