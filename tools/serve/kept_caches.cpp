// A file for each model.
#include "tools/serve/kept_caches.h"

#include <cctype>

namespace hearth::serve {

std::filesystem::path KeptCaches::file_of(const std::string& model) const {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string name;
  for (const char character : model) {
    const auto byte = static_cast<unsigned char>(character);
    const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 || byte == '-' || byte == '_');
    if (plain || (byte == '.' && !name.empty()))
      name += character;
    else
      name += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return folder / (name + ".cache");
}

void KeptCaches::restore(const std::string& model, Engine& engine) const {
  const std::filesystem::path file = file_of(model);
  std::error_code error;
  if (folder.empty() || !engine.info().makes_text || !std::filesystem::exists(file, error)) return;
  try {
    const CacheContent restored = engine.load_cache(file);
    log(model + ": restored " + std::to_string(restored.tokens) + " tokens of its cache" +
        (restored.left_out > 0 ? "; " + std::to_string(restored.left_out) + " more were left out" : ""));
  } catch (const std::exception& failure) {
    log(model + ": its cache begins empty: " + failure.what());
  }
}

void KeptCaches::save(const std::string& model, Engine& engine) const {
  if (folder.empty() || !engine.info().makes_text || engine.statistics().cache_held == 0) return;
  try {
    const CacheContent saved = engine.save_cache(file_of(model));
    log(model + ": saved " + std::to_string(saved.tokens) + " tokens of its cache");
  } catch (const std::exception& failure) {
    log(model + ": its cache is lost: " + failure.what());
  }
}

}  // namespace hearth::serve
