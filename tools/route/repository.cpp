// Looking upwards for .hearth.toml.
#include "tools/route/repository.h"

#include <set>

#include "tools/route/places.h"
#include "tools/route/policy_file.h"

namespace hearth::route {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostKnown = 256;
constexpr uintmax_t kMostBytes = 256 << 10;

Policy forbidding(const std::string& why) {
  Policy policy;
  policy.redact_email = false;
  policy.offline = true;
  policy.offline_rule = why;
  return policy;
}

// The files at or above all places, the outermost first.
struct Found {
  std::vector<fs::path> files;
  bool whole = true;  // all folders could be looked into
};
Found find_files(const std::vector<std::string>& places) {
  std::set<fs::path> folders;
  for (const std::string& place : places) {
    if (!is_absolute(place) || place.find('\0') != place.npos) continue;
    for (fs::path folder(place); folders.insert(folder).second && folder != folder.parent_path();)
      folder = folder.parent_path();
  }
  Found found;
  for (const fs::path& folder : folders) {
    std::error_code error;
    const fs::file_type type = fs::symlink_status(folder / ".hearth.toml", error).type();
    found.whole &= type != fs::file_type::none;
    if (type != fs::file_type::none && type != fs::file_type::not_found) found.files.push_back(folder / ".hearth.toml");
  }
  return found;
}

Policy read_or_forbid(const fs::path& file) {
  const std::string why = file.filename().string() + " cannot be read";
  std::error_code error;
  if (!fs::is_regular_file(file, error) || fs::file_size(file, error) > kMostBytes || error) return forbidding(why);
  try {
    return read_repository_policy(file);
  } catch (const std::exception&) {
    return forbidding(why);
  }
}

}  // namespace

Ruling::Ruling(Policy ruled)
    : policy(std::move(ruled)), texts(policy), patterns({false, policy.redact_email, policy.patterns}) {}

Repositories::Repositories(const Policy& server) : server_(std::make_shared<const Ruling>(server)) {}

std::optional<std::string> resolved_place(const std::string& place) {
  if (!is_absolute(place)) return place;
  std::error_code error;
  const fs::path resolved = fs::weakly_canonical(place, error);
  if (error) return std::nullopt;
  return normal_place(resolved.string());
}

std::shared_ptr<const Ruling> Repositories::find(const std::vector<std::string>& places) {
  const Found found = find_files(places);
  if (!found.whole)
    return std::make_shared<const Ruling>(strictest(server_->policy, forbidding("a folder cannot be read")));
  if (found.files.empty()) return server_;
  std::vector<Stamp> stamps;
  std::error_code error;
  for (const fs::path& file : found.files) {
    std::error_code of_time, of_size;
    stamps.push_back({fs::last_write_time(file, of_time), fs::file_size(file, of_size)});
    if (of_time || of_size) error = of_time ? of_time : of_size;
  }
  const auto known = known_.find(found.files);
  if (known != known_.end() && known->second.stamps == stamps && !error) return known->second.ruling;
  Policy policy = server_->policy;
  for (const fs::path& file : found.files) policy = strictest(std::move(policy), read_or_forbid(file));
  auto ruling = std::make_shared<const Ruling>(std::move(policy));
  if (known_.size() >= kMostKnown) known_.clear();
  known_[found.files] = {std::move(stamps), ruling};
  return ruling;
}

}  // namespace hearth::route
