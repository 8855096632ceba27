// From Anthropic's messages, made of blocks, to requests for an engine.
#include "tools/serve/anthropic/messages_request.h"

#include "tools/serve/anthropic/messages_reply.h"
#include "tools/serve/constraint_fields.h"
#include "tools/serve/conversation.h"
#include "tools/serve/openai/tool_fields.h"
#include "tools/serve/sampling_fields.h"

namespace hearth::serve {
namespace {

constexpr std::string_view kBillingHeader = "x-anthropic-billing-header:";

class MessagesReader {
 public:
  void read_system(const Json& system) {
    if (system.is_string()) return turns_.system(system.get<std::string>());
    each_block(system, "system", [&](Fields& block, const std::string& type) {
      if (type != "text") return pass_over(block, type);
      const std::string text = block.required_text("text");
      if (!text.starts_with(kBillingHeader)) turns_.system(text);
    });
  }

  void read_messages(const Json& messages) {
    if (!messages.is_array() || messages.empty()) refuse("messages", "an array that is not empty");
    for (size_t i = 0; i < messages.size(); ++i) {
      Fields message(messages[i], "messages[" + std::to_string(i) + "]");
      const std::string role = message.text("role").value_or("");
      const Json& content = message.required("content");
      const std::string path = message.path_of("content");
      if (role == "user")
        read_user(content, path);
      else if (role == "assistant")
        read_assistant(content, path);
      else if (role == "system")
        turns_.system(joined_text(content, path));
      else
        refuse(message.path_of("role"), "user, assistant or system");
    }
  }

  Json take() { return turns_.take("messages"); }
  std::vector<std::string>& ignored() { return ignored_; }

 private:
  template <class Read>
  void each_block(const Json& blocks, const std::string& path, Read read) {
    if (!blocks.is_array()) refuse(path, "a string or an array of blocks");
    for (size_t i = 0; i < blocks.size(); ++i) {
      Fields block(blocks[i], path + "[" + std::to_string(i) + "]");
      read(block, block.text("type").value_or(""));
    }
  }

  // A block that is none of ours: what it holds would be missed, unless it is known to be of no use here.
  void pass_over(Fields& block, const std::string& type) {
    const std::string path = block.path_of("type");
    if (type == "image" || type == "document")
      throw invalid_request("'" + path + "' is '" + type + "'; only text is supported", path, "unsupported_content");
    if (type != "redacted_thinking") ignored_.push_back(path.substr(0, path.rfind('.')));
  }

  std::string joined_text(const Json& content, const std::string& path) {
    if (content.is_string()) return content.get<std::string>();
    std::string text;
    each_block(content, path, [&](Fields& block, const std::string& type) {
      if (type == "tool_reference") {
        text += (text.empty() ? "" : "\n\n") + block.required_text("tool_name");
      } else if (type == "text") {
        text += (text.empty() ? "" : "\n\n") + block.required_text("text");
      } else {
        pass_over(block, type);
      }
    });
    return text;
  }

  void read_user(const Json& content, const std::string& path) {
    if (content.is_string()) return turns_.user(content.get<std::string>());
    each_block(content, path, [&](Fields& block, const std::string& type) {
      if (type == "text") {
        turns_.user(block.required_text("text"));
      } else if (type == "tool_result") {
        const std::string id = block.required_text("tool_use_id");
        const Json* result = block.find("content");
        turns_.result(id, result == nullptr ? "" : joined_text(*result, block.path_of("content")));
      } else if (type == "document") {
        read_document(block);
      } else {
        pass_over(block, type);
      }
    });
  }

  void read_document(Fields& block) {
    const Json* source = block.find("source");
    if (source == nullptr || !source->is_object() || !source->contains("type") || (*source)["type"] != "text")
      return pass_over(block, "document");
    Fields inside(*source, block.path_of("source"));
    turns_.user(inside.required_text("data"));
  }

  void read_assistant(const Json& content, const std::string& path) {
    if (content.is_string()) return turns_.assistant(content.get<std::string>());
    each_block(content, path, [&](Fields& block, const std::string& type) {
      if (type == "text") {
        turns_.assistant(block.required_text("text"));
      } else if (type == "thinking") {
        turns_.reasoning(block.required_text("thinking"));
      } else if (type == "tool_use") {
        const Json* input = block.find("input");
        if (input != nullptr && !input->is_object()) refuse(block.path_of("input"), "an object");
        turns_.call(block.required_text("id"), block.required_text("name"), input == nullptr ? "" : to_text(*input));
      } else {
        pass_over(block, type);
      }
    });
  }

