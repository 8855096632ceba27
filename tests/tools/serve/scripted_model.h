// A tiny model whose next token is known, so that tests of protocols can expect exact answers.
#pragma once

#include <filesystem>

namespace hearth {

// Writes a GGUF file of a byte-level vocabulary whose every token is followed by one other, almost surely:
//   after any text             " Hello" "," " world" "!" end          (5 steps, the last one tells no token)
//   after a chat's last turn   "Greet" " with" " a" " comma" end
//   after "#"                  " one" " two" " three" " one" ... without an end
//   after fim_middle           " gap" end
// Its chat template writes "<|ROLE|>CONTENT" for each message and "<|tools|>" and their JSON in front where there are
// any. It knows contexts up to 65536 tokens and has no bos.
void write_scripted_model(const std::filesystem::path& path);

}  // namespace hearth
