// Whether a device computes what its shaders say, found out by small trials before a program is trusted to it: drivers
// miscompile shaders now and then.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backends/program.h"
#include "backends/vulkan/trials.h"

namespace hearth::vulkan {

// What a program needs of a device, as far as there are trials of it.
struct Needs {
  std::set<Format> tables, products, expert_products;
  std::set<std::pair<uint32_t, uint32_t>> heads;  // sizes of keys and values
  bool rms_norm = false, layer_norm = false, routes = false;
  bool candidates = false;
  KvType cache = KvType::f16;
  uint32_t rows = 512;  // of a batch, at most
  bool deterministic = false;
};
// The program is sound (check_program).
Needs needs_of(const Program& program, const Limits& limits);

// May be used by several threads; the Gpu must outlive it. A trial is made once.
class SelfCheck {
 public:
  explicit SelfCheck(Gpu& gpu) : gpu_(gpu), trials_(gpu) {}

  // Throws WrongResults naming the device and the shader that is wrong. Returns whether inputs of products may be
  // rounded, which is only so if `rounds` says so and the shaders of that are right: there are others in their place.
  bool trust(const Needs& needs, bool rounds);
  // The shaders that are wrong and not used.
  std::vector<std::string> switched_off() const;

 private:
  bool is_right(const std::string& shader, uint32_t variant, const std::function<bool()>& trial);
  void require(const std::string& shader, uint32_t variant, const std::function<bool()>& trial);

  Gpu& gpu_;
  Trials trials_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, uint32_t>, bool> results_;  // by shader and variant
};

}  // namespace hearth::vulkan
