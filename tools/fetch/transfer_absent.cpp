// In place of transfer.cpp where the program is built without HEARTH_REMOTE: nothing is fetched.
#include "hearth/hearth.h"
#include "tools/fetch/transfer.h"

namespace hearth::fetch {

struct Getter::State {};

Getter::Getter(const Settings&) {}
Getter::~Getter() = default;

bool can_fetch() { return false; }

Outcome Getter::get(const Ask&, const Receiver&) {
  throw Error(ErrorCode::invalid_argument, "this program was built without HEARTH_REMOTE: it cannot fetch models");
}

}  // namespace hearth::fetch
