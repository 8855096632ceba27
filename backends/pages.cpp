// How large keys and values are, and the checks on copies of them that every backend relies on.
#include <numeric>

#include "backends/backend.h"

namespace hearth {

const char* name_of(KvType type) { return type == KvType::f32 ? "f32" : type == KvType::f16 ? "f16" : "q8_0"; }

uint64_t kv_row_bytes(KvType type, uint32_t width) {
  switch (type) {
    case KvType::f32:
      return uint64_t{width} * 4;
    case KvType::f16:
      return uint64_t{width} * 2;
    case KvType::q8_0:
      return uint64_t{width} / 32 * format_info(Format::q8_0).block_bytes;
  }
  return 0;
}

uint64_t position_bytes(const Program& program, KvType type) {
  return program.layers * (kv_row_bytes(type, program.key_width) + kv_row_bytes(type, program.value_width));
}

uint64_t state_values(const Program& program) {
  return std::accumulate(program.state_width.begin(), program.state_width.end(), uint64_t{0});
}

void check_state(uint32_t place, size_t values, const Program& program, const Limits& limits) {
  if (place >= limits.states || program.state_width.empty()) throw DeviceError("a place for states does not exist");
  if (values != state_values(program)) throw DeviceError("the size of a state is wrong");
}

void check_page(uint32_t page, uint32_t positions, size_t bytes, const Program& program, const Limits& limits) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw DeviceError(std::string("page: ") + what);
  };
  require(page < limits.pages, "it is out of range");
  require(positions <= limits.page_size, "it has fewer positions");
  require(bytes == positions * position_bytes(program, limits.kv_type), "the bytes are not those of its positions");
}

}  // namespace hearth
