// Names of kernels.
#include "backends/cuda/kernels.h"

#include <algorithm>
#include <array>
#include <bit>

#include "backends/backend.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {
namespace {

struct Plain {
  std::string_view name, image;
  uint32_t threads;
};
constexpr std::array kPlain = {
    Plain{"norm", "rows", 256},
    Plain{"rope", "rows", 64},
    Plain{"gate", "rows", 64},
    Plain{"copy_heads", "rows", 64},
    Plain{"logits", "rows", 256},
    Plain{"candidates", "candidates", 256},
    Plain{"best_candidates", "candidates", 256},
    Plain{"combine", "rows", 64},
    Plain{"store", "store", 64},
    Plain{"rope_store", "rope_store", gpu::kRopeStoreThreads},
    Plain{"attend_join", "attend", gpu::kAttendThreads},
    Plain{"read_words", "roof", 512},
    Plain{"states", "recurrent", 256},
    Plain{"delta_rule", "recurrent", 64},
    Plain{"route", "experts", 64},
    Plain{"expert_tiles", "experts", 256},
    Plain{"adapter_down", "adapters", 64},
    Plain{"adapter_up", "adapters", 64},
    Plain{"adapter_embed", "adapters", 64},
    Plain{"round_inputs", "round", 64},
    Plain{"norm_round", "round", 256},
};

uint32_t constant(std::span<const uint32_t> constants, size_t i) { return i < constants.size() ? constants[i] : 0; }

// Of kernels that know a format, "matmul/Q4_K": their threads.
uint32_t threads_of(std::string_view family) {
  if (family == "embed") return 64;
  if (family == "bfloat_tiles") return 256;
  const bool is_known = family.ends_with("matmul") || family == "matmul_tiles" || family == "byte_tiles";
  return is_known ? 128 : 0;
}

}  // namespace

Kernel kernel_of(std::string_view name, std::span<const uint32_t> constants) {
  const size_t slash = name.find('/');
  if (slash != std::string_view::npos) {
    const std::string family(name.substr(0, slash)), format(name.substr(slash + 1));
    const bool joined = family.starts_with("joined");
    if (family.ends_with("_columns")) {
      const std::string tall = constant(constants, 1) == 0 ? "" : "_tall";
      return {(joined ? "joined_products_" : "column_products_") + format,
              family + "_" + format + "_" + std::to_string(constant(constants, 0)) + tall, constant(constants, 2),
              constant(constants, 3)};
    }
    const bool rounded = family.starts_with("byte") || family.starts_with("bfloat");
    const char* image = joined ? "joined_products_" : rounded ? "rounded_products_" : "products_";
    Kernel kernel{image + format, family + "_" + format, threads_of(family)};
    kernel.early = !family.ends_with("tiles");
    if (family == "bfloat_tiles") kernel.shared_bytes = gpu::kBfloatTilesShared;
    if (family.ends_with("matmul")) kernel.function += "_" + std::to_string(constant(constants, 0));
    if (family == "group_tiles") {
      const uint32_t groups = constant(constants, 0);
      return {family + "_" + format, kernel.function + "_" + std::to_string(groups), gpu::group_threads(groups),
              gpu::kGroupTilesShared, false};
    }
    if (kernel.threads != 0) return kernel;
  }
  if (name == "attend" && constant(constants, 0) <= static_cast<uint32_t>(KvType::q8_0)) {
    const uint32_t heads = std::bit_ceil(std::max(constant(constants, 1), 1u));
    const auto room = static_cast<uint32_t>(heads * constant(constants, 2) * sizeof(float));
    const std::string type = name_of(static_cast<KvType>(constants[0]));
    return {"attend", "attend_" + type + "_" + std::to_string(heads), gpu::kAttendThreads, room};
  }
  if (name == "attend_row")
    return {"attend_row", "attend_row_" + std::to_string(constant(constants, 1)), gpu::kAttendRowThreads};
  if (name == "attend_tiles") {
    const bool is_q8_0 = constant(constants, 0) == static_cast<uint32_t>(KvType::q8_0);
    const uint32_t size = constant(constants, 1);
    Kernel kernel{"attend_tiles", "attend_tiles_" + std::string(is_q8_0 ? "q8_0_" : "f16_") + std::to_string(size),
                  gpu::kAttendTilesThreads, gpu::attend_tiles_shared(is_q8_0, size)};
    kernel.early = false;
    return kernel;
  }
  if (name == "convolve") return {"recurrent", constant(constants, 0) == 3 ? "convolve_3" : "convolve", 64};
  const auto found = std::find_if(kPlain.begin(), kPlain.end(), [&](const Plain& one) { return one.name == name; });
  if (found == kPlain.end()) throw DeviceError("cuda: there is no kernel " + std::string(name));
  Kernel kernel{std::string(found->image), std::string(name), found->threads};
  if (name == "delta_rule") kernel.shared_bytes = static_cast<uint32_t>(2 * constant(constants, 0) * sizeof(float));
  return kernel;
}

}  // namespace hearth::cuda
