// Paths first, names second.
#include "tools/store/find_model.h"

#include "hearth/hearth.h"
#include "tools/store/model_name.h"
#include "tools/store/store.h"

namespace hearth::store {

bool exists(const std::string& text) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(text, ignored));
}

bool is_below_a_folder(const std::string& text) {
  std::error_code ignored;
  const size_t slash = text.find('/');
  return slash != text.npos && slash > 0 && std::filesystem::is_directory(text.substr(0, slash), ignored);
}

std::filesystem::path find_model(const std::string& text) {
  if (text.empty() || exists(text) || !parse_model_name(text)) return text;
  const Store store;
  if (const auto entry = store.find(text)) return store.model_path(*entry);
  if (is_below_a_folder(text)) return text;
  throw Error(ErrorCode::invalid_argument,
              "'" + text + "' is no file and not in the store; `hearth pull " + text + "` fetches it");
}

}  // namespace hearth::store
