// Reading headers and the body's outline.
#include "tools/serve/request_facts.h"

#include <algorithm>

#include "tools/audit/digest.h"

namespace hearth::serve {
namespace {

constexpr uint64_t kPromptBytesPerToken = 4;  // of English and code, about
constexpr size_t kLongestName = 256;

// Headers end up in the log: short, and printable.
std::string header_text(const Connection& connection, const char* name) {
  std::string text = connection.header(name).substr(0, kLongestName);
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  return text;
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

bool holds_image(const Json& body) {
  const auto messages = body.find("messages");
  if (messages == body.end() || !messages->is_array()) return false;
  for (const Json& message : *messages) {
    if (!message.is_object()) continue;
    const auto content = message.find("content");
    if (content == message.end() || !content->is_array()) continue;
    for (const Json& part : *content) {
      const auto type = part.is_object() ? part.find("type") : part.end();
      if (part.is_object() && type != part.end() && type->is_string() &&
          type->get_ref<const std::string&>().find("image") != std::string::npos)
        return true;
    }
  }
  return false;
}

std::string text_in(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

route::Facts read_facts_of(const Connection& connection, const Json& body) {
  route::Facts facts;
  facts.asked = read_wish(connection.header("X-Hearth-Route"));
  facts.asked_model = text_in(body, "model");
  facts.automatic = facts.asked_model == kAutomatic || facts.asked == route::Asked::automatic;
  facts.tasks.insert(task_of(connection.path()));
  if (const std::string task = header_text(connection, "X-Hearth-Task"); !task.empty()) facts.tasks.insert(task);
  facts.repository = header_text(connection, "X-Hearth-Repository");
  std::string paths = connection.header("X-Hearth-Path");
  while (!paths.empty()) {
    const size_t comma = paths.find(',');
    std::string path = paths.substr(0, comma);
    path.erase(0, std::min(path.find_first_not_of(' '), path.size()));
    if (!path.empty()) facts.paths.push_back(std::move(path));
    paths = comma == paths.npos ? "" : paths.substr(comma + 1);
  }
  const auto tools = body.find("tools");
  facts.tools = tools != body.end() && tools->is_array() && !tools->empty();
  if (facts.automatic || facts.asked != route::Asked::nothing) facts.vision = holds_image(body);
  facts.prompt_tokens = connection.request().body().size() / kPromptBytesPerToken;
  return facts;
}

std::string session_of(const Connection& connection, const Json& body, const std::string& client) {
  std::string session = connection.header("X-Hearth-Session");
  if (session.empty()) session = text_in(body, "prompt_cache_key");
  if (session.empty())
    if (const auto metadata = body.find("metadata"); metadata != body.end()) session = text_in(*metadata, "session_id");
  if (!session.empty()) return audit::sha256(client + "\n" + session);
  const auto messages = body.find("messages");
  if (messages == body.end() || !messages->is_array()) return "";
  // The first words of both sides stay as they are for as long as the conversation goes on.
  std::string beginning = client;
  for (const Json& message : *messages) {
    beginning += "\n" + to_text(message);
    if (text_in(message, "role") == "user") break;
  }
  return audit::sha256(beginning);
}

}  // namespace hearth::serve
