// The body of a request, unpacked and parsed.
#pragma once

#include "tools/serve/json.h"
#include "tools/serve/service.h"

namespace hearth::serve {

// Whether bodies of this Content-Encoding can be read: none, identity or zstd.
bool can_decode(const std::string& encoding);

// One JSON value, in a worker's thread. Throws ApiError.
boost::asio::awaitable<Json> read_value(Connection& connection, Service& service);

// One JSON object, in a worker's thread, and how many bytes it had unpacked. Throws ApiError.
boost::asio::awaitable<Json> read_body(Connection& connection, Service& service, uint64_t* unpacked = nullptr);

// The header that lists fields which were not understood, where there are some.
void tell_ignored(Connection& connection, const std::vector<std::string>& names);

}  // namespace hearth::serve
