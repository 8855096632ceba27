// Looking upwards for .hearth.toml.
#include "tools/route/repository.h"

#include "tools/route/policy_file.h"

namespace hearth::route {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLevels = 64;
constexpr size_t kMostKnown = 256;
constexpr uintmax_t kMostBytes = 256 << 10;

// The nearest file at or above a place; empty where there is none.
fs::path nearest(const std::string& hint) {
  fs::path folder(hint);
  if (!folder.is_absolute() || hint.find('\0') != hint.npos) return {};
  folder = folder.lexically_normal();
  std::error_code ignored;
  for (int level = 0; level < kMostLevels; ++level) {
    const fs::path file = folder / ".hearth.toml";
    if (fs::exists(fs::symlink_status(file, ignored))) return file;
    if (folder == folder.parent_path()) break;
    folder = folder.parent_path();
  }
  return {};
}

Policy read_or_forbid(const fs::path& file) {
  Policy forbidding;
  forbidding.offline = true;
  forbidding.offline_rule = file.filename().string() + " cannot be read";
  std::error_code error;
  if (!fs::is_regular_file(file, error) || fs::file_size(file, error) > kMostBytes || error) return forbidding;
  try {
    return read_repository_policy(file);
  } catch (const std::exception&) {
    return forbidding;
  }
}

}  // namespace

Ruling::Ruling(Policy ruled)
    : policy(std::move(ruled)), texts(policy), patterns({false, policy.redact_email, policy.patterns}) {}

Repositories::Repositories(const Policy& server) : server_(std::make_shared<const Ruling>(server)) {}

std::shared_ptr<const Ruling> Repositories::find(const std::string& hint) {
  const fs::path file = nearest(hint);
  if (file.empty()) return server_;
  std::error_code error;
  const auto time = fs::last_write_time(file, error);
  const uintmax_t size = fs::file_size(file, error);
  const auto known = known_.find(file);
  if (known != known_.end() && known->second.time == time && known->second.size == size && !error)
    return known->second.ruling;
  auto ruling = std::make_shared<const Ruling>(strictest(server_->policy, read_or_forbid(file)));
  if (known_.size() >= kMostKnown) known_.clear();
  known_[file] = {time, size, ruling};
  return ruling;
}

}  // namespace hearth::route
