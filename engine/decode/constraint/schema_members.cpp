// What items of arrays and members of objects must fit.
#include <algorithm>
#include <unordered_map>

#include "engine/decode/constraint/schema.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {
namespace {

// The list of a schema's first items: prefixItems, or items as older drafts had it.
const Value* first_items(const Value& schema) {
  if (const Value* list = schema.find("prefixItems")) return list;
  const Value* items = schema.find("items");
  return items && items->is_list() ? items : nullptr;
}

const Value* other_items(const Value& schema) {
  const Value* items = schema.find("items");
  return items && items->is_list() ? schema.find("additionalItems") : items;
}

}  // namespace

size_t SchemaReader::prefix_items(const Conjunction& all) {
  size_t size = 0;
  for (const auto& [schema, parent] : all.members)
    if (const Value* list = first_items(*schema)) {
      if (!list->is_list()) fail(*schema, "prefixItems must be a list of schemas");
      size = std::max(size, list->list().items.size());
    }
  return size;
}

std::optional<SchemaSet> SchemaReader::item(const Conjunction& all, size_t index) {
  std::vector<const Value*> schemas;
  count(all.members.size());
  for (const auto& [schema, parent] : all.members) {
    const Value* first = first_items(*schema);
    if (first && first->is_list() && index < first->list().items.size())
      schemas.push_back(&first->list().items[index]);
    else if (const Value* other = other_items(*schema))
      schemas.push_back(other);
  }
  return make_set(std::move(schemas));
}

bool SchemaReader::matches(const std::string& text, const Value& where, const std::string* name,
                           const std::set<std::string>* matching) {
  if (!name) return matching->contains(text);
  const auto key = std::pair(text, *name);
  const auto known = matched_.find(key);
  if (known != matched_.end()) return known->second;
  try {
    return matched_[key] = PatternProduct({&pattern(text, where)}, pattern_work()).match(*name) != 0;
  } catch (const PatternError& error) {
    fail(where, "the pattern " + std::string(error.what()));
  }
}

// A member of this name, or of an unnamed one that matches those patterns.
std::optional<SchemaSet> SchemaReader::member(const Conjunction& all, const std::string* name,
                                              const std::set<std::string>* matching) {
  std::vector<const Value*> schemas;
  std::vector<bool> evaluated(all.members.size(), false);  // by a member or what it refers to
  count(all.members.size());
  for (size_t i = 0; i < all.members.size(); ++i) {
    const Value& schema = *all.members[i].schema;
    const auto dict = [&](std::string_view keyword) -> const Value* {
      const Value* value = schema.find(keyword);
      if (value && !value->is_dict()) fail(schema, std::string(keyword) + " must be an object");
      return value;
    };
    bool known = false;
    const auto add = [&](const Value& one) {
      schemas.push_back(&one);
      known = true;
    };
    if (const Value* named = dict("properties"); named && name)
      if (const Value* one = named->find(*name)) add(*one);
    if (const Value* patterned = dict("patternProperties"))
      for (const auto& [pattern_text, one] : patterned->dict().items)
        if (matches(pattern_text.string(), *patterned, name, matching)) add(one);
    if (const Value* other = schema.find("additionalProperties"); other && !known) add(*other);
    if (known)
      for (uint32_t above = static_cast<uint32_t>(i); above != SchemaMember::kNoParent && !evaluated[above];
           above = all.members[above].parent)
        evaluated[above] = true;
  }
  for (size_t i = 0; i < all.members.size(); ++i)
    if (const Value* other = all.members[i].schema->find("unevaluatedProperties"); other && !evaluated[i])
      schemas.push_back(other);
  return make_set(std::move(schemas));
}

std::vector<SchemaReader::Named> SchemaReader::named_members(const Conjunction& all) {
  std::vector<Named> result;
  std::unordered_map<std::string, size_t> places;
  const auto place = [&](const std::string& name) -> Named& {
    const auto [found, fresh] = places.emplace(name, result.size());
    if (fresh) result.push_back({name, std::nullopt, false});
    return result[found->second];
  };
  for (const auto& [schema, parent] : all.members)
    if (const Value* named = schema->find("properties")) {
      if (!named->is_dict()) fail(*schema, "properties must be an object");
      count(named->dict().items.size());
      for (const auto& [name, value] : named->dict().items) place(name.string());
    }
  for (const auto& [schema, parent] : all.members)
    if (const Value* list = schema->find("required")) {
      if (!list->is_list()) fail(*schema, "required must be a list of names");
      for (const Value& name : list->list().items) {
        if (!name.is_string()) fail(*schema, "required must be a list of names");
        place(name.string()).required = true;
      }
    }
  const SchemaSet of_names = names(all);
  for (Named& one : result) {
    one.value = member(all, &one.name, nullptr);
    if (one.value && !of_names.empty() && !fits(Value(one.name), of_names)) one.value.reset();
  }
  return result;
}

std::vector<const Value*> SchemaReader::name_patterns(const Conjunction& all) {
  std::vector<const Value*> result;
  for (const auto& [schema, parent] : all.members)
    if (const Value* patterned = schema->find("patternProperties"); patterned && patterned->is_dict())
      for (const auto& [text, one] : patterned->dict().items)
        if (std::none_of(result.begin(), result.end(),
                         [&, &name = text](const Value* other) { return other->string() == name.string(); }))
          result.push_back(&text);
  return result;
}

std::optional<SchemaSet> SchemaReader::other_member(const Conjunction& all, const std::set<std::string>& matching) {
  return member(all, nullptr, &matching);
}

SchemaSet SchemaReader::names(const Conjunction& all) {
  std::vector<const Value*> schemas;
  static const Value nothing(false);
  for (const auto& [schema, parent] : all.members)
    if (const Value* one = schema->find("propertyNames")) schemas.push_back(one);
  return make_set(schemas).value_or(SchemaSet{&nothing});
}

bool SchemaReader::closed(const Conjunction& all) const {
  if (!options_.closed) return false;
  bool named = false;
  for (const auto& [schema, parent] : all.members) {
    named = named || schema->find("properties");
    for (const char* keyword : {"additionalProperties", "patternProperties", "unevaluatedProperties"})
      if (schema->find(keyword)) return false;
  }
  return named;
}

}  // namespace hearth
