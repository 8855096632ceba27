// GET / and GET /page/{file}: the page that the server shows in a browser.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "tools/serve/connection.h"
#include "tools/serve/service.h"

namespace hearth::serve {

// The page for a browser, the greeting for everyone else: clients look for it.
boost::asio::awaitable<void> show_root(Connection& connection, Service& service);
// Scripts and styles of the page. Throws ApiError.
boost::asio::awaitable<void> show_page_file(Connection& connection, Service& service);

}  // namespace hearth::serve
