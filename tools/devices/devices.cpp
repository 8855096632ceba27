// hearth devices: what models can run on here.
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/command.h"
#include "tools/devices/probe.h"

namespace hearth {
namespace {

void print(const DeviceDescription& device) {
  std::printf("%-10s %s\n", device.name.c_str(), device.about.c_str());
  if (!device.missing.empty()) {
    const bool failed = device.missing.starts_with("vulkan: ") || device.missing.starts_with("cuda: ");
    std::printf("           cannot be used%s%s\n", failed ? ": " : ", for it lacks ", device.missing.c_str());
    return;
  }
  std::printf("           ");
  if (device.memory > 0)
    std::printf("%.0f MiB of memory, %s at", static_cast<double>(device.memory) / (1 << 20),
                device.name.starts_with("vulkan") ? "copied" : "read");
  else
    std::printf("memory read at");
  std::printf(" %.1f GB/s", device.read_gb_s);
  if (device.int8_gops > 0) std::printf(", int8 at %.0f Gop/s", device.int8_gops);
  std::printf("\n");
}

void print_json(const std::vector<DeviceDescription>& devices) {
  nlohmann::ordered_json list = nlohmann::json::array();
  for (const DeviceDescription& one : devices)
    list.push_back({{"name", one.name},
                    {"about", one.about},
                    {"missing", one.missing},
                    {"memory_bytes", one.memory},
                    {"gb_s", one.read_gb_s},
                    {"int8_gops", one.int8_gops}});
  std::cout << list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

}  // namespace

void add_devices(CLI::App& program) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* command = program.add_subcommand("devices", "List what models can run on here, and how fast its memory is");
  command->add_flag("--json", *json, "As JSON");
  command->callback([=] {
    std::vector<std::string> sound;
    std::vector<DeviceDescription> others;
    for (const char* backend : {"cuda", "vulkan"}) {
      const std::string trouble = gpu_trouble(backend);
      if (trouble.empty()) {
        sound.emplace_back(backend);
      } else {
        others.push_back({.name = backend});
        others.back().missing = trouble;
      }
    }
    std::vector<DeviceDescription> devices = list_devices(sound);
    devices.insert(devices.end(), others.begin(), others.end());
    if (*json) return print_json(devices);
    for (const DeviceDescription& one : devices) print(one);
    if (std::fflush(stdout) != 0) throw std::runtime_error("cannot write to standard output");
  });
}

}  // namespace hearth
