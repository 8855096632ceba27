// What a model of a registry consists of: the answer to /v2/NAMESPACE/MODEL/manifests/TAG.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::fetch {

struct Layer {
  std::string kind;    // "model", "license", "params", "template", "system" ...: behind application/vnd.ollama.image.
  std::string sha256;  // 64 digits
  uint64_t size = 0;
};

struct Manifest {
  Layer model;                        // the GGUF file
  std::vector<Layer> papers;          // small texts that come with it
  std::vector<std::string> left_out;  // kinds of other layers, such as "projector"
};

inline constexpr uint64_t kMostPaper = 1 << 20;  // bytes

// Throws Error (bad_model) that begins with `where`: also where there is no model in it that is one GGUF file.
Manifest read_manifest(std::string_view json, const std::string& where);

}  // namespace hearth::fetch
