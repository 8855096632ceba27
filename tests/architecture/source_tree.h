// The source files of the project as the architecture test reads them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hearth {

struct SourceFile {
  std::string path;                // from the root, with '/': "quant/format.h"
  std::vector<std::string> lines;  // as written
  std::vector<std::string> code;   // the same lines with comments and the insides of literals blanked; C++ only

  bool is_cpp() const;     // C, C++, CUDA or GLSL
  bool is_script() const;  // shell or CMake
};

// path: from the root; it decides how the text is read.
SourceFile read_source(std::string path, const std::string& text);

// Every source file below the project's folders and the CMakeLists.txt of the root, by path.
std::vector<SourceFile> read_tree(const std::filesystem::path& root);

}  // namespace hearth
