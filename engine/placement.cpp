// Counting bytes by layers, and choosing how many fit.
#include "engine/placement.h"

#include <algorithm>
#include <cstdio>

#include "backends/split.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {
namespace {

// A part of free memory stays free, for what the estimate of activations and the driver leave out.
uint64_t usable(uint64_t free) { return free / 20 * 19; }

std::string amount(uint64_t bytes) {
  const double mebibytes = static_cast<double>(bytes) / (1 << 20);
  char text[32];
  if (mebibytes < 1000)
    std::snprintf(text, sizeof text, "%.1f MiB", mebibytes);
  else
    std::snprintf(text, sizeof text, "%.1f GiB", mebibytes / 1024);
  return text;
}

std::string parts_of(const MemoryNeed& need) {
  return amount(need.total()) + " (weights " + amount(need.weights) + ", cache " + amount(need.cache) +
         ", activations " + amount(need.activations) + ")";
}

std::string some_of(const char* which, uint32_t layers, uint32_t all) {
  if (layers == all) return "all " + std::to_string(all) + " layers";
  return std::string("the ") + which + " " + std::to_string(layers) + " of " + std::to_string(all) + " layers";
}

[[noreturn]] void refuse_all(const Device& device, uint64_t free, const LayerNeeds& needs, uint64_t draft) {
  std::string text = device.name() + ": " + amount(free) + " of its memory are free";
  if (draft > 0) text += ", of which the draft model takes " + amount(draft);
  if (needs.layers() > 0)
    text += ", but one of " + std::to_string(needs.layers()) + " layers with the output needs " +
            parts_of(needs.of_last(1)) + ", and";
  else
    text += ", but";
  throw Error(ErrorCode::out_of_memory, text + " the whole model " + parts_of(needs.of_all()) +
                                            "; a shorter context or fewer sequences at once need less, and the device "
                                            "cpu needs none of it");
}

}  // namespace

LayerNeeds::LayerNeeds(std::vector<PlannedProgram> plans) : plans_(std::move(plans)) {
  for (const PlannedProgram& plan : plans_) cuts_.push_back(layer_cuts(*plan.program));
  layers_ = static_cast<uint32_t>(layers_of(cuts_.front()));
}

MemoryNeed LayerNeeds::of_piece(uint32_t layers, size_t piece) const {
  MemoryNeed sum;
  for (size_t i = 0; i < plans_.size(); ++i) {
    const auto cut = std::span(cuts_[i]).subspan(layers_ - layers, 1);
    const MemoryNeed need = memory_of(cut_program(*plans_[i].program, cut)[piece], *plans_[i].limits);
    if (i == 0) sum.weights = need.weights;
    sum.cache += need.cache;
    sum.activations += need.activations;
  }
  return sum;
}

MemoryNeed LayerNeeds::of_last(uint32_t layers) const { return of_piece(layers, 1); }
MemoryNeed LayerNeeds::before_last(uint32_t layers) const { return of_piece(layers, 0); }

MemoryNeed LayerNeeds::of_all() const {
  MemoryNeed sum = memory_of(*plans_.front().program, *plans_.front().limits);
  for (size_t i = 1; i < plans_.size(); ++i) {
    const MemoryNeed need = memory_of(*plans_[i].program, *plans_[i].limits);
    sum.cache += need.cache;
    sum.activations += need.activations;
  }
  return sum;
}

std::optional<uint32_t> LayerNeeds::most_in(uint64_t bytes) const {
  if (of_all().total() <= bytes) return layers_ + 1;
  for (uint32_t layers = layers_; layers > 0; --layers)
    if (of_last(layers).total() <= bytes) return layers;
  return std::nullopt;
}

Placement place_model(const std::shared_ptr<Device>& device, const std::function<std::shared_ptr<Device>()>& make_other,
                      std::optional<uint32_t> gpu_layers, const std::vector<PlannedProgram>& plans,
                      std::optional<PlannedProgram> draft) {
  Placement placement{.device = device, .draft_device = device, .line = "", .arithmetic = ""};
  const std::optional<uint64_t> free = device->free_memory();
  if (!free) {
    if (gpu_layers)
      throw Error(ErrorCode::invalid_argument,
                  "a number of layers (gpu_layers) is for GPUs alone; the device " + device->name() + " computes all");
    return placement;
  }
  const LayerNeeds needs(plans);
  const uint64_t taken = draft ? memory_of(*draft->program, *draft->limits).total() : 0;
  const uint32_t all = needs.layers();
  uint32_t layers = gpu_layers.value_or(kLayersThatFit);
  if (layers == kLayersThatFit) {
    const uint64_t room = usable(*free);
    const auto most = needs.most_in(room - std::min(room, taken));
    if (!most) refuse_all(*device, *free, needs, taken);
    layers = *most;
  }
  const auto bytes = [&](const MemoryNeed& need) { return amount(need.total() + taken) + " of " + amount(*free); };
  if (layers > all) {
    placement.line = device->name() + ": all " + std::to_string(all) + " layers, " + bytes(needs.of_all());
    return placement;
  }
  const std::shared_ptr<Device> other = make_other();
  if (layers == 0) {
    placement.device = placement.draft_device = other;
    placement.line = other->name() + ": all " + std::to_string(all) + " layers";
    return placement;
  }
  placement.split_layers = layers;
  placement.device = make_split_device({{other, all - layers}, {device, layers}});
  placement.line = device->name() + ": " + some_of("last", layers, all) + " and the output, " +
                   bytes(needs.of_last(layers)) + "; " + other->name() + ": " +
                   (layers == all ? "the table of tokens" : some_of("first", all - layers, all)) + ", " +
                   amount(needs.before_last(layers).total());
  return placement;
}

Placement place_model(const DeviceOptions& options, std::optional<uint32_t> gpu_layers,
                      const std::vector<PlannedProgram>& plans, std::optional<PlannedProgram> draft) {
  const DeviceOptions cpu{.name = "cpu", .kernels = "", .threads = options.threads};
  std::shared_ptr<Device> other;
  Placement placement = place_model(
      make_device(options), [&] { return other = make_device(cpu); }, gpu_layers, plans, draft);
  placement.arithmetic = arithmetic_of(other != nullptr && placement.device == other ? cpu : options);
  if (placement.split_layers > 0)
    placement.arithmetic = arithmetic_of(cpu) + ", the last " + std::to_string(placement.split_layers) +
                           " layers: " + placement.arithmetic;
  return placement;
}

}  // namespace hearth
