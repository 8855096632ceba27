// Messages, tools, limits and reasoning.
#include "tools/serve/anthropic/messages_hop.h"

#include <algorithm>
#include <array>
#include <set>

#include "tools/redact/shallow_json.h"
#include "tools/serve/api_error.h"

namespace hearth::serve {
namespace {

// Of a chat: what is said in other fields, or says nothing there.
const std::set<std::string> kSaid = {"model",
                                     "messages",
                                     "tools",
                                     "tool_choice",
                                     "stop",
                                     "temperature",
                                     "top_p",
                                     "top_k",
                                     "max_tokens",
                                     "stream",
                                     "n",
                                     "max_completion_tokens",
                                     "functions",
                                     "function_call",
                                     "stream_options",
                                     "parallel_tool_calls",
                                     "reasoning_effort",
                                     "response_format"};

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

Json text_block(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

// "data:image/png;base64,..." or an address.
Json image_block(const std::string& url) {
  constexpr std::string_view kData = "data:", kMark = ";base64,";
  const size_t mark = url.find(kMark);
  if (!url.starts_with(kData) || mark == url.npos)
    return {{"type", "image"}, {"source", {{"type", "url"}, {"url", url}}}};
  return {{"type", "image"},
          {"source",
           {{"type", "base64"},
            {"media_type", url.substr(kData.size(), mark - kData.size())},
            {"data", url.substr(mark + kMark.size())}}}};
}

class ChatMessages {
 public:
  void add(const Json& message, const std::string& path) {
    const std::string role = member_text(message, "role");
    const Json* content = member_of(message, "content");
    if (role == "system" || role == "developer") {
      const std::string text = content == nullptr ? "" : joined(*content, path);
      if (!is_blank(text)) system_ += (system_.empty() ? "" : "\n\n") + text;
    } else if (role == "tool" || role == "function") {
      Json block = {{"type", "tool_result"}, {"tool_use_id", member_text(message, "tool_call_id")}};
      if (content != nullptr) block["content"] = content->is_string() ? *content : Json(blocks(*content, path));
      turn("user").push_back(std::move(block));
    } else if (role == "assistant") {
      add_assistant(message, content, path);
    } else {
      if (content != nullptr) append("user", blocks(*content, path));
      thinks_ = true;
    }
  }

  const std::string& system() const { return system_; }
  bool calls_without_thinking() const { return !thinks_; }

  Json take() {
    // The provider refuses an end of white space where it is to go on with the assistant's words.
    if (!messages_.empty() && messages_.back()["role"] == "assistant")
      if (Json& last = messages_.back()["content"].back(); last["type"] == "text") {
        auto text = last["text"].get<std::string>();
        while (!text.empty() && is_blank(text.substr(text.size() - 1))) text.pop_back();
        last["text"] = text;
      }
    return std::move(messages_);
  }

 private:
  Json& turn(const char* role) {
    if (messages_.empty() || messages_.back()["role"] != role)
      messages_.push_back({{"role", role}, {"content", Json::array()}});
    return messages_.back()["content"];
  }

  void append(const char* role, std::vector<Json> blocks) {
    for (Json& block : blocks) turn(role).push_back(std::move(block));
  }

  static std::vector<Json> blocks(const Json& content, const std::string& path) {
    std::vector<Json> list;
    const auto add_text = [&](const std::string& text) {
      if (!is_blank(text)) list.push_back(text_block(text));
    };
    if (content.is_string()) add_text(content.get<std::string>());
    if (!content.is_array()) return list;
    for (size_t i = 0; i < content.size(); ++i) {
      const std::string type = member_text(content[i], "type");
      const Json* image = member_of(content[i], "image_url");
      if (type == "text" || type == "refusal")
        add_text(member_text(content[i], type.c_str()));
      else if (image != nullptr)
        list.push_back(image_block(image->is_string() ? image->get<std::string>() : member_text(*image, "url")));
      else
        throw invalid_request("'" + path + ".content[" + std::to_string(i) +
                                  "]' cannot be said to a provider of Anthropic's API; texts and images can",
                              "messages", "unsupported_content");
    }
    return list;
  }

  static std::string joined(const Json& content, const std::string& path) {
    std::string text;
    for (const Json& block : blocks(content, path))
      if (const std::string one = member_text(block, "text"); !one.empty()) text += (text.empty() ? "" : "\n\n") + one;
    return text;
  }

  void add_assistant(const Json& message, const Json* content, const std::string& path) {
    std::vector<Json> said;
    if (const Json* thoughts = member_of(message, "thinking_blocks"); thoughts != nullptr && thoughts->is_array())
      for (const Json& one : *thoughts)
        if (member_text(one, "type") == "redacted_thinking" || !member_text(one, "signature").empty())
          said.push_back(one);
    const bool thought = !said.empty();
    if (content != nullptr)
      for (Json& block : blocks(*content, path)) said.push_back(std::move(block));
    const Json* calls = member_of(message, "tool_calls");
    if (calls != nullptr && calls->is_array()) {
      for (const Json& call : *calls) {
        const Json* function = member_of(call, "function");
        if (function == nullptr) continue;
        Json input = redact::parse_shallow(member_text(*function, "arguments"));
        if (!input.is_object()) input = Json::object();
        said.push_back({{"type", "tool_use"},
                        {"id", member_text(call, "id")},
                        {"name", member_text(*function, "name")},
                        {"input", std::move(input)}});
        thinks_ = thinks_ && thought;
      }
    }
    append("assistant", std::move(said));
  }

  Json messages_ = Json::array();
  std::string system_;
  bool thinks_ = true;  // no call since the user's last words lacks its reasoning
};

void add_tools(const Json& chat, Json& body) {
  const Json* tools = member_of(chat, "tools");
  if (tools == nullptr || !tools->is_array() || tools->empty()) return;
  for (const Json& tool : *tools) {
    const Json* function = member_of(tool, "function");
    if (function == nullptr) continue;
    Json one = {{"name", member_text(*function, "name")}};
    if (const std::string about = member_text(*function, "description"); !about.empty()) one["description"] = about;
    const Json* parameters = member_of(*function, "parameters");
    one["input_schema"] = parameters == nullptr ? Json{{"type", "object"}} : *parameters;
    if (!one["input_schema"].contains("type")) one["input_schema"]["type"] = "object";
    body["tools"].push_back(std::move(one));
  }
  Json choice = {{"type", "auto"}};
  if (const Json* asked = member_of(chat, "tool_choice")) {
    if (*asked == "none") choice["type"] = "none";
    if (*asked == "required") choice["type"] = "any";
    if (const Json* function = member_of(*asked, "function"))
      choice = {{"type", "tool"}, {"name", member_text(*function, "name")}};
  }
  const Json* parallel = member_of(chat, "parallel_tool_calls");
  if (parallel != nullptr && *parallel == false && choice["type"] != "none") choice["disable_parallel_tool_use"] = true;
  if (choice.size() > 1 || choice["type"] != "auto") body["tool_choice"] = std::move(choice);
}

void add_stops(const Json& chat, Json& body) {
  const Json* stop = member_of(chat, "stop");
  if (stop == nullptr) return;
  Json stops = Json::array();
  for (const Json& one : stop->is_array() ? *stop : Json::array({*stop}))
    if (one.is_string() && !is_blank(one.get<std::string>())) stops.push_back(one);
  if (!stops.empty()) body["stop_sequences"] = std::move(stops);
}

uint64_t limit_of(const Json& chat, uint64_t usual) {
  for (const char* name : {"max_completion_tokens", "max_tokens"})
    if (const Json* most = member_of(chat, name); most != nullptr && most->is_number_unsigned())
      return most->get<uint64_t>();
  return usual;
}

// Whether reasoning is asked for; a tool that must be called forbids it.
bool add_reasoning(const Json& chat, const MessagesShape& shape, bool may_think, Json& body) {
  const std::string effort = member_text(chat, "reasoning_effort");
  if (effort.empty() || effort == "none" || !may_think) return false;
  if (const Json* choice = member_of(body, "tool_choice"))
    if ((*choice)["type"] == "any" || (*choice)["type"] == "tool") return false;
  const bool little = effort == "minimal" || effort == "low", much = effort == "high" || effort == "xhigh";
  if (!shape.budgets) {
    body["thinking"] = {{"type", "adaptive"}};
    body["output_config"]["effort"] = little ? "low" : much ? "high" : "medium";
    return true;
  }
  const uint64_t budget = little ? 1024 : much ? 16384 : 4096;
  body["thinking"] = {{"type", "enabled"}, {"budget_tokens", budget}};
  body["max_tokens"] = body["max_tokens"].get<uint64_t>() + budget;  // the budget counts as part of the answer
  return true;
}

// Both of them together are refused by newer models, either of them where the model reasons.
void add_drawing(const Json& chat, bool thinks, Json& body) {
  if (thinks) return;
  const Json *temperature = member_of(chat, "temperature"), *top_p = member_of(chat, "top_p");
  if (temperature != nullptr && temperature->is_number())
    body["temperature"] = std::clamp(temperature->get<double>(), 0.0, 1.0);
  else if (top_p != nullptr)
    body["top_p"] = *top_p;
  if (const Json* top_k = member_of(chat, "top_k")) body["top_k"] = *top_k;
}

bool add_schema(const Json& chat, Json& body) {
  const Json* format = member_of(chat, "response_format");
  if (format == nullptr || member_text(*format, "type") == "text") return true;
  const Json* inside = member_of(*format, "json_schema");
  const Json* schema = inside == nullptr ? nullptr : member_of(*inside, "schema");
  if (schema == nullptr) return false;
  body["output_config"]["format"] = {{"type", "json_schema"}, {"schema", *schema}};
  return true;
}

}  // namespace

MessagesHop messages_of_chat(const Json& chat, const MessagesShape& shape) {
  const Json* count = member_of(chat, "n");
  if (count != nullptr && *count != 1)
    throw invalid_request("'n' must be 1 for a provider of Anthropic's API", "n", "unsupported");
  MessagesHop hop;
  const Json* messages = member_of(chat, "messages");
  ChatMessages all;
  if (messages != nullptr && messages->is_array())
    for (size_t i = 0; i < messages->size(); ++i) all.add((*messages)[i], "messages[" + std::to_string(i) + "]");
  Json& body = hop.body;
  body = {{"model", member_text(chat, "model")}, {"max_tokens", limit_of(chat, shape.usual_tokens)}};
  if (!all.system().empty()) body["system"] = all.system();
  const bool may_think = !all.calls_without_thinking();
  body["messages"] = all.take();
  add_tools(chat, body);
  add_stops(chat, body);
  const bool thinks = add_reasoning(chat, shape, may_think, body);
  add_drawing(chat, thinks, body);
  if (const Json* stream = member_of(chat, "stream")) body["stream"] = *stream;
  if (!add_schema(chat, body)) hop.ignored.push_back("response_format");
  for (const auto& [name, value] : chat.items())
    if (!kSaid.contains(name) && !value.is_null()) hop.ignored.push_back(name);
  return hop;
}

}  // namespace hearth::serve
