// Restoring a cache before the first answer, and saving it after the last.
#include "tools/run/kept_cache.h"

#include <cstdio>

namespace hearth {

KeptCache::KeptCache(Engine& engine, const std::filesystem::path& path, bool read_only)
    : engine_(engine), path_(path), saves_(!path.empty() && !read_only) {
  std::error_code absent;
  if (std::filesystem::exists(path, absent) && !std::filesystem::is_regular_file(path, absent))
    throw Error(ErrorCode::bad_cache, path.string() + ": is no regular file");
  const bool is_there = std::filesystem::exists(path, absent) && !std::filesystem::is_empty(path, absent);
  if (path.empty() || (!is_there && !read_only)) return;
  try {
    const CacheContent restored = engine.load_cache(path);
    std::fprintf(stderr, "[restored %llu tokens from %s", static_cast<unsigned long long>(restored.tokens),
                 path.c_str());
    if (restored.left_out > 0)
      std::fprintf(stderr, "; %llu more were left out", static_cast<unsigned long long>(restored.left_out));
    std::fputs("]\n", stderr);
  } catch (const Error& error) {
    const bool other = error.code() == ErrorCode::other_cache;
    if (!other && error.code() != ErrorCode::bad_cache) throw;
    std::fprintf(stderr, "hearth: %s; it is not used%s\n", error.what(),
                 !saves_ ? ""
                 : other ? ", and left as it is"
                         : ", and replaced at the end");
    if (other) saves_ = false;
  }
}

void KeptCache::save() {
  if (!saves_) return;
  const CacheContent saved = engine_.save_cache(path_);
  std::fprintf(stderr, "[saved %llu tokens to %s, %.1f MiB]\n", static_cast<unsigned long long>(saved.tokens),
               path_.c_str(), static_cast<double>(saved.bytes) / (1 << 20));
}

}  // namespace hearth
