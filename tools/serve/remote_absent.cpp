// In place of remote.cpp where the program is built without HEARTH_REMOTE: nothing leaves the machine.
#include "tools/serve/api_error.h"
#include "tools/serve/remote.h"

namespace hearth::serve {

bool can_send_off_machine() { return false; }

void send_off_machine(const RemoteRequest&, const RemoteReceiver&, audit::AuditLog&) {
  throw ApiError(501, "server_error", "not_implemented", "this program was built without remote providers");
}

}  // namespace hearth::serve
