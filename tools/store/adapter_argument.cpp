// Cutting the argument at its ends.
#include "tools/store/adapter_argument.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "tools/store/find_model.h"

namespace hearth::store {

AdapterFile split_adapter(const std::string& text, const std::filesystem::path& folder) {
  const auto is_file = [&](const std::string& path) { return exists((folder / path).string()); };
  const auto refuse = [&](const char* why) { throw Error(ErrorCode::invalid_argument, "'" + text + "': " + why); };
  AdapterFile adapter;
  std::string path = text;
  const size_t equals = text.find('=');
  // As for models: what is in front of "=" is a name where no folder is.
  if (equals != text.npos && equals > 0 && text.find('/') > equals && !is_file(text)) {
    adapter.name = text.substr(0, equals);
    path = text.substr(equals + 1);
  }
  if (const size_t colon = path.rfind(':'); colon != path.npos && !is_file(path)) {
    const std::string_view scale = std::string_view(path).substr(colon + 1);
    const auto [end, error] = std::from_chars(scale.data(), scale.data() + scale.size(), adapter.scale);
    if (error != std::errc::invalid_argument && end == scale.data() + scale.size()) {
      if (error != std::errc() || !std::isfinite(adapter.scale)) refuse("the scale of an adapter must be a number");
      path.resize(colon);
    }
  }
  if (path.empty()) refuse("names no file of an adapter");
  adapter.path = folder / path;
  if (adapter.name.empty()) adapter.name = adapter.path.stem().string();
  return adapter;
}

AdapterFile find_adapter(const std::string& text) {
  AdapterFile adapter = split_adapter(text);
  adapter.path = find_model(adapter.path.string());
  return adapter;
}

}  // namespace hearth::store
