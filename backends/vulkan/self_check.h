// Whether a device computes what its shaders say, found out by small trials before a program is trusted to it: drivers
// miscompile shaders now and then.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backends/gpu/ways.h"
#include "backends/program.h"
#include "backends/vulkan/trials.h"

namespace hearth::vulkan {

// What a program needs of a device.
struct Needs {
  std::set<Format> tables, products, expert_products;
  std::set<AttentionSizes> heads;
  std::set<uint32_t> taps;                         // of convolutions
  std::set<std::pair<uint32_t, uint32_t>> states;  // of delta rules: sizes of keys and values
  bool rms_norm = false, layer_norm = false, ropes = false, gates = false, copies = false, selects = false;
  bool logits = false, keeps_states = false, routes = false, experts = false;
  bool adapters = false, embedding_adapters = false;
  KvType cache = KvType::f16;
  uint32_t rows = 512;      // of a batch, at most
  bool cuts_heads = false;  // attention may be made in parts
  bool deterministic = false;
};
// The program is sound (check_program).
Needs needs_of(const Program& program, const Limits& limits);

struct ProductTimes {
  double scalar, integer, matrices;
};

// May be used by several threads; the Gpu must outlive it. A trial is made once.
class SelfCheck {
 public:
  explicit SelfCheck(Gpu& gpu) : gpu_(gpu), trials_(gpu) {}

  // Throws WrongResults naming the device and the shader that is wrong. Returns the ways that may be gone: inputs of
  // products are only rounded if `rounds` says so, and only made halves of if `matrices` does. Where shaders of a way
  // are wrong there are others in their place.
  gpu::Ways trust(const Needs& needs, bool rounds, bool matrices = false);
  // Seconds for a product of many rows in the three ways, measured once; infinity where a way is not there, wrong
  // or cannot be timed.
  ProductTimes time_products();
  // The shaders that are not used, with what is wrong of them: "byte_tiles/Q4_K (wrong results)".
  std::vector<std::string> switched_off() const;

 private:
  bool is_right(const std::string& shader, uint32_t variant, const std::function<bool()>& trial);
  void trust_small(const Needs& needs);
  // Whether it multiplies by a format in tiles.
  bool multiplies(Format format, Inputs inputs);
  void require(const std::string& shader, uint32_t variant, const std::function<bool()>& trial);

  Gpu& gpu_;
  Trials trials_;
  mutable std::mutex mutex_;
  std::optional<ProductTimes> times_;
  // What is wrong, by shader and variant; empty: nothing.
  std::map<std::pair<std::string, uint32_t>, std::string> faults_;
};

}  // namespace hearth::vulkan
