// The rules of the house as checks of single files. Each returns one line per breach: "path:line: what and why".
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/architecture/source_tree.h"

namespace hearth {

using Breaches = std::vector<std::string>;

// Who may include whom:
//   quant <- kernels/x <- backends/x
//   quant <- formats <- backends/{program,backend}.h <- engine <- tools          tests, bench: anything
Breaches check_layers(const SourceFile& file);

// "folder/file.h" from the root ("hearth/..." from engine/include), of a file that exists; <> for what is not ours.
Breaches check_include_paths(const SourceFile& file, const std::filesystem::path& root);

// The first line (of a script the one after #!) says what the file is.
Breaches check_first_line(const SourceFile& file);

// At most 500 lines, unless listed in rules.cpp with a reason.
Breaches check_length(const SourceFile& file);
// An entry of that list whose file has become short.
Breaches check_length_list(const std::vector<SourceFile>& files);

// No marks of unfinished work.
Breaches check_finished(const SourceFile& file);

// The library does not end its host, print, or read the environment; and kernels own no memory.
Breaches check_library_manners(const SourceFile& file);

// Two files use libcurl, and so have a way off the machine: tools/serve/remote.cpp sends requests to providers, and
// tools/fetch/transfer.cpp asks for models, with nothing to send but an address. The server does not know the latter.
Breaches check_way_off(const SourceFile& file);

// No macros; conditional compilation only where instruction sets and devices are chosen, and in the C header.
Breaches check_preprocessor(const SourceFile& file);

}  // namespace hearth
