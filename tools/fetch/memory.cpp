// By the engine's own plan: weights are only looked at by their sizes.
#include "tools/fetch/memory.h"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

#include "engine/model/loaded_model.h"
#include "engine/quantize/mix.h"

namespace hearth::fetch {
namespace {

KvType cache_format(CacheType type) {
  return type == CacheType::f32 ? KvType::f32 : type == CacheType::f16 ? KvType::f16 : KvType::q8_0;
}

// Whether everything in front of the weights lies within the first bytes. Where it does not, zeros were read as
// metadata, and what was made of them means nothing.
bool metadata_ends_within(const Gguf& file, uint64_t there) {
  if (file.entries().empty() || file.tensors().empty()) return false;
  constexpr size_t kFirstKey = 32;  // behind magic, version, two counts and the key's length
  const char* const begin = file.entries().front().key.data() - kFirstKey;
  const char* weights = nullptr;
  for (const GgufTensor& tensor : file.tensors()) {
    const char* const at = reinterpret_cast<const char*>(tensor.bytes.data());
    if (weights == nullptr || at < weights) weights = at;
  }
  return static_cast<uint64_t>(weights - begin) <= there;
}

}  // namespace

Foresight foresee(const std::filesystem::path& path, uint64_t there, const EngineOptions& options) {
  Foresight foresight;
  try {
    Gguf file = Gguf::open(path);
    foresight.enough = metadata_ends_within(file, there);
    if (!foresight.enough) return foresight;
    const LoadedModel model =
        load_model(std::move(file), {options.context, cache_format(options.cache_type), options.pre_tokenizer, false,
                                     options.parallel, options.cache_tokens});
    const MemoryPlan plan = plan_memory(model.program, model.limits);
    foresight.overhead = Overhead{plan.cache, plan.activations, model.context};
  } catch (const std::exception& error) {
    if (foresight.enough) foresight.why_not = error.what();
  }
  return foresight;
}

uint64_t machine_budget() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) / 10 * 9;
}

Kind kind_of(const std::filesystem::path& path) {
  Kind kind;
  try {
    const Gguf file = Gguf::open(path);
    kind.architecture = file.find_string("general.architecture").value_or("");
    kind.has_chat_template = !file.find_string("tokenizer.chat_template").value_or("").empty();
    if (const auto type = file.find_uint("general.file_type"))
      for (const Mix& mix : mixes())
        if (mix.file_type == *type) kind.quantization = mix.name;
    if (!kind.quantization.empty()) return kind;
    std::map<Format, uint64_t> bytes;  // then that of most weights
    for (const GgufTensor& tensor : file.tensors()) bytes[tensor.format] += tensor.bytes.size();
    if (!bytes.empty())
      kind.quantization =
          format_info(std::ranges::max_element(bytes, {}, [](auto& of) { return of.second; })->first).name;
  } catch (const std::exception& error) {
    kind.why_not = error.what();
  }
  return kind;
}

}  // namespace hearth::fetch
