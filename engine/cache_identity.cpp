// From a model and its options to the identity of its cache.
#include "engine/cache_identity.h"

#include "engine/model/fingerprint.h"

namespace hearth {

CacheIdentity identify_cache(const LoadedModel& model) {
  const Program& program = model.program;
  std::vector<uint64_t> adapters;
  for (const Adapter& adapter : model.adapters) adapters.push_back(fingerprint_model(adapter.file()));
  return {.model = fingerprint_model(model.file),
          .angles = fingerprint_angles(program),
          .name = std::string(model.file.find_string("general.name").value_or("")),
          .kv_type = model.limits.kv_type,
          .layers = program.layers,
          .key_width = program.key_width,
          .value_width = program.value_width,
          .vocabulary = program.vocabulary,
          .page_size = model.limits.page_size,
          .position_bytes = position_bytes(program, model.limits.kv_type),
          .state_values = state_values(program),
          .arithmetic = "",
          .adapters = std::move(adapters)};
}

}  // namespace hearth
