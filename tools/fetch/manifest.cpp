// Version 2 of Docker's manifests, with Ollama's types of layers.
#include "tools/fetch/manifest.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "hearth/hearth.h"
#include "tools/store/model_name.h"

namespace hearth::fetch {
namespace {

constexpr std::string_view kTypes = "application/vnd.ollama.image.";
constexpr size_t kMostLayers = 1000;

using ManifestJson = nlohmann::json;

class ManifestReader {
 public:
  explicit ManifestReader(const std::string& where) : where_(where) {}

  Manifest read(std::string_view text) const {
    const ManifestJson json = ManifestJson::parse(text, nullptr, false);
    if (!json.is_object()) refuse("is no JSON object");
    const auto layers = json.find("layers");
    if (layers == json.end() || !layers->is_array()) refuse("'layers' must be an array");
    if (layers->size() > kMostLayers) refuse("has more than " + std::to_string(kMostLayers) + " layers");
    Manifest manifest;
    for (const ManifestJson& one : *layers) add(read_layer(one), manifest);
    if (manifest.model.sha256.empty()) refuse_without_model(manifest);
    return manifest;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw Error(ErrorCode::bad_model, where_ + ": " + what); }

  [[noreturn]] void refuse_without_model(const Manifest& manifest) const {
    std::string kinds;
    for (const std::string& kind : manifest.left_out) kinds += (kinds.empty() ? " but only " : ", ") + kind;
    refuse("holds no GGUF model" + kinds);
  }

  Layer read_layer(const ManifestJson& object) const {
    if (!object.is_object()) refuse("'layers' must hold objects");
    const auto type = object.find("mediaType"), digest = object.find("digest"), size = object.find("size");
    if (type == object.end() || !type->is_string()) refuse("a layer's 'mediaType' must be a string");
    if (digest == object.end() || !digest->is_string()) refuse("a layer's 'digest' must be a string");
    if (size == object.end() || !size->is_number_unsigned() || size->get<uint64_t>() > INT64_MAX)
      refuse("a layer's 'size' must be a number of bytes");
    Layer layer{*type, *digest, *size};
    if (layer.kind.size() > 200) refuse("a layer's 'mediaType' is too long");
    if (layer.kind.starts_with(kTypes)) layer.kind.erase(0, kTypes.size());
    for (char& c : layer.kind)
      if (c < ' ' || c > '~') c = '?';
    if (!layer.sha256.starts_with("sha256:") || !store::is_sha256(layer.sha256.substr(7)))
      refuse("a layer's 'digest' must be sha256: and 64 hexadecimal digits");
    layer.sha256.erase(0, 7);
    return layer;
  }

  void add(Layer layer, Manifest& manifest) const {
    constexpr std::array kPapers = {"license", "params", "template", "system", "messages"};
    if (layer.kind == "model") {
      if (!manifest.model.sha256.empty()) refuse("holds several models");
      if (layer.size == 0) refuse("its model is empty");
      manifest.model = std::move(layer);
    } else if (layer.kind == "adapter") {
      refuse("needs a LoRA adapter, which is not fetched with a model; give its file by --lora beside the model");
    } else if (std::ranges::find(kPapers, layer.kind) != kPapers.end() && layer.size <= kMostPaper) {
      manifest.papers.push_back(std::move(layer));
    } else if (std::ranges::find(manifest.left_out, layer.kind) == manifest.left_out.end()) {
      manifest.left_out.push_back(std::move(layer.kind));
    }
  }

  const std::string& where_;
};

}  // namespace

Manifest read_manifest(std::string_view json, const std::string& where) { return ManifestReader(where).read(json); }

}  // namespace hearth::fetch
