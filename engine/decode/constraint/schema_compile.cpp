// From what a value must fit to the parts of its text.
#include <algorithm>

#include "engine/decode/constraint/schema.h"
#include "engine/include/hearth/hearth.h"
#include "engine/text/template/error.h"
#include "engine/text/template/json.h"

namespace hearth {
namespace {

constexpr size_t kMostSchemaBytes = 256 << 10;
constexpr size_t kMostMemberStates = 20'000;  // members times counts of members
constexpr uint32_t kNumberTypes = kIntegerType | kFractionType;

}  // namespace

SchemaCompiler::SchemaCompiler(GrammarBuilder& builder, const Value& root, const SchemaOptions& options)
    : builder_(builder), text_(builder, options.comma, options.colon), reader_(root, options), root_(root) {}

GrammarPart SchemaCompiler::compile() {
  const auto set = SchemaReader::make_set({&root_});
  if (!set) reader_.fail(root_, "false allows no value");
  const GrammarPart result = part(*set);
  // Objects and arrays wait here, so that nesting costs no stack.
  while (!waiting_.empty()) {
    const auto [one, rule] = waiting_.back();
    waiting_.pop_back();
    std::vector<GrammarPart> ways;
    for (const Conjunction& all : reader_.ways(one)) ways.push_back(way(all));
    builder_.define(rule, builder_.choice(std::move(ways)));
  }
  return result;
}

GrammarPart SchemaCompiler::part(const SchemaSet& set) {
  if (set.empty()) return text_.value();
  if (const auto known = parts_.find(set); known != parts_.end()) return known->second;
  const auto& all = reader_.ways(set);
  const bool nested = std::any_of(all.begin(), all.end(), [](const Conjunction& one) {
    return !one.values && (one.types & (kArrayType | kObjectType)) != 0;
  });
  GrammarPart result;
  if (nested) {
    result = builder_.rule();
    waiting_.emplace_back(set, result);
  } else {
    std::vector<GrammarPart> ways;
    for (const Conjunction& one : all) ways.push_back(way(one));
    result = builder_.choice(std::move(ways));
  }
  parts_.emplace(set, result);
  return result;
}

GrammarPart SchemaCompiler::way(const Conjunction& all) {
  reader_.count(10);
  std::vector<GrammarPart> ways;
  if (all.values) {
    std::vector<std::string> texts;
    for (const Value* value : *all.values) texts.push_back(text_.text(*value));
    return builder_.one_of(texts);
  }
  if ((all.types & kObjectType) != 0) ways.push_back(object(all));
  if ((all.types & kArrayType) != 0) ways.push_back(array(all));
  if ((all.types & kStringType) != 0) ways.push_back(string(all));
  if ((all.types & kNumberTypes) != 0) {
    const bool whole = (all.types & kFractionType) == 0;
    if (all.lower || all.upper)
      ways.push_back(number_between(text_, all.lower, all.upper, whole));
    else
      ways.push_back(whole ? text_.integer() : text_.number());
  }
  if ((all.types & kBooleanType) != 0) ways.push_back(text_.boolean());
  if ((all.types & kNullType) != 0) ways.push_back(text_.null());
  return builder_.choice(std::move(ways));
}

GrammarPart SchemaCompiler::string(const Conjunction& all) {
  const std::vector<const Pattern*> patterns = reader_.patterns(all, false);
  // The same patterns and lengths are the same part, which is called where it is large.
  std::vector<const Pattern*> key = reader_.patterns(all, true);
  if (const auto known = strings_.find(key); known != strings_.end()) return known->second;
  const GrammarPart result = new_string(all, patterns);
  strings_.emplace(std::move(key), result);
  return result;
}

GrammarPart SchemaCompiler::new_string(const Conjunction& all, const std::vector<const Pattern*>& patterns) {
  const auto in_quotes = [&](GrammarPart inner) { return builder_.sequence({text_.quote(), inner, text_.quote()}); };
  const auto one_character = [&](const CharacterSet& set) { return text_.character(set); };
  const bool counted = all.least_length > 0 || all.most_length;
  const auto least = static_cast<uint32_t>(all.least_length);
  const uint32_t most = all.most_length ? static_cast<uint32_t>(*all.most_length) : GrammarBuilder::kUnbounded;
  if (patterns.empty())
    return counted ? in_quotes(builder_.repeat(text_.any_character(), least, most)) : text_.string();
  if (patterns.size() > 1 || counted) {
    try {
      const std::vector<const Pattern*> every = reader_.patterns(all, true);
      if (every.size() > 31) throw PatternError("is one of too many");
      const uint32_t wanted = (1u << every.size()) - 1;
      return in_quotes(PatternProduct(every, reader_.pattern_work())
                           .part(
                               builder_, [&](uint32_t match) { return match == wanted; }, one_character));
    } catch (const PatternError& error) {
      reader_.refuse(*all.members[0].schema, all.patterns.empty() ? "format" : "pattern",
                     std::string("cannot be followed together with the other keywords: it ") + error.what());
    }
  }
  return in_quotes(patterns[0]->part(builder_, one_character));
}

GrammarPart SchemaCompiler::array(const Conjunction& all) {
  // Places: after so many of the first items; then any number of others.
  const size_t first = reader_.prefix_items(all);
  const uint64_t most = all.most_items.value_or(UINT32_MAX);
  const auto node = [](size_t items) { return static_cast<uint32_t>(items + 3); };
  std::vector<GrammarArc> arcs{{0, node(0), builder_.literal("[")}, {2, 1, builder_.literal("]")}};
  size_t at = 0;
  bool ended = false;
  for (;; ++at) {
    if (at >= all.least_items) arcs.push_back({node(at), 2, builder_.nothing()});
    if (at == first || at >= most || ended) break;
    const auto set = reader_.item(all, at);
    if (!set) {
      ended = true;
      break;
    }
    const GrammarPart one = part(*set);
    arcs.push_back({node(at), node(at + 1), at == 0 ? one : builder_.sequence({text_.comma(), one})});
  }
  if (!ended && at < most) {
    if (const auto set = reader_.item(all, first)) {
      const GrammarPart one = part(*set);
      const auto counted = [](uint64_t number) {
        return static_cast<uint32_t>(std::min<uint64_t>(number, GrammarBuilder::kUnbounded - 1));
      };
      const uint64_t done = at + (at == 0 ? 1 : 0);
      const uint32_t least = counted(all.least_items > done ? all.least_items - done : 0);
      const uint32_t rest = all.most_items ? counted(most - done) : GrammarBuilder::kUnbounded;
      GrammarPart others = builder_.repeat(builder_.sequence({text_.comma(), one}), least, rest);
      if (at == 0) others = builder_.sequence({one, others});
      arcs.push_back({node(at), 2, others});
    }
  }
  return builder_.graph(node(first) + 1, std::move(arcs));
}

// Members that the schema does not name: what they may be called, and what they may be.
std::vector<GrammarPart> SchemaCompiler::other_members(const Conjunction& all,
                                                       const std::vector<SchemaReader::Named>& named) {
  std::vector<GrammarPart> result;
  if (reader_.closed(all)) return result;
  const std::vector<const Value*> texts = reader_.name_patterns(all);
  const SchemaSet of_names = reader_.names(all);
  const auto member = [&](GrammarPart name, const SchemaSet& value) {
    result.push_back(builder_.sequence({name, text_.colon(), part(value)}));
  };
  if (texts.empty() && of_names.empty()) {
    const auto value = reader_.other_member(all, {});
    if (!value) return result;
    if (named.empty()) {
      member(text_.string(), *value);
      return result;
    }
  }
  std::vector<std::string> taken;
  for (const auto& one : named) taken.push_back(one.name);
  const Pattern names = Pattern::texts(taken);
  std::vector<const Pattern*> patterns{&names};
  for (const Value* text : texts) patterns.push_back(&reader_.pattern(text->string(), *text));
  const size_t first_needed = patterns.size();
  std::vector<Pattern> listed;
  if (!of_names.empty()) {
    const auto& ways = reader_.ways(of_names);
    if (ways.empty()) return result;
    const Value& where = *all.members[0].schema;
    if (ways.size() > 1) {
      reader_.refuse(where, "propertyNames", "cannot be followed where it has alternatives");
    } else if (ways[0].values) {
      std::vector<std::string> allowed;
      for (const Value* one : *ways[0].values)
        if (one->is_string()) allowed.push_back(one->string());
      listed.push_back(Pattern::texts(allowed));
      patterns.push_back(&listed.back());
    } else {
      if ((ways[0].types & kStringType) == 0) return result;
      for (const Pattern* one : reader_.patterns(ways[0], true)) patterns.push_back(one);
    }
  }
  if (patterns.size() > 31) reader_.fail(*all.members[0].schema, "patternProperties has too many patterns");
  try {
    const PatternProduct product(patterns, reader_.pattern_work());
    uint32_t needed = 0;
    for (size_t i = first_needed; i < patterns.size(); ++i) needed |= 1u << i;
    std::map<SchemaSet, std::set<uint32_t>> groups;
    for (const uint32_t match : product.outcomes()) {
      if ((match & 1) != 0 || (match & needed) != needed) continue;
      std::set<std::string> matching;
      for (size_t i = 0; i < texts.size(); ++i)
        if ((match >> (i + 1) & 1) != 0) matching.insert(texts[i]->string());
      if (const auto value = reader_.other_member(all, matching)) groups[*value].insert(match);
    }
    for (const auto& [value, matches] : groups) {
      const GrammarPart name = product.part(
          builder_, [&, &wanted = matches](uint32_t match) { return wanted.contains(match); },
          [&](const CharacterSet& set) { return text_.character(set); });
      member(builder_.sequence({text_.quote(), name, text_.quote()}), value);
    }
  } catch (const PatternError& error) {
    // Nobody has to use other names, where the schema does not speak of them.
    if (!texts.empty() || !of_names.empty())
      reader_.refuse(*all.members[0].schema, texts.empty() ? "propertyNames" : "patternProperties",
                     std::string("cannot be followed: a pattern ") + error.what());
  }
  return result;
}

GrammarPart SchemaCompiler::object(const Conjunction& all) {
  const auto named = reader_.named_members(all);
  const std::vector<GrammarPart> others = other_members(all, named);
  const size_t size = named.size();
  uint64_t least = all.least_members;
  std::optional<uint64_t> most = all.most_members;
  // As many counts of members are told apart as it takes to know whether they are enough and not too many.
  size_t counts = std::min<uint64_t>(size, std::max<uint64_t>(most ? size : least, 1));
  if ((size + 1) * (counts + 1) > kMostMemberStates) {
    reader_.refuse(*all.members[0].schema, most ? "maxProperties" : "minProperties",
                   "cannot be followed for so many properties");
    least = 0;
    most.reset();
    counts = 1;
  }
  reader_.count((size + 1) * (counts + 1));
  const auto node = [&](size_t index, size_t members) {
    return static_cast<uint32_t>(3 + index * (counts + 1) + members);
  };
  const GrammarPart nothing = builder_.nothing();
  std::vector<GrammarArc> arcs{{0, node(0, 0), builder_.literal("{")}, {2, 1, builder_.literal("}")}};
  for (size_t i = 0; i < size; ++i) {
    const SchemaReader::Named& one = named[i];
    std::optional<GrammarPart> member, next_member;
    if (one.value) {
      member = builder_.sequence({text_.key(one.name), part(*one.value)});
      next_member = builder_.sequence({text_.comma(), *member});
    }
    for (size_t members = 0; members <= std::min(i, counts); ++members) {
      if (!one.required) arcs.push_back({node(i, members), node(i + 1, members), nothing});
      if (member && (!most || members < *most))
        arcs.push_back(
            {node(i, members), node(i + 1, std::min(members + 1, counts)), members == 0 ? *member : *next_member});
    }
  }
  const GrammarPart other = builder_.choice(others);
  const GrammarPart next_other = builder_.sequence({text_.comma(), other});
  for (size_t members = 0; members <= counts; ++members) {
    const uint64_t wanted = least > members ? least - members : 0;
    const uint32_t from = node(size, members);
    if (wanted == 0) arcs.push_back({from, 2, nothing});
    if (others.empty() || (most && *most <= members)) continue;
    const auto counted = [](uint64_t number) { return static_cast<uint32_t>(std::min<uint64_t>(number, 1u << 31)); };
    const uint64_t done = members == 0 ? 1 : 0;
    const GrammarPart rest = builder_.repeat(next_other, counted(wanted > done ? wanted - done : 0),
                                             most ? counted(*most - members - done) : GrammarBuilder::kUnbounded);
    arcs.push_back({from, 2, members == 0 ? builder_.sequence({other, rest}) : rest});
  }
  return builder_.graph(node(size, counts) + 1, std::move(arcs));
}

GrammarPart GrammarBuilder::json_schema(std::string_view schema, const SchemaOptions& options) {
  if (schema.size() > kMostSchemaBytes)
    throw Error(ErrorCode::invalid_argument,
                "the schema is larger than " + std::to_string(kMostSchemaBytes >> 10) + " KiB");
  try {
    const Value root = parse_json(schema, Value::kMaxDepth);
    return SchemaCompiler(*this, root, options).compile();
  } catch (const TemplateError& error) {
    throw Error(ErrorCode::invalid_argument, std::string("the schema is no JSON: ") + error.what());
  }
}

}  // namespace hearth
