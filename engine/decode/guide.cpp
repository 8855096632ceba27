// Reasoning, then a call or text, each on a way of its own.
#include "engine/decode/guide.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/text/answer/json_scanner.h"
#include "engine/text/template/json.h"

namespace hearth {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr size_t kLongestSchema = size_t{4} << 20;

// Keywords that cannot be followed are left out, for tools' schemas are written for other ends. White space is as
// models are taught it.
constexpr SchemaOptions kToolSchema{.lenient = true, .closed = true, .comma = ", ", .colon = ": ", .ignored = nullptr};

// A schema that is surely one of objects.
std::string object_schema(const Value& schema) {
  Dict object = schema.is_dict() ? schema.dict() : Dict();
  object.set("type", Value("object"));
  return dump_json(Value(std::move(object)), {}, kLongestSchema);
}

GrammarPart join(GrammarBuilder& builder, std::vector<GrammarPart> parts) { return builder.sequence(std::move(parts)); }

// What stands between two parameters' markers, as a part: one parameter.
GrammarPart parameter_part(GrammarBuilder& builder, const CallFormat::Written& written, const std::string& key,
                           const Value& schema, uint8_t kinds) {
  const bool text = kinds == json_kind::kString;
  const GrammarPart open =
      builder.literal(written.parameter_open + key + (text ? written.key_end : written.plain_key_end));
  const Value* choices = schema.find("enum");
  if (text && choices != nullptr && choices->is_list()) {
    std::vector<GrammarPart> values;
    for (const Value& one : choices->list().items)
      if (one.is_string()) values.push_back(builder.literal(one.string()));
    return join(builder, {open, builder.choice(std::move(values)), builder.literal(written.parameter_close)});
  }
  if (text || kinds == json_kind::kAny) {
    const std::vector<std::string> ends = {written.parameter_close};
    return join(builder, {open, builder.text_until(ends)});
  }
  const std::string json = dump_json(schema, {}, kLongestSchema);
  return join(builder, {open, builder.json_schema(json, kToolSchema), builder.literal(written.parameter_close)});
}

bool is_required(const Value& schema, const std::string& key) {
  const Value* required = schema.find("required");
  return required != nullptr && required->is_list() &&
         std::ranges::any_of(required->list().items,
                             [&](const Value& one) { return one.is_string() && one.string() == key; });
}

// The parameters of a tool in the order of its schema, and the end of the call.
GrammarPart parameters_part(GrammarBuilder& builder, const CallFormat& format, const Tools& tools,
                            const std::string& tool) {
  std::vector<GrammarPart> parts;
  const Value* schema = tools.find(tool);
  const Value* properties = schema ? schema->find("properties") : nullptr;
  if (properties != nullptr && properties->is_dict())
    for (const auto& [key, property] : properties->dict().items) {
      const GrammarPart part =
          parameter_part(builder, format.written, key.string(), property, tools.kinds(tool, key.string()));
      parts.push_back(is_required(*schema, key.string()) ? part : builder.optional(part));
    }
  parts.push_back(builder.literal(format.written.call_close));
  return join(builder, std::move(parts));
}

}  // namespace

Guide::Guide(const GuideTools& tools, const Request& request, const Prompt& prompt)
    : tools_(tools),
      constraint_(tools.cache.find(request.constraint)),
      split_(prompt.split),
      required_(request.tool_use == ToolUse::required && prompt.split),
      tool_(request.tool),
      begins_text_(prompt.begins_text) {
  if (!constraint_ && !required_) return;
  thinks_ = split_ && !split_->thinking.empty();
  if (thinks_)
    pending_ = true;
  else
    begin_text(false);
}

Guide::Automaton Guide::automaton_of(const std::string& key,
                                     const std::function<GrammarPart(GrammarBuilder&)>& part) const {
  try {
    return tools_.cache.find(key, [&] {
      GrammarBuilder builder;
      const GrammarPart root = part(builder);
      return build_automaton(builder, root);
    });
  } catch (const Error&) {
    return nullptr;  // what cannot be followed is left to the model
  }
}

std::vector<int32_t> Guide::tokens_of(const std::string& text) const { return tools_.tokenizer.encode(text, true); }

// What stands in front of the arguments of a call: its name, and the keys of an object.
Guide::Automaton Guide::head_of(const CallFormat& format) const {
  std::vector<std::string> heads;
  for (const auto& [name, schema] : split_->tools.all()) {
    if (!tool_.empty() && name != tool_) continue;
    if (format.body != CallFormat::Body::object)
      heads.push_back(name);
    else if (format.name_is_key)
      heads.push_back("{" + quoted_json(name) + ": ");
    else
      heads.push_back("{" + quoted_json(format.name_key) + ": " + quoted_json(name) + ", " +
                      quoted_json(format.arguments_key) + ": ");
  }
  std::string key = "head:";
  for (const std::string& head : heads) key += quoted_json(head);
  return automaton_of(key, [&](GrammarBuilder& builder) {
    std::vector<GrammarPart> parts;
    for (const std::string& head : heads) parts.push_back(builder.literal(head));
    return builder.choice(std::move(parts));
  });
}

