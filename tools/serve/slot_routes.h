// POST /slots/{id}?action=save|restore|erase: the cache in files, as llama.cpp's server has it for its slots.
#pragma once

#include "tools/serve/service.h"

namespace hearth::serve {

// There are no slots here: any id stands for the cache of the model that the body names.
boost::asio::awaitable<void> change_slot(Connection& connection, Service& service);

// The name of a file that lies in a folder itself: no path, nothing hidden. Throws ApiError.
std::string plain_file_name(const std::string& name);

}  // namespace hearth::serve
