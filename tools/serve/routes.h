// Which handler answers which path.
#pragma once

#include "tools/serve/service.h"

namespace hearth::serve {

// Before the body is read: Host, Origin, key, path, method and content type. Throws ApiError.
void check_request(Connection& connection, const Service& service);

// The body of the answer to a request that is refused, in the words of its protocol.
Json word_error(const Connection& connection, const ApiError& error);

// Answers a request that was checked.
boost::asio::awaitable<void> answer_request(Connection& connection, Service& service);

// Counts a request that was answered, and logs it where wanted: its endpoint, never its words.
void note_request(Connection& connection, Service& service);

}  // namespace hearth::serve
