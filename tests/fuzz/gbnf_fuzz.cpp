// libFuzzer target: any text is a grammar that can be followed, or an Error.
#include "engine/decode/constraint/gbnf.h"
#include "tests/fuzz/follow_automaton.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    hearth::GrammarBuilder builder;
    const auto automaton = hearth::build_automaton(builder, hearth::read_gbnf(builder, text));
    hearth::follow_automaton(automaton, text);
  } catch (const hearth::Error& error) {
    if (error.code() != hearth::ErrorCode::invalid_argument) __builtin_trap();
  }
  return 0;
}
