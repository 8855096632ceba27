// What a name stands for, as its origin tells it: addresses, sizes and hashes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/fetch/download.h"
#include "tools/fetch/listing.h"
#include "tools/fetch/manifest.h"
#include "tools/fetch/settings.h"
#include "tools/store/model_name.h"

namespace hearth::fetch {

using Asked = std::function<bool()>;  // whether to stop

// All files of a repository. Throws Error, Interrupted.
std::vector<ListedFile> list_repository(const store::HubName& name, const Settings& settings, const Asked& interrupted);
// Where one of them is fetched from.
RemoteFile hub_file(const store::HubName& name, const ListedFile& file, const Settings& settings);
// The page of the repository, for people.
std::string hub_page(const store::HubName& name, const Settings& settings);

// What a model of a registry consists of. Throws Error, Interrupted.
Manifest fetch_manifest(const store::RegistryName& name, const Settings& settings, const Asked& interrupted);
RemoteFile registry_file(const store::RegistryName& name, const Layer& layer, const Settings& settings);
std::string manifest_url(const store::RegistryName& name, const Settings& settings);

}  // namespace hearth::fetch