  Turns turns_;
  std::vector<std::string> ignored_;
};

void read_anthropic_choice(const Json& value, ToolList& list) {
  Fields choice(value, "tool_choice");
  const std::string type = choice.text("type").value_or("");
  list.parallel = !choice.boolean("disable_parallel_tool_use", false);
  if (type == "none") {
    list.use = ToolUse::none;
  } else if (type == "any" || type == "tool") {
    list.use = ToolUse::required;
    if (type == "tool") list.name = choice.required_text("name");
  } else if (type != "auto") {
    refuse("tool_choice.type", "auto, any, tool or none");
  }
}

// A tool of Anthropic's own, as web_search_20250305, has a type and no schema, and can only run there.
ToolList read_anthropic_tools(Fields& fields, std::vector<std::string>& warnings) {
  ToolList list;
  std::set<std::string> left_out, names;
  if (const Json* tools = fields.find("tools")) {
    if (!tools->is_array()) refuse("tools", "an array");
    for (size_t i = 0; i < tools->size(); ++i) {
      Fields tool((*tools)[i], "tools[" + std::to_string(i) + "]");
      const std::string type = tool.text("type").value_or("custom");
      const Json* schema = read_tool_schema(tool, "input_schema");
      if (type != "custom" && schema == nullptr) {
        left_out.insert(type);
        continue;
      }
      list.add(read_tool_name(tool, names), tool.text("description").value_or(""),
               schema == nullptr ? Json() : *schema);
    }
  }
  warn_of_types(left_out, warnings);
  if (const Json* choice = fields.find("tool_choice")) read_anthropic_choice(*choice, list);
  return list;
}

void read_output_config(Fields& fields, Request& request, Json& extra, std::string& constraint_field) {
  const Json* format = fields.find("output_format");  // where it was before output_config
  std::string path = "output_format";
  if (const Json* config = fields.find("output_config")) {
    Fields output(*config, "output_config");
    if (const auto effort = output.text("effort")) set_effort(extra, *effort);
    if (const Json* inside = output.find("format")) {
      format = inside;
      path = "output_config.format";
    }
  }
  if (format == nullptr) return;
  Fields inside(*format, path);
  if (inside.text("type").value_or("") != "json_schema") refuse(inside.path_of("type"), "json_schema");
  const Json* schema = inside.find("schema");
  constraint_field = inside.path_of("schema");
  request.constraint = schema == nullptr ? any_object() : read_schema(*schema, constraint_field);
}

// The answer goes on where a last turn of the assistant ends that says something and calls nothing.
void take_prefill(Json& conversation) {
  Json& messages = conversation["messages"];
  const Json& last = messages.back();
  if (messages.size() < 2 || last["role"] != "assistant" || last["content"] == "" || last.contains("tool_calls"))
    return;
  Json begun = last["content"];
  messages.erase(messages.size() - 1);
  conversation["prefill"] = std::move(begun);
}

// False where the client does not want to see what the model thinks.
bool read_thinking(Fields& fields, Json& extra) {
  const Json* thinking = fields.find("thinking");
  if (thinking == nullptr) return true;
  Fields inside(*thinking, "thinking");
  const std::string type = inside.text("type").value_or("");
  if (type == "enabled" || type == "disabled")
    set_thinking(extra, type == "enabled");
  else if (type != "adaptive")  // the model thinks as its template has it
    refuse("thinking.type", "enabled, disabled or adaptive");
  return type != "disabled";
}

void read_limits(Fields& fields, Request& request) {
  if (const auto most = fields.integer("max_tokens", 1, UINT32_MAX)) request.max_tokens = static_cast<uint32_t>(*most);
  const Json* stops = fields.find("stop_sequences");
  if (stops == nullptr) return;
  if (!stops->is_array()) refuse("stop_sequences", "an array of strings");
  for (const Json& stop : *stops) add_stop(stop, "stop_sequences", request.stop);
}

}  // namespace

bool has_billing_header(const Json& body) {
  const auto system = body.find("system");
  if (system == body.end() || !system->is_array() || system->empty() || !system->front().is_object()) return false;
  const auto text = system->front().find("text");
  return text != system->front().end() && text->is_string() &&
         text->get_ref<const std::string&>().starts_with(kBillingHeader);
}

Job read_messages_request(const Json& body, Heading heading) {
  Fields fields(body);
  Job job;
  job.model = heading.model = fields.text("model").value_or(heading.model);
  job.stream = fields.boolean("stream", false);
  job.count_prompt = true;
  const Json& messages = fields.required("messages");
  MessagesReader reader;
  if (const Json* system = fields.find("system")) reader.read_system(*system);
  reader.read_messages(messages);

  Request request;
  Json conversation = {{"messages", reader.take()}}, extra = Json::object();
  take_prefill(conversation);
  set_tools(read_anthropic_tools(fields, job.warnings), "tool_choice", conversation, request);
  const bool shows_thinking = read_thinking(fields, extra);
  read_output_config(fields, request, extra, job.constraint_field);
  request.prompt = finish_conversation(std::move(conversation), std::move(extra));
  read_drawing(fields, request.sampling);
  read_adapters(fields, request);
  read_limits(fields, request);
  job.requests.push_back(std::move(request));
  job.reply = make_messages_reply(std::move(heading), shows_thinking);
  job.ignored = std::move(reader.ignored());
  for (std::string& name : fields.ignored()) job.ignored.push_back(std::move(name));
  return job;
}

}  // namespace hearth::serve
