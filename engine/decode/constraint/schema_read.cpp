// Which schemas a value must fit together: references, allOf, and the ways through anyOf and oneOf.
#include <algorithm>
#include <array>

#include "engine/decode/constraint/schema.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {
namespace {

constexpr size_t kMostSteps = 2'000'000, kMostWays = 1'000, kMostMembersOfWay = 2'000;
constexpr int kMostChoices = 40;
constexpr size_t kComparison = 40;  // steps that two alternatives cost at least

// Keywords that would have to be followed, and cannot be.
constexpr std::array kUnfollowed = {
    "not",         "if",         "dependentSchemas", "dependentRequired", "dependencies",    "contains",
    "uniqueItems", "multipleOf", "$dynamicRef",      "$recursiveRef",     "unevaluatedItems"};

std::string unescaped(std::string_view token) {
  std::string result;
  for (size_t i = 0; i < token.size(); ++i) {
    const auto hex = [&](size_t at) {
      const char c = at < token.size() ? token[at] : 'x';
      return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    };
    if (token[i] == '%' && hex(i + 1) >= 0 && hex(i + 2) >= 0) {
      result += static_cast<char>(hex(i + 1) * 16 + hex(i + 2));
      i += 2;
    } else if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      result += token[++i] == '0' ? '~' : '/';
    } else {
      result += token[i];
    }
  }
  return result;
}

// Calls visit(part, parent, key) for everything in a tree, until it says true.
template <class Visit>
bool walk_tree(const Value& root, const Visit& visit) {
  std::vector<const Value*> waiting{&root};
  while (!waiting.empty()) {
    const Value& at = *waiting.back();
    waiting.pop_back();
    const auto child = [&](const Value& part, const std::string& key) {
      waiting.push_back(&part);
      return visit(part, at, key);
    };
    if (at.is_dict()) {
      for (const auto& [key, part] : at.dict().items)
        if (child(part, key.string())) return true;
    } else if (at.is_list()) {
      for (size_t i = 0; i < at.list().items.size(); ++i)
        if (child(at.list().items[i], std::to_string(i))) return true;
    }
  }
  return false;
}

}  // namespace

SchemaReader::SchemaReader(const Value& root, const SchemaOptions& options) : root_(root), options_(options) {}

void SchemaReader::count(size_t steps) {
  if ((steps_ += steps) > kMostSteps)
    throw Error(ErrorCode::invalid_argument, "the schema takes too many steps to follow");
}

std::string SchemaReader::path(const Value& where) const {
  std::string result;
  for (const Value* at = &where; at != &root_;) {
    const bool found = walk_tree(root_, [&](const Value& part, const Value& parent, const std::string& key) {
      if (&part != at) return false;
      result.insert(0, "/" + key);
      at = &parent;
      return true;
    });
    if (!found) break;
  }
  return "#" + result;
}

void SchemaReader::fail(const Value& where, const std::string& what) const {
  throw Error(ErrorCode::invalid_argument, "schema " + path(where) + ": " + what);
}

void SchemaReader::refuse(const Value& schema, std::string_view keyword, const std::string& why) {
  if (!options_.lenient) fail(schema, std::string(keyword) + " " + why);
  if (!options_.ignored) return;
  const std::string place = path(schema) + "/" + std::string(keyword);
  auto& list = *options_.ignored;
  if (list.size() < 100 && std::find(list.begin(), list.end(), place) == list.end()) list.push_back(place);
}

std::optional<SchemaSet> SchemaReader::make_set(std::vector<const Value*> schemas) {
  for (const Value* one : schemas)
    if (one->is(Value::Kind::boolean) && !one->boolean()) return std::nullopt;
  std::erase_if(schemas, [](const Value* one) {
    return one->is(Value::Kind::boolean) || (one->is_dict() && one->dict().items.empty());
  });
  std::sort(schemas.begin(), schemas.end());
  schemas.erase(std::unique(schemas.begin(), schemas.end()), schemas.end());
  return schemas;
}

// A way under way.
struct SchemaReader::Way {
  std::vector<SchemaMember> members;
  struct Pending {
    const Value* schema;
    uint32_t parent;
  };
  std::vector<Pending> pending;
  std::vector<Pending> choices;  // lists of alternatives
  bool possible = true;
};

const std::vector<Conjunction>& SchemaReader::ways(const SchemaSet& set) {
  if (const auto known = known_.find(set); known != known_.end()) return known->second;
  Way way;
  for (const Value* schema : set) way.pending.push_back({schema, SchemaMember::kNoParent});
  std::vector<Conjunction> result;
  expand(std::move(way), result, 0);
  return known_[set] = std::move(result);
}

void SchemaReader::expand(Way way, std::vector<Conjunction>& result, int depth) {
  collect(way);
  if (!way.possible) return;
  if (way.choices.empty()) {
    Conjunction all;
    all.members = std::move(way.members);
    if (!summarize(all)) return;
    if (result.size() >= kMostWays) fail(*all.members[0].schema, "there are too many alternatives");
    result.push_back(std::move(all));
    return;
  }
  const Way::Pending choice = way.choices.back();
  way.choices.pop_back();
  if (depth >= kMostChoices) fail(*choice.schema, "alternatives are nested too deeply");
  for (const Value& alternative : choice.schema->list().items) {
    Way next = way;
    count(10 + next.members.size());
    next.pending.push_back({&alternative, choice.parent});
    expand(std::move(next), result, depth + 1);
  }
}

