// Placing and compiling, and doing it again where the device was lost.
#include "engine/plans.h"

#include <exception>
#include <optional>
#include <vector>

#include "engine/checks.h"
#include "engine/errors.h"
#include "engine/model/decoder.h"

namespace hearth {
namespace {

// A log that fails stops no recovery.
void tell(const EngineOptions& options, const std::string& line) {
  try {
    if (options.on_recovery) options.on_recovery(line);
  } catch (...) {
  }
}

}  // namespace

Plans make_plans(const EngineOptions& options, const LoadedModel& model, const LoadedModel* draft,
                 const std::function<void(const std::string&)>& on_placement) {
  const bool makes_text = model.config.causal, embeds = options.embeddings || !makes_text;
  const Program headless = without_head(model.program);
  const Limits headless_limits = embedding_limits(model);
  std::vector<PlannedProgram> planned;
  if (makes_text) planned.push_back({&model.program, &model.limits});
  if (embeds) planned.push_back({&headless, &headless_limits});
  std::optional<PlannedProgram> draft_planned;
  if (draft != nullptr) draft_planned = {&draft->program, &draft->limits};
  Plans plans{.placement = place_model({options.device, options.kernels, options.threads, options.vulkan_products},
                                       options.gpu_layers, planned, draft_planned),
              .text = nullptr,
              .draft = nullptr,
              .embeddings = nullptr};
  if (on_placement && !plans.placement.line.empty()) on_placement(plans.placement.line);
  Device& device = *plans.placement.device;
  if (makes_text) plans.text = device.compile(model.program, model.limits);
  if (makes_text && draft != nullptr)
    plans.draft = plans.placement.draft_device->compile(draft->program, draft->limits);
  if (embeds) plans.embeddings = device.compile(headless, headless_limits);
  return plans;
}

Plans remake_plans(const EngineOptions& options, const LoadedModel& model, const LoadedModel* draft,
                   const std::string& loss, bool reopen) {
  tell(options, loss);
  if (reopen) {
    try {
      if (options.before_reopening) options.before_reopening();
      Plans plans = make_plans(options, model, draft, [&](const std::string& line) { tell(options, line); });
      tell(options, "the device " + plans.placement.device->name() + " was made anew; its cache is empty");
      return plans;
    } catch (...) {
      tell(options, std::string("the device cannot be made anew: ") + public_error(std::current_exception()).what());
    }
  } else {
    tell(options, "the device had ended no request since it was made anew, and is not tried again");
  }
  EngineOptions others = options;
  others.device = "cpu";
  others.gpu_layers.reset();
  others.vulkan_products.clear();
  Plans plans = make_plans(others, model, draft, {});
  tell(options, "the CPU computes until the model is loaded again; its cache is empty");
  return plans;
}

}  // namespace hearth
