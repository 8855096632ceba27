// The plans that compute a model, and the devices that they are on.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/include/hearth/hearth.h"
#include "engine/model/loaded_model.h"
#include "engine/placement.h"

namespace hearth {

struct Plans {
  Placement placement;                            // goes after its plans
  std::unique_ptr<Plan> text, draft, embeddings;  // null where there is no such thing
};

// draft: the model that guesses; null where there is none. on_placement: as in EngineOptions. Both throw Error and
// DeviceError.
Plans make_plans(const EngineOptions& options, const LoadedModel& model, const LoadedModel* draft,
                 const std::function<void(const std::string&)>& on_placement);

// Plans in place of those that were lost, of which none may be left: on the device anew where that is to be tried and
// can be done, and otherwise on the CPU. loss: in words. Tells EngineOptions::on_recovery.
Plans remake_plans(const EngineOptions& options, const LoadedModel& model, const LoadedModel* draft,
                   const std::string& loss, bool reopen);

}  // namespace hearth
