// The tables of filters and tests, by name.
#include "engine/text/template/filters.h"

#include <algorithm>

namespace hearth {

const Filter* find_filter(std::string_view name) {
  for (const auto table :
       {text_filters(), markup_filters(), number_filters(), sequence_filters(), order_filters(), select_filters()}) {
    const auto found = std::ranges::find(table, name, &Filter::name);
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

}  // namespace hearth
