// Numbers and names of devices.
#include "backends/gpu/choice.h"

#include <algorithm>
#include <cctype>

#include "backends/backend.h"

namespace hearth::gpu {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

bool is_number(std::string_view text) {
  return text.size() < 4 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

size_t index_of(std::string_view which, const std::vector<Choice>& all, size_t best) {
  if (which.empty()) return best;
  if (is_number(which)) return std::stoul(std::string(which));
  const auto has = [part = lower(which)](const Choice& one) { return lower(one.name).find(part) != std::string::npos; };
  return static_cast<size_t>(std::find_if(all.begin(), all.end(), has) - all.begin());
}

}  // namespace

size_t choose(const std::string& backend, std::string_view which, const std::vector<Choice>& all, size_t best) {
  const size_t found = index_of(which, all, best);
  if (found >= all.size()) {
    std::string list;
    for (size_t i = 0; i < all.size(); ++i) list += (i == 0 ? "" : ", ") + std::to_string(i) + " (" + all[i].name + ")";
    throw DeviceError(backend + ": there is no device \"" + std::string(which) + "\"; there are " + list);
  }
  if (!all[found].missing.empty())
    throw DeviceError(backend + ": " + all[found].name + " cannot run programs, for it lacks " + all[found].missing);
  return found;
}

}  // namespace hearth::gpu
