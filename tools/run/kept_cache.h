// The cache of `hearth run` in a file.
#pragma once

#include <filesystem>

#include "hearth/hearth.h"

namespace hearth {

// Says on stderr what becomes of the file.
class KeptCache {
 public:
  // Restores what the file holds. One that is damaged is not used, and replaced later; one of another model, of other
  // options or of another program is neither used nor replaced. An empty path: nothing is kept.
  KeptCache(Engine& engine, const std::filesystem::path& path, bool read_only);
  // Saves what the cache holds now, where that is wanted. Throws Error.
  void save();

 private:
  Engine& engine_;
  std::filesystem::path path_;
  bool saves_;
};

}  // namespace hearth
