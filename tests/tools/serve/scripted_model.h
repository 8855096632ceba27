// A tiny model whose next token is known, so that tests of protocols can expect exact answers.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace hearth {

// What a nonce is made of, and how many of them.
inline constexpr std::string_view kNonceLetters = "BCDFGHJKLNPQVXYZ";
inline constexpr size_t kNonceLength = 16;

// Writes a GGUF file of a byte-level vocabulary whose every token is followed by one other, almost surely:
//   after any text             " Hello" "," " world" "!" end          (5 steps, the last one tells no token)
//   after a chat's last turn   "Greet" " with" " a" " comma" end
//   after "#"                  " one" " two" " three" " one" ... without an end
//   after fim_middle           " gap" end
//   after a nonce and "="      the nonce, end; also after a chat whose last message ends in a nonce
//   after 17 nonce letters     the same 17 again and again, without an end
// A nonce is read by attention, through the cache: from a page that is not its own an answer gets a nonce of another.
// Its chat template writes "<|ROLE|>CONTENT" for each message and "<|tools|>" and their JSON in front where there are
// any, unless `tells_tools` is false. It knows contexts up to 65536 tokens and has no bos.
void write_scripted_model(const std::filesystem::path& path, bool tells_tools = true);

}  // namespace hearth
