// Which device computes which layers of a model: all on one, or the last ones on a GPU and those before on the CPU.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/cut.h"
#include "backends/devices.h"
#include "backends/memory.h"

namespace hearth {

// A plan that will be made; both are viewed.
struct PlannedProgram {
  const Program* program;
  const Limits* limits;
};

// What all plans of a model take of a device, by how many of its layers that computes.
class LayerNeeds {
 public:
  // The plans view the same weights, and the first has all of them.
  explicit LayerNeeds(std::vector<PlannedProgram> plans);

  uint32_t layers() const { return layers_; }  // 0: the model cannot be cut
  // Of the whole model, of its last `layers` with the output, and of what comes before those.
  MemoryNeed of_all() const;
  MemoryNeed of_last(uint32_t layers) const;
  MemoryNeed before_last(uint32_t layers) const;
  // The most layers that take no more than so many bytes; layers() + 1: the whole model; nothing: not even one fits.
  std::optional<uint32_t> most_in(uint64_t bytes) const;

 private:
  MemoryNeed of_piece(uint32_t layers, size_t piece) const;

  const std::vector<PlannedProgram> plans_;
  std::vector<std::vector<Cut>> cuts_;  // of each plan
  uint32_t layers_;
};

struct Placement {
  std::shared_ptr<Device> device;        // for all plans of the model
  std::shared_ptr<Device> draft_device;  // for those of a draft model
  std::string line;                      // for people; empty where the device has no memory of its own
  std::string arithmetic;                // see arithmetic_of()
  uint32_t split_layers = 0;             // that the device computes; 0: all are computed by one device
};

// gpu_layers: see EngineOptions. A draft model is computed as a whole by the device, whose memory it gets first. Throws
// DeviceError as make_device() does, and Error (invalid_argument) for a number of layers where the device has no memory
// of its own, (out_of_memory) where no layer fits, with what it would take.
Placement place_model(const DeviceOptions& options, std::optional<uint32_t> gpu_layers,
                      const std::vector<PlannedProgram>& plans, std::optional<PlannedProgram> draft = {});
// The same with the device made, but for the arithmetic; `make_other`: the one that computes other layers, where
// needed.
Placement place_model(const std::shared_ptr<Device>& device, const std::function<std::shared_ptr<Device>()>& make_other,
                      std::optional<uint32_t> gpu_layers, const std::vector<PlannedProgram>& plans,
                      std::optional<PlannedProgram> draft = {});

}  // namespace hearth
