// The two protocols.
#include "tools/fetch/sources.h"

#include "hearth/hearth.h"
#include "tools/fetch/patience.h"
#include "tools/fetch/transfer.h"
#include "tools/fetch/url.h"

namespace hearth::fetch {
namespace {

constexpr size_t kMostPage = 32 << 20, kMostManifest = 4 << 20;  // bytes
constexpr int kMostPages = 200;

std::string repository_name(const store::HubName& name) {
  return "hf.co/" + name.owner + "/" + name.repo + (name.revision == "main" ? "" : "@" + name.revision);
}

std::string registry_base(const store::RegistryName& name, const Settings& settings) {
  return (name.base.empty() ? settings.registry : name.base) + "/v2/" + escape_path(name.space) + "/" +
         escape_path(name.model);
}

}  // namespace

std::string hub_page(const store::HubName& name, const Settings& settings) {
  return settings.hub + "/" + escape_path(name.owner) + "/" + escape_path(name.repo);
}

std::vector<ListedFile> list_repository(const store::HubName& name, const Settings& settings,
                                        const Asked& interrupted) {
  Getter getter(settings);
  const std::string what = repository_name(name);
  Ask ask{settings.hub + "/api/models/" + escape_path(name.owner) + "/" + escape_path(name.repo) + "/tree/" +
              escape_path(name.revision) + "?recursive=true",
          "application/json",
          settings.token,
          {}};
  const std::string origin = origin_of(ask.url);
  std::vector<ListedFile> files;
  for (int page = 0; page < kMostPages; ++page) {
    const Text text = get_text(getter, ask, kMostPage, settings, what, interrupted);
    read_listing(text.body, what + ": the listing that " + shown_url(ask.url) + " sent", files);
    ask.url = next_link(text.link);
    if (ask.url.empty()) return files;
    if (ask.url.starts_with('/')) ask.url = settings.hub + ask.url;
    // The token goes with each page.
    if (origin_of(ask.url) != origin)
      throw Error(ErrorCode::bad_model, what + ": its listing goes on at another host, " + shown_url(ask.url));
  }
  throw Error(ErrorCode::bad_model, what + ": its listing has more than " + std::to_string(kMostPages) + " pages");
}

RemoteFile hub_file(const store::HubName& name, const ListedFile& file, const Settings& settings) {
  return {file.path,
          hub_page(name, settings) + "/resolve/" + escape_path(name.revision) + "/" + escape_path(file.path),
          settings.token,
          file.size,
          file.sha256,
          ""};
}

std::string manifest_url(const store::RegistryName& name, const Settings& settings) {
  return registry_base(name, settings) + "/manifests/" + escape_path(name.tag);
}

Manifest fetch_manifest(const store::RegistryName& name, const Settings& settings, const Asked& interrupted) {
  Getter getter(settings);
  const std::string what = store::store_name(name);
  const Ask ask{manifest_url(name, settings), "application/vnd.docker.distribution.manifest.v2+json", "", {}};
  const Text text = get_text(getter, ask, kMostManifest, settings, what, interrupted);
  return read_manifest(text.body, what + ": the manifest that " + shown_url(ask.url) + " sent");
}

RemoteFile registry_file(const store::RegistryName& name, const Layer& layer, const Settings& settings) {
  return {layer.kind == "model" ? store::store_name(name) : layer.kind,
          registry_base(name, settings) + "/blobs/sha256:" + layer.sha256,
          "",
          layer.size,
          layer.sha256,
          ""};
}

}  // namespace hearth::fetch
