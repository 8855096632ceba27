// How models come onto this machine: GET over HTTP, with nothing but the request's head sent.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/fetch/settings.h"
#include "tools/store/ranges.h"

namespace hearth::fetch {

struct Ask {
  std::string url;
  std::string accept = "*/*";
  std::string token;                  // told to the address's own origin only, not to where it redirects
  std::optional<store::Range> range;  // these bytes of it
};

// Of an answer whose status is 200 or 206.
struct Head {
  int status = 0;
  uint64_t begin = 0;            // where in the file the body's first byte is
  std::optional<uint64_t> size;  // of the whole file
  std::string etag, link;
};

// Called in the thread that asks. False from on_head and on_bytes ends the transfer.
struct Receiver {
  std::function<bool(const Head&)> on_head;
  std::function<bool(std::string_view)> on_bytes;
  std::function<bool()> unwanted = [] { return false; };  // asked ten times a second; true ends the transfer
};

enum class Ending {
  complete,
  unwanted,
  refused,  // the status was neither 200 nor 206
  broken,   // no connection, or one that was cut
  slow,     // less than a kilobyte a second
};

struct Outcome {
  Ending ending = Ending::complete;
  int status = 0;              // of the last answer; 0: there was none
  std::string why;             // where it broke
  std::string url;             // that answered, without what may be secret
  unsigned retry_seconds = 0;  // that the server wants to be left alone
};

// Whether this program was built with HEARTH_REMOTE.
bool can_fetch();

// Keeps its connections from one call to the next. To be used by one thread at a time.
class Getter {
 public:
  explicit Getter(const Settings& settings);
  ~Getter();
  Getter(const Getter&) = delete;
  Getter& operator=(const Getter&) = delete;

  // Follows redirects. Throws Error (invalid_argument): the program was built without, is offline, or an address may
  // not be connected to.
  Outcome get(const Ask& ask, const Receiver& receiver);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::fetch
