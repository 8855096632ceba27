// The one place that knows which backends there are.
#include "backends/devices.h"

#include "backends/cpu/device.h"
#include "backends/reference/device.h"

namespace hearth {

std::unique_ptr<Device> make_device(const DeviceOptions& options) {
  if (options.name == "cpu") return make_cpu_device({options.threads, options.kernels});
  if (options.name != "reference")
    throw DeviceError("there is no device \"" + options.name + "\"; there are cpu and reference");
  if (!options.kernels.empty()) throw DeviceError("the reference device has no kernels to choose from");
  return make_reference_device();
}

}  // namespace hearth
