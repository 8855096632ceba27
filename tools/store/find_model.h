// What a MODEL argument stands for, without fetching anything.
#pragma once

#include <filesystem>
#include <string>

namespace hearth::store {

// A file that exists is itself, whatever it is called; else a name of the store is its file; else a text that is a
// possible name is refused with Error (invalid_argument) that says how to fetch it, and a path is left as it is.
std::filesystem::path find_model(const std::string& text);

// Whether a text is the path of something, and whether it is one of something in a folder that there is.
bool exists(const std::string& text);
bool is_below_a_folder(const std::string& text);

}  // namespace hearth::store
