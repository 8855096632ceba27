// What an argument that names an adapter says.
#pragma once

#include <filesystem>
#include <string>

#include "hearth/hearth.h"

namespace hearth::store {

// "[NAME=]FILE[:SCALE]". Without NAME the adapter goes by what FILE says, as a path without its ending. A text that
// ends in no number, or that is a file as it stands, has no scale. FILE is relative to the folder. Throws Error
// (invalid_argument).
AdapterFile split_adapter(const std::string& text, const std::filesystem::path& folder = {});

// The same where FILE may also be a name in the store, as for find_model().
AdapterFile find_adapter(const std::string& text);

}  // namespace hearth::store
