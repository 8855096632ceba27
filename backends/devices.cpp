// The one place that knows which backends there are.
#include "backends/devices.h"

#include "backends/cpu/device.h"
#include "backends/cpu/roofs.h"
#include "backends/reference/device.h"

namespace hearth {

std::unique_ptr<Device> make_device(const DeviceOptions& options) {
  if (options.name == "cpu") return make_cpu_device({options.threads, options.kernels});
  if (options.name != "reference")
    throw DeviceError("there is no device \"" + options.name + "\"; there are cpu and reference");
  if (!options.kernels.empty()) throw DeviceError("the reference device has no kernels to choose from");
  return make_reference_device();
}

DeviceInfo describe_device(const DeviceOptions& options) {
  if (options.name != "cpu") return {options.name, "", 1, 0, 0};
  const CpuOptions resolved = resolve_cpu_options({options.threads, options.kernels});
  const Roofs roofs = measure_roofs(resolved);
  return {"cpu", resolved.kernels, resolved.threads, roofs.read_gb_s, roofs.int8_gops};
}

std::string arithmetic_of(const DeviceOptions& options) {
  if (options.name != "cpu") return options.name;
  return options.name + " " + resolve_cpu_options({options.threads, options.kernels}).kernels;
}

}  // namespace hearth
