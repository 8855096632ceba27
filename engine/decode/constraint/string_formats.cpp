// Patterns of formats.
#include "engine/decode/constraint/string_formats.h"

namespace hearth {
namespace {

std::string group(const std::string& inner) { return "(?:" + inner + ")"; }

// RFC 3339; 29 February in leap years alone.
std::string date_pattern() {
  const std::string century = "[0-9]{2}", leap = "(?:0[48]|[2468][048]|[13579][26])";
  const std::string leap_year = group(century + leap + "|(?:[02468][048]|[13579][26])00");
  return group(
      "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|"
      "02-(?:0[1-9]|1[0-9]|2[0-8]))|" +
      leap_year + "-02-29");
}

std::string time_pattern() {
  const std::string hours = "(?:[01][0-9]|2[0-3])";
  return hours + ":[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-]" + hours + ":[0-5][0-9])";
}

std::string duration_pattern() {
  const std::string n = "[0-9]{1,9}", seconds = n + "S";
  const std::string minutes = n + "M(?:" + seconds + ")?";
  const std::string time = group(n + "H(?:" + minutes + ")?|" + minutes + "|" + seconds);
  const std::string days = n + "D", months = n + "M(?:" + days + ")?";
  const std::string date = group(n + "Y(?:" + months + ")?|" + months + "|" + days);
  return "P(?:" + n + "W|" + date + "(?:T" + time + ")?|T" + time + ")";
}

// Shorter labels and fewer of them than RFC 1123 allows, so that no length has to be counted in all.
std::string host_pattern() {
  const std::string label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,28}[A-Za-z0-9])?";
  return "(?:" + label + "\\.){0,7}" + label;
}

std::string email_pattern() {
  const std::string atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
  const std::string label = "[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*";
  return atom + "(?:\\." + atom + ")*@" + label + "(?:\\." + label + ")+";
}

std::string ipv4_pattern() {
  const std::string octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  return "(?:" + octet + "\\.){3}" + octet;
}

// RFC 4291 without embedded IPv4 addresses.
std::string ipv6_pattern() {
  const std::string h = "[0-9A-Fa-f]{1,4}";
  std::string ways = "(?:" + h + ":){7}" + h + "|(?:" + h + ":){1,7}:|:(?::" + h + "){1,7}|::";
  for (int left = 1; left <= 6; ++left)
    ways += "|(?:" + h + ":){" + std::to_string(left) + "}(?::" + h + "){1," + std::to_string(7 - left) + "}";
  return group(ways);
}

// RFC 3986 without IP literals.
std::string uri_pattern(bool reference) {
  const std::string hex = "%[0-9A-Fa-f]{2}";
  const std::string name = "(?:[A-Za-z0-9._~!$&'()*+,;=-]|" + hex + ")";
  const std::string path = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|" + hex + ")";
  const std::string query = "(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|" + hex + ")*";
  const std::string tail = "(?:\\?" + query + ")?(?:#" + query + ")?";
  const std::string host =
      "//(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|" + hex + ")*@)?" + name + "*(?::[0-9]{1,5})?(?:/" + path + "*)*";
  const std::string absolute = "/(?:" + path + "+(?:/" + path + "*)*)?";
  const std::string rootless = path + "+(?:/" + path + "*)*";
  const std::string uri = "[A-Za-z][A-Za-z0-9+.-]*:" + group(host + "|" + absolute + "|" + rootless) + tail;
  if (!reference) return uri;
  const std::string no_colon = "(?:[A-Za-z0-9._~!$&'()*+,;=@-]|" + hex + ")+(?:/" + path + "*)*";
  return group(uri + "|" + group(host + "|" + absolute + "|(?:" + no_colon + ")?") + tail);
}

const std::string& uuid_pattern() {
  static const std::string pattern = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}";
  return pattern;
}

std::string unanchored_pattern(std::string_view format) {
  if (format == "date") return date_pattern();
  if (format == "time") return time_pattern();
  if (format == "date-time") return date_pattern() + "T" + time_pattern();
  if (format == "duration") return duration_pattern();
  if (format == "email" || format == "idn-email") return email_pattern();
  if (format == "hostname" || format == "idn-hostname") return host_pattern();
  if (format == "ipv4") return ipv4_pattern();
  if (format == "ipv6") return ipv6_pattern();
  if (format == "uuid") return uuid_pattern();
  if (format == "uri" || format == "iri" || format == "url") return uri_pattern(false);
  if (format == "uri-reference" || format == "iri-reference") return uri_pattern(true);
  if (format == "json-pointer") return "(?:/(?:[^~/]|~[01])*)*";
  if (format == "relative-json-pointer") return "(?:0|[1-9][0-9]{0,8})(?:#|(?:/(?:[^~/]|~[01])*)*)";
  return "";
}

}  // namespace

std::optional<std::string> format_pattern(std::string_view format) {
  const std::string pattern = unanchored_pattern(format);
  if (pattern.empty()) return std::nullopt;
  return "^(?:" + pattern + ")$";
}

}  // namespace hearth
