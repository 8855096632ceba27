// Addresses by hand: scheme, host and port are all that is looked at.
#include "tools/fetch/url.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "hearth/hearth.h"
#include "tools/store/model_name.h"

namespace hearth::fetch {
namespace {

std::string in_lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

}  // namespace

std::string origin_of(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos || scheme == 0) return "";
  const std::string name = in_lower_case(url.substr(0, scheme));
  std::string_view host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const size_t user = host.rfind('@'); user != host.npos) host = host.substr(user + 1);
  if (host.empty()) return "";
  const bool has_port = host.find(':', host.front() == '[' ? std::min(host.find(']'), host.size()) : 0) != host.npos;
  return name + "://" + in_lower_case(host) + (has_port ? "" : name == "https" ? ":443" : ":80");
}

void require_allowed(const std::string& url, bool plain_http) {
  const std::string origin = origin_of(url);
  if (origin.starts_with("https://")) return;
  if (origin.starts_with("http://") && (plain_http || store::is_loopback(origin))) return;
  if (origin.starts_with("http://"))
    throw Error(ErrorCode::invalid_argument, "'" + shown_url(url) +
                                                 "' is not encrypted, so anybody on the way could change it; "
                                                 "--plain-http allows that");
  throw Error(ErrorCode::invalid_argument, "'" + shown_url(url) + "' is no https address");
}

std::string escape_path(std::string_view path) {
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) || std::string_view("-._~/").find(c) != std::string_view::npos) {
      text += c;
      continue;
    }
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", byte);
    text += code;
  }
  return text;
}

std::string shown_url(std::string_view url) {
  std::string text(url.substr(0, std::min(url.find_first_of("?#"), size_t{300})));
  const size_t begin = text.find("://");
  if (begin != text.npos)
    if (const size_t user = text.find('@'); user < text.find('/', begin + 3))
      text.erase(begin + 3, user + 1 - begin - 3);
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  return text;
}

std::string next_link(std::string_view header) {
  // <https://host/path?cursor=abc>; rel="next", <...>; rel="last"
  for (size_t at; (at = header.find('<')) != header.npos;) {
    header.remove_prefix(at + 1);
    const size_t close = header.find('>');
    if (close == header.npos) return "";
    const std::string_view url = header.substr(0, close);
    header.remove_prefix(close + 1);
    const std::string_view parameters = header.substr(0, header.find('<'));
    if (parameters.find("rel=\"next\"") != parameters.npos || parameters.find("rel=next") != parameters.npos)
      return std::string(url);
  }
  return "";
}

}  // namespace hearth::fetch