// What the arguments of a call must be; null where nothing can be said of them.
Guide::Automaton Guide::arguments_of(const CallFormat* format, const std::string& tool) const {
  const Value* schema = split_->tools.find(tool);
  if (schema == nullptr) return nullptr;
  std::string json;
  try {
    json = object_schema(*schema);
  } catch (const TemplateError&) {
    return nullptr;
  }
  if (format == nullptr || format->body != CallFormat::Body::parameters)
    return automaton_of("arguments:" + json,
                        [&](GrammarBuilder& builder) { return builder.json_schema(json, kToolSchema); });
  const CallFormat::Written& written = format->written;
  std::string key = "parameters:" + json;
  for (const std::string* part : {&written.parameter_open, &written.key_end, &written.plain_key_end,
                                  &written.parameter_close, &written.call_close})
    key += quoted_json(*part);
  return automaton_of(key,
                      [&](GrammarBuilder& builder) { return parameters_part(builder, *format, split_->tools, tool); });
}

std::vector<GuideStep> Guide::call_steps(const CallFormat& format, bool behind_reasoning) const {
  std::string open = format.written.open;
  if (split_->format->channels) open = (behind_reasoning ? "<|start|>assistant " : " ") + open;
  std::vector<GuideStep> steps = {tokens_of(open)};
  Automaton head = head_of(format);
  if (!head) return steps;
  steps.emplace_back(std::move(head));
  switch (format.body) {
    case CallFormat::Body::object:
      steps.emplace_back(GuideArguments{&format});
      steps.emplace_back(automaton_of("}", [](GrammarBuilder& builder) { return builder.literal("}"); }));
      break;
    case CallFormat::Body::python:
      steps.emplace_back(tokens_of("("));
      break;
    default:
      steps.emplace_back(tokens_of(format.written.name_end));
      steps.emplace_back(GuideArguments{&format});
  }
  return steps;
}

void Guide::begin_text(bool behind_reasoning) {
  paths_.clear();
  pending_ = false;
  const AnswerFormat* format = split_ ? split_->format : nullptr;
  const auto add = [&](GuidePath::Kind kind, std::vector<GuideStep> steps) {
    paths_.emplace_back(kind, std::move(steps), tools_.trie(), begins_text_ && !behind_reasoning);
  };
  const bool channels = format != nullptr && format->channels;
  if (format != nullptr && !behind_reasoning && split_->may_think && format->tells_reasoning())
    add(GuidePath::Kind::reasoning,
        {tokens_of(channels ? "<|channel|>analysis<|message|>" : format->reasoning.front().open)});
  if (format != nullptr && split_->calls)
    for (const CallFormat& call : format->calls) {
      add(GuidePath::Kind::call, call_steps(call, behind_reasoning));
      if (required_) break;
    }
  if (required_) return;
  std::vector<GuideStep> steps;
  if (channels)
    steps.emplace_back(
        tokens_of(std::string(behind_reasoning ? "<|start|>assistant" : "") + "<|channel|>final<|message|>"));
  steps.emplace_back(constraint_);
  add(GuidePath::Kind::text, std::move(steps));
}

void Guide::resolve_arguments() {
  for (GuidePath& path : paths_)
    if (const CallFormat* format = path.wants_arguments())
      path.give_arguments(call_name_.empty() ? nullptr : arguments_of(format, call_name_));
  std::erase_if(paths_, [](const GuidePath& path) { return path.finished(); });
}

bool Guide::mask(std::span<float> logits, bool may_stop) {
  resolve_arguments();
  if (arguments_) return arguments_->mask(logits, false);
  if (pending_) {
    // What is thought is free, but the answer must not end with it.
    const Vocabulary& vocabulary = tools_.tokenizer.vocabulary();
    for (const int32_t id : vocabulary.end_of_generation())
      if (!split_->format->channels || vocabulary.text(id) != "<|end|>") logits[static_cast<size_t>(id)] = kNever;
    return true;
  }
  if (paths_.empty()) return true;
  if (paths_.size() == 1) return paths_.front().mask(logits, may_stop);
  std::vector<float> allowed(logits.size(), kNever);
  for (GuidePath& path : paths_) path.allow(logits, allowed, may_stop);
  std::ranges::copy(allowed, logits.begin());
  return std::ranges::any_of(allowed, [](float logit) { return std::isfinite(logit); });
}

bool Guide::accept(int32_t token) {
  if (arguments_ && !arguments_->accept(token)) arguments_.reset();
  if (paths_.empty()) return true;
  std::erase_if(paths_, [&](GuidePath& path) { return !path.accept(token); });
  if (paths_.empty()) return false;
  const auto whole = std::ranges::find_if(paths_, [](const GuidePath& path) { return path.finished(); });
  if (whole == paths_.end()) return true;
  finished_ = whole->kind() == GuidePath::Kind::text;
  thinks_ = pending_ = whole->kind() == GuidePath::Kind::reasoning;
  paths_.clear();
  return true;
}

void Guide::follow(const Answer& answer) {
  follow_call(answer);
  if (!thinks_ || answer.thinks()) return;
  thinks_ = false;
  begin_text(true);
}

void Guide::follow_call(const Answer& answer) {
  const auto call = answer.call_under_way();
  call_name_ = call ? call->name : "";
  if (!call) arguments_.reset();
  if (arguments_ && arguments_->finished()) arguments_.reset();
  if (!call || !call->json || call->arguments.empty() || call->index < seen_calls_ || !paths_.empty()) return;
  seen_calls_ = call->index + 1;
  const Automaton automaton = arguments_of(nullptr, call_name_);
  if (!automaton) return;
  Matcher matcher(automaton, tools_.trie());
  if (matcher.accept_bytes(call->arguments) && !matcher.finished()) arguments_.emplace(std::move(matcher));
}

std::vector<int32_t> Guide::forced() {
  resolve_arguments();
  if (arguments_) return arguments_->forced();
  return paths_.size() == 1 && !pending_ ? paths_.front().forced() : std::vector<int32_t>();
}

}  // namespace hearth
