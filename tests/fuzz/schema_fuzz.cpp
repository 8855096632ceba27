// libFuzzer target: any text is a schema that can be followed, strictly or leniently, or an Error.
#include "tests/fuzz/follow_automaton.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool lenient : {false, true}) {
    try {
      hearth::GrammarBuilder builder;
      std::vector<std::string> ignored;
      const hearth::SchemaOptions options{
          .lenient = lenient, .closed = lenient, .comma = ",", .colon = ":", .ignored = &ignored};
      const auto automaton = hearth::build_automaton(builder, builder.json_schema(text, options));
      hearth::follow_automaton(automaton, text);
    } catch (const hearth::Error& error) {
      if (error.code() != hearth::ErrorCode::invalid_argument) __builtin_trap();
    }
  }
  return 0;
}
