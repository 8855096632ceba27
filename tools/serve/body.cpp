// Unpacking and parsing, away from the network thread.
#include "tools/serve/body.h"

#include "tools/serve/fields.h"
#include "tools/serve/zstd.h"

namespace hearth::serve {

bool can_decode(const std::string& encoding) {
  return encoding.empty() || boost::beast::iequals(encoding, "identity") || boost::beast::iequals(encoding, "zstd");
}

boost::asio::awaitable<Json> read_body(Connection& connection, Service& service, uint64_t* unpacked) {
  const bool packed = boost::beast::iequals(connection.header("Content-Encoding"), "zstd");
  co_return co_await service.workers.run([&] {
    const std::string& body = connection.request().body();
    const std::string whole = packed ? decompress_zstd(body, service.options.body_bytes) : "";
    if (unpacked != nullptr) *unpacked = packed ? whole.size() : body.size();
    return parse_object(packed ? whole : body);
  });
}

void tell_ignored(Connection& connection, const std::vector<std::string>& names) {
  if (const std::string list = header_list(names); !list.empty())
    connection.set_header("X-Hearth-Ignored-Fields", list);
}

}  // namespace hearth::serve
