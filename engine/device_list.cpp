// The devices of this machine, in words.
#include "backends/devices.h"
#include "engine/errors.h"

namespace hearth {

std::vector<DeviceDescription> list_devices(const std::vector<std::string>& gpus) {
  return with_public_errors([&gpus] {
    std::vector<DeviceDescription> result;
    for (const DeviceInfo& info : describe_devices(gpus)) {
      DeviceDescription one;
      one.name = info.name;
      one.about = info.about.empty() ? info.kernels + ", " + std::to_string(info.threads) + " threads" : info.about;
      one.missing = info.missing;
      one.memory = info.memory;
      one.read_gb_s = info.read_gb_s;
      one.int8_gops = info.int8_gops;
      result.push_back(std::move(one));
    }
    return result;
  });
}

std::vector<std::string> list_gpus(const std::string& backend) {
  return with_public_errors([&backend] { return gpu_names(backend); });
}

std::vector<std::string> list_vulkan_products() { return product_names(); }

}  // namespace hearth
