// Grammars of calls from the schemas of tools.
#include "engine/decode/call_grammars.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/text/answer/json_scanner.h"
#include "engine/text/template/error.h"
#include "engine/text/template/json.h"

namespace hearth {
namespace {

using Body = CallFormat::Body;

constexpr size_t kLongestSchema = size_t{256} << 10;
constexpr std::chrono::seconds kLongestCompilation{1};
constexpr uint32_t kMostBlanks = 32;  // between a name and the arguments; models go on with white space for ever

// White space within arguments is as models are taught it.
constexpr SchemaOptions kToolSchema{.lenient = true, .closed = true, .comma = ", ", .colon = ": ", .ignored = nullptr};

// A schema that is surely one of objects.
std::string object_schema(const Value& schema) {
  Dict object = schema.is_dict() ? schema.dict() : Dict();
  object.set("type", Value("object"));
  return dump_json(Value(std::move(object)), {}, kLongestSchema);
}

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
    return builder.sequence({open, builder.choice(std::move(values)), builder.literal(written.parameter_close)});
  }
  if (text || kinds == json_kind::kAny) {
    const std::vector<std::string> ends = {written.parameter_close};
    return builder.sequence({open, builder.text_until(ends)});
  }
  const std::string json = dump_json(schema, {}, kLongestSchema);
  return builder.sequence({open, builder.json_schema(json, kToolSchema), builder.literal(written.parameter_close)});
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
  return builder.sequence(std::move(parts));
}

// Behind a name: the key of the arguments where an object has one, the arguments, and what tokens hold that end with
// them. The white space is the model's.
GrammarPart rest_part(GrammarBuilder& builder, const CallFormat* format, const std::string& schema) {
  const CharacterSet blank({{'\t', '\n'}, {'\r', '\r'}, {' ', ' '}});
  const GrammarPart space = builder.repeat(builder.character(blank), 0, kMostBlanks);
  std::vector<GrammarPart> parts = {space};
  const bool object = format != nullptr && format->body == Body::object;
  if (object && !format->name_is_key)
    for (const std::string& word : {std::string(","), quoted_json(format->arguments_key), std::string(":")}) {
      parts.push_back(builder.literal(word));
      parts.push_back(space);
    }
  parts.push_back(builder.json_schema(schema, kToolSchema));
  if (object)
    parts.push_back(builder.optional(builder.choice(
        {builder.literal(","),
         builder.sequence({builder.literal("}"), builder.optional(builder.one_of({"}", "]", ",", "\n", "}\n"}))})})));
  return builder.sequence(std::move(parts));
}

bool writes_json(const CallFormat& format) { return format.body == Body::object || format.body == Body::named; }

// Compiles as long as there is time.
class Compiler {
 public:
  explicit Compiler(ConstraintCache& cache) : cache_(cache) {}

  AutomatonPointer operator()(const std::string& key, const std::function<GrammarPart(GrammarBuilder&)>& part) const {
    if (std::chrono::steady_clock::now() > end_) return nullptr;
    return cache_.find(key, [&]() -> AutomatonPointer {
      try {
        GrammarBuilder builder;
        const GrammarPart root = part(builder);
        return build_automaton(builder, root);
      } catch (const Error&) {
        return nullptr;
      } catch (const TemplateError&) {
        return nullptr;
      }
    });
  }

 private:
  ConstraintCache& cache_;
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + kLongestCompilation;
};

AutomatonPointer compile_head(const Compiler& compile, const CallFormat& format,
                              const std::vector<std::string>& tools) {
  std::vector<std::string> heads;
  for (const std::string& name : tools) {
    if (format.body != Body::object)
      heads.push_back(name);
    else if (format.name_is_key)
      heads.push_back("{" + quoted_json(name) + ": ");
    else
      heads.push_back("{" + quoted_json(format.name_key) + ": " + quoted_json(name) + ", " +
                      quoted_json(format.arguments_key) + ": ");
  }
  std::string key = "head:";
  for (const std::string& head : heads) key += quoted_json(head);
  return compile(key, [&](GrammarBuilder& builder) { return builder.one_of(heads); });
}

AutomatonPointer compile_arguments(const Compiler& compile, const CallFormat& format, const Tools& tools,
                                   const std::string& tool, const std::string& schema) {
  if (format.body != Body::parameters) {
    const std::string close = format.body == Body::object ? "}" : "";
    return compile("arguments" + close + ":" + schema, [&](GrammarBuilder& builder) {
      return builder.sequence({builder.json_schema(schema, kToolSchema), builder.literal(close)});
    });
  }
  const CallFormat::Written& written = format.written;
  std::string key = "parameters:" + schema;
  for (const std::string* part : {&written.parameter_open, &written.key_end, &written.plain_key_end,
                                  &written.parameter_close, &written.call_close})
    key += quoted_json(*part);
  return compile(key, [&](GrammarBuilder& builder) { return parameters_part(builder, format, tools, tool); });
}

AutomatonPointer compile_rest(const Compiler& compile, const CallFormat* format, const std::string& schema) {
  std::string key = "rest:";
  if (format != nullptr && format->body == Body::object)
    key += format->name_is_key ? "object:" : quoted_json(format->arguments_key);
  return compile(key + schema, [&](GrammarBuilder& builder) { return rest_part(builder, format, schema); });
}

AutomatonPointer found(const std::map<std::pair<const CallFormat*, std::string>, AutomatonPointer>& table,
                       const CallFormat* format, std::string_view tool) {
  const auto place = table.find({format, std::string(tool)});
  return place == table.end() ? nullptr : place->second;
}

}  // namespace

CallGrammars::CallGrammars(const GuideTools& shared, const SplitOptions& split, const std::string& tool, bool whole) {
  const Compiler compile(shared.cache);
  std::vector<std::string> names;
  for (const auto& [name, schema] : split.tools.all()) {
    if (!tool.empty() && name != tool) continue;
    names.push_back(name);
    std::string json;
    try {
      json = object_schema(schema);
    } catch (const TemplateError&) {
      continue;  // too large
    }
    if (split.format->channels) rests_[{nullptr, name}] = compile_rest(compile, nullptr, json);
    for (const CallFormat& format : split.format->calls) {
      if (writes_json(format)) rests_[{&format, name}] = compile_rest(compile, &format, json);
      if (whole) arguments_[{&format, name}] = compile_arguments(compile, format, split.tools, name, json);
    }
  }
  if (whole)
    for (const CallFormat& format : split.format->calls) heads_[&format] = compile_head(compile, format, names);
}

AutomatonPointer CallGrammars::head(const CallFormat& format) const {
  const auto place = heads_.find(&format);
  return place == heads_.end() ? nullptr : place->second;
}

AutomatonPointer CallGrammars::arguments(const CallFormat& format, std::string_view tool) const {
  return found(arguments_, &format, tool);
}

AutomatonPointer CallGrammars::rest(const CallFormat* format, std::string_view tool) const {
  return found(rests_, format, tool);
}

}  // namespace hearth
