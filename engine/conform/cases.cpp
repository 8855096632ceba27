// The list of cases, and the properties that basic ones are made into.
#include "engine/conform/cases.h"

#include <algorithm>

namespace hearth::conform {
namespace {

// One format of each kind of block, for the properties in a short run.
bool stands_for_others(const Case& one) {
  constexpr Format kFormats[] = {Format::f32, Format::f16, Format::q4_0, Format::q4_k, Format::iq3_s};
  return std::find(std::begin(kFormats), std::end(kFormats), one.format) != std::end(kFormats);
}

}  // namespace

std::string_view name_of(Property property) {
  constexpr std::string_view kNames[] = {"accuracy", "repeat", "batch", "poison",
                                         "denormal", "large",  "model", "golden"};
  return kNames[static_cast<size_t>(property)];
}

std::string Case::format_name() const { return format_class == FormatClass::none ? "-" : format_info(format).name; }

void CaseList::add(Case one, Traits traits) {
  one.quick = traits.quick;
  cases_.push_back(one);
  if (!traits.basic) return;
  one.quick = traits.quick && stands_for_others(one);
  for (const Property property :
       {Property::repeat, Property::batch, Property::poison, Property::denormal, Property::large}) {
    if ((property == Property::poison && !traits.poison) || (property == Property::large && !traits.large) ||
        (property == Property::denormal && !traits.denormal))
      continue;
    one.property = property;
    cases_.push_back(one);
  }
}

std::vector<Case> all_cases() {
  CaseList list;
  add_row_cases(list);
  add_matrix_cases(list);
  add_mixture_cases(list);
  add_attention_cases(list);
  add_recurrent_cases(list);
  add_model_cases(list);
  return list.take();
}

std::string joined(std::initializer_list<std::string> parts) {
  std::string text;
  for (const std::string& part : parts)
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string steps_text(uint32_t rows, const std::vector<uint32_t>& chunks) {
  std::string text = std::to_string(rows) + (rows == 1 ? " row by " : " rows by ");
  for (size_t i = 0; i < chunks.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(chunks[i]);
  return text;
}

}  // namespace hearth::conform