// Follows everything that is not a choice.
void SchemaReader::collect(Way& way) {
  while (!way.pending.empty() && way.possible) {
    const Value* const schema = way.pending.back().schema;
    const uint32_t parent = way.pending.back().parent;
    way.pending.pop_back();
    count(1);
    if (schema->is(Value::Kind::boolean)) {
      way.possible = schema->boolean();
      continue;
    }
    if (!schema->is_dict()) fail(*schema, "a schema must be an object, true or false");
    for (uint32_t above = parent; above != SchemaMember::kNoParent; above = way.members[above].parent, count(1))
      if (way.members[above].schema == schema) fail(*schema, "$ref leads back to itself");
    if (std::any_of(way.members.begin(), way.members.end(), [&](const auto& one) { return one.schema == schema; }))
      continue;
    count(way.members.size());
    const auto number = static_cast<uint32_t>(way.members.size());
    if (number >= kMostMembersOfWay) fail(*schema, "too many schemas apply at once");
    way.members.push_back({schema, parent});
    check_keywords(*schema);
    const auto list = [&](std::string_view keyword) -> const Value* {
      const Value* value = schema->find(keyword);
      if (value && (!value->is_list() || value->list().items.empty()))
        fail(*schema, std::string(keyword) + " must be a list of schemas");
      return value;
    };
    if (const Value* reference = schema->find("$ref")) {
      if (!reference->is_string()) fail(*schema, "$ref must be a text");
      if (const Value* to = target(*schema, reference->string())) way.pending.push_back({to, number});
    }
    // The first comes last, for the last is taken first.
    if (const Value* all = list("allOf"))
      for (size_t i = all->list().items.size(); i-- > 0;) way.pending.push_back({&all->list().items[i], number});
    if (const Value* any = list("anyOf")) way.choices.push_back({any, number});
    if (const Value* one = list("oneOf")) {
      way.choices.push_back({one, number});
      if (!compared_.insert(one).second) continue;
      const auto& items = one->list().items;
      const auto compare = [&](size_t j, size_t i) {
        count(kComparison);
        const auto a = make_set({&items[j]}), b = make_set({&items[i]});
        if (!a || !b || apart(*a, *b)) return true;
        refuse(*schema, "oneOf",
               "cannot be followed: alternatives " + std::to_string(j) + " and " + std::to_string(i) +
                   " may fit the same value (anyOf allows that)");
        return false;
      };
      bool told = true;
      if (const auto pairs = alike(items)) {
        for (auto pair = pairs->begin(); told && pair != pairs->end(); ++pair)
          told = compare(pair->first, pair->second);
      } else {
        for (size_t i = 0; told && i < items.size(); ++i)
          for (size_t j = 0; told && j < i; ++j) told = compare(j, i);
      }
    }
  }
}

void SchemaReader::check_keywords(const Value& schema) {
  if (!checked_.insert(&schema).second) return;
  for (const char* keyword : kUnfollowed) {
    const Value* value = schema.find(keyword);
    const std::string_view name = keyword;
    const auto is = [&](bool word) { return value->is(Value::Kind::boolean) && value->boolean() == word; };
    if (!value || (name == "uniqueItems" && is(false)) || (name == "not" && is(false)) ||
        (name == "unevaluatedItems" && is(true)))
      continue;
    if (name == "if" && !schema.find("then") && !schema.find("else")) continue;
    refuse(schema, keyword, "cannot be followed");
  }
}

const Value* SchemaReader::find_anchor(std::string_view keyword, std::string_view name) {
  const Value* result = nullptr;
  walk_tree(root_, [&](const Value& part, const Value& parent, const std::string& key) {
    count(1);
    if (key != keyword || !part.is_string() || part.string() != name || !parent.is_dict()) return false;
    result = &parent;
    return true;
  });
  return result;
}

const Value* SchemaReader::target(const Value& schema, const std::string& reference) {
  const size_t sharp = std::min(reference.find('#'), reference.size());
  const std::string document = reference.substr(0, sharp);
  const std::string_view fragment = std::string_view(reference).substr(std::min(sharp + 1, reference.size()));
  const Value* at = document.empty() ? &root_ : find_anchor("$id", document);
  if (!at) {
    refuse(schema, "$ref", "leads out of the schema: " + reference);
    return nullptr;
  }
  if (fragment.empty()) return at;
  if (fragment[0] != '/') {
    at = find_anchor("$anchor", fragment);
    if (!at) fail(schema, "$ref leads nowhere: " + reference);
    return at;
  }
  for (size_t begin = 1; at && begin <= fragment.size();) {
    const size_t end = std::min(fragment.find('/', begin), fragment.size());
    const std::string token = unescaped(fragment.substr(begin, end - begin));
    if (at->is_list()) {
      size_t index = 0;
      for (const char c : token)
        index = c >= '0' && c <= '9' && index < 1'000'000 ? index * 10 + (c - '0') : SIZE_MAX / 20;
      at = !token.empty() && index < at->list().items.size() ? &at->list().items[index] : nullptr;
    } else {
      at = at->find(token);
    }
    begin = end + 1;
  }
  if (!at) fail(schema, "$ref leads nowhere: " + reference);
  return at;
}

}  // namespace hearth
