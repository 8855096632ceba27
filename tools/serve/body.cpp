// Unpacking and parsing, away from the network thread.
#include "tools/serve/body.h"

#include "tools/serve/fields.h"
#include "tools/serve/zstd.h"

namespace hearth::serve {

bool can_decode(const std::string& encoding) {
  return encoding.empty() || boost::beast::iequals(encoding, "identity") || boost::beast::iequals(encoding, "zstd");
}

namespace {

// What `parse` makes of the unpacked body.
template <class Parse>
Json parsed(const Connection& connection, const Service& service, Parse&& parse) {
  const bool packed = boost::beast::iequals(connection.header("Content-Encoding"), "zstd");
  const std::string& body = connection.request().body();
  return packed ? parse(decompress_zstd(body, service.options.body_bytes)) : parse(body);
}

}  // namespace

boost::asio::awaitable<Json> read_value(Connection& connection, Service& service) {
  co_return co_await service.workers.run(
      [&] { return parsed(connection, service, [](const std::string& body) { return parse_value(body); }); });
}

boost::asio::awaitable<Json> read_body(Connection& connection, Service& service, uint64_t* unpacked) {
  co_return co_await service.workers.run([&] {
    return parsed(connection, service, [&](const std::string& body) {
      if (unpacked != nullptr) *unpacked = body.size();
      return parse_object(body);
    });
  });
}

void tell_ignored(Connection& connection, const std::vector<std::string>& names) {
  if (const std::string list = header_list(names); !list.empty())
    connection.set_header("X-Hearth-Ignored-Fields", list);
}

}  // namespace hearth::serve
