// Reading headers and the body's outline.
#include "tools/serve/request_facts.h"

#include <algorithm>

#include "tools/audit/digest.h"
#include "tools/route/places.h"
#include "tools/route/repository.h"
#include "tools/route/words.h"

namespace hearth::serve {
namespace {

constexpr uint64_t kPromptBytesPerToken = 4;  // of English and code, about
constexpr size_t kLongestName = 256;          // of the log
constexpr size_t kLongestHint = 4096;         // of a folder or path

// All values of a header, with commas between them.
std::string values_of(const Connection& connection, const char* name) {
  std::string values;
  const auto [begin, end] = connection.request().equal_range(name);
  for (auto field = begin; field != end; ++field) values += (values.empty() ? "" : ",") + std::string(field->value());
  return values;
}

// Of two values nobody knows which one counts.
std::string value_of(const Connection& connection, const char* name) {
  if (connection.request().count(name) > 1)
    throw invalid_request("the header " + std::string(name) + " is given more than once");
  return connection.header(name);
}

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= list.size();) {
    const size_t comma = std::min(list.find(',', at), list.size());
    std::string part = list.substr(at, comma - at);
    part.erase(0, std::min(part.find_first_not_of(" \t"), part.size()));
    part.erase(part.find_last_not_of(" \t") + 1);
    if (!part.empty()) parts.push_back(std::move(part));
    at = comma + 1;
  }
  return parts;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; });
}

void add(std::vector<std::string>& places, std::string place) {
  if (!place.empty() && std::ranges::find(places, place) == places.end()) places.push_back(std::move(place));
}

// What a header's hint may mean, and where its links lead on this machine.
void add_places(const std::string& hint, const char* header, std::vector<std::string>& places, route::Facts& facts) {
  std::vector<std::string> meant = route::places_of(hint);
  if (hint.size() > kLongestHint || std::ranges::any_of(meant, has_control)) {
    facts.unclear = std::string(header) + " cannot be read";
    return;
  }
  meant.push_back(hint);  // ".." behind a link is another folder there
  for (size_t i = 0; i < meant.size(); ++i) {
    if (i + 1 < meant.size()) add(places, meant[i]);
    auto resolved = route::resolved_place(meant[i]);
    if (!resolved)
      facts.unclear = std::string(header) + " cannot be looked at";
    else if (route::is_absolute(*resolved))
      add(places, *std::move(resolved));
  }
}

void read_places(const Connection& connection, route::Facts& facts) {
  const char* const kRepository = "X-Hearth-Repository";
  const char* const kPath = "X-Hearth-Path";
  if (const std::string hint = value_of(connection, kRepository); !hint.empty())
    add_places(hint, kRepository, facts.repositories, facts);
  facts.paths = facts.repositories;
  for (const std::string& path : parts_of(values_of(connection, kPath))) {
    add_places(path, kPath, facts.paths, facts);
    if (!route::is_absolute(route::normal_place(path)))
      for (const std::string& folder : facts.repositories) add_places(folder + "/" + path, kPath, facts.paths, facts);
  }
}

route::Asked read_wish(const std::string& header) {
  if (header.empty()) return route::Asked::nothing;
  if (header == "local") return route::Asked::local;
  if (header == "auto") return route::Asked::automatic;
  if (header == "cloud") return route::Asked::cloud;
  throw invalid_request("the header X-Hearth-Route must be local, auto or cloud");
}

// What an endpoint is for.
std::string task_of(const std::string& path) {
  if (path.find("embed") != path.npos) return "embedding";
  for (const char* part : {"/completion", "/infill", "/api/generate"})
    if (path.find(part) != path.npos && path.find("/chat/") == path.npos) return "completion";
  return "chat";
}

// A part that says by its type or its members that it is an image, however deep; not what a tool is called with.
bool is_or_holds_image(const Json& value) {
  if (value.is_array()) return std::ranges::any_of(value, is_or_holds_image);
  if (!value.is_object()) return false;
  const std::string type = member_text(value, "type");
  if (type == "tool_use" || type == "function_call") return false;
  if (type.find("image") != type.npos || member_text(value, "media_type").starts_with("image/")) return true;
  const Json* const images = member_of(value, "images");
  if (member_of(value, "image_url") != nullptr || (images != nullptr && !images->empty())) return true;
  return std::ranges::any_of(value, is_or_holds_image);
}

bool holds_image(const Json& body) {
  for (const char* name : {"messages", "input", "system", "prompt", "images"})
    if (const Json* const member = member_of(body, name)) {
      if (is_or_holds_image(Json{{name, *member}})) return true;
    }
  return false;
}

// As lists, or as objects that may be empty.
bool holds_tools(const Json& body) {
  for (const char* name : {"tools", "functions", "mcp_servers"})
    if (const Json* const list = member_of(body, name); list != nullptr && !list->empty()) return true;
  return member_of(body, "web_search_options") != nullptr;
}

std::string text_in(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::string printable(std::string text) {
  text.resize(std::min(text.size(), kLongestName));
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  return text;
}

route::Facts read_facts_of(const Connection& connection, const Json& body, uint64_t bytes) {
  route::Facts facts;
  facts.asked = read_wish(value_of(connection, "X-Hearth-Route"));
  facts.tasks.insert(task_of(connection.path()));
  for (const std::string& task : parts_of(values_of(connection, "X-Hearth-Task")))
    facts.tasks.insert(route::lower(task));
  read_places(connection, facts);
  add_content_facts(body, bytes, facts);
  return facts;
}

void add_content_facts(const Json& body, uint64_t bytes, route::Facts& facts) {
  facts.tools |= holds_tools(body);
  facts.vision |= holds_image(body);
  facts.prompt_tokens = std::max(facts.prompt_tokens, bytes / kPromptBytesPerToken);
}

Session session_of(const Connection& connection, const Json& body, const std::string& client) {
  std::string session = value_of(connection, "X-Hearth-Session");
  if (session.empty()) session = text_in(body, "prompt_cache_key");
  if (session.empty())
    if (const auto metadata = body.find("metadata"); metadata != body.end()) session = text_in(*metadata, "session_id");
  if (!session.empty()) return {audit::sha256(client + "\n" + session), true};
  const auto messages = body.find("messages");
  if (messages == body.end() || !messages->is_array()) return {};
  // The first words of both sides stay as they are for as long as the conversation goes on.
  std::string beginning = client;
  for (const Json& message : *messages) {
    beginning += "\n" + to_text(message);
    if (text_in(message, "role") == "user") break;
  }
  return {audit::sha256(beginning), false};
}

}  // namespace hearth::serve
