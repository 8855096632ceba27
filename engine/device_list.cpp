// The devices of this machine, in words.
#include "backends/devices.h"
#include "engine/errors.h"

namespace hearth {

std::vector<DeviceDescription> list_devices() {
  return with_public_errors([] {
    std::vector<DeviceDescription> result;
    for (const DeviceInfo& info : describe_devices()) {
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

}  // namespace hearth
