// The rules, most of them as tables.
#include "tests/architecture/rules.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace hearth {
namespace {

constexpr size_t kLongestFile = 500;

// A file that may break a rule, and why.
struct Exception {
  const char* path;
  const char* reason;
};
constexpr Exception kLongFiles[] = {
    {"engine/text/template/unicode_tables.cpp", "a generated table"},
};
constexpr Exception kMayAllocate[] = {
    {"kernels/cpu/tables.h", "lists the instruction sets once at start-up; no kernel"},
    {"kernels/cpu/tables.cpp", "lists the instruction sets once at start-up; no kernel"},
};
constexpr Exception kMayDefineMacros[] = {
    {"kernels/cuda/hardware/qualifiers.h", "what a kernel declares has no other words in CUDA, and others elsewhere"},
    {"kernels/cuda/of_format.h", "a kernel's name, made with that of a format"},
};
constexpr Exception kMayChooseProcessor[] = {
    {"backends/devices.cpp", "chooses among the devices that were built in"},
    {"backends/cpu/pool.cpp", "the pause instruction of a spinning thread"},
};

bool listed(std::span<const Exception> exceptions, const SourceFile& file) {
  return std::ranges::any_of(exceptions, [&](const Exception& entry) { return file.path == entry.path; });
}

constexpr std::string_view kOurFolders[] = {"engine/", "kernels/", "formats/", "quant/", "backends/",
                                            "tools/",  "tests/",   "bench/",   "hearth/"};

bool under(std::string_view path, std::string_view folder) { return path.starts_with(folder); }

std::string place(const SourceFile& file, size_t line) { return file.path + ":" + std::to_string(line + 1) + ": "; }

// "kernels/cpu/generic/dot.h", 2 -> "kernels/cpu/"; empty where the path is not that deep.
std::string folder_of(std::string_view path, int depth) {
  size_t end = 0;
  for (int i = 0; i < depth; ++i) {
    const size_t slash = path.find('/', end);
    if (slash == std::string_view::npos) return "";
    end = slash + 1;
  }
  return std::string(path.substr(0, end));
}

struct Include {
  size_t line;
  bool angle;
  std::string path;
};

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.front())) != 0) line.remove_prefix(1);
  return line;
}

// The directive of a preprocessor line: "include", "define"; nullopt for other lines.
std::optional<std::string_view> directive(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with("#")) return std::nullopt;
  line = trimmed(line.substr(1));
  return line.substr(
      0, std::find_if_not(line.begin(), line.end(), [](unsigned char c) { return std::isalpha(c); }) - line.begin());
}

std::vector<Include> includes(const SourceFile& file) {
  std::vector<Include> result;
  for (size_t i = 0; i < file.code.size(); ++i) {
    if (directive(file.code[i]) != "include") continue;  // from the code, so that a comment does not count
    const std::string& line = file.lines[i];
    const size_t open = line.find_first_of("<\"");
    if (open == std::string::npos) continue;
    const size_t close = line.find(line[open] == '<' ? '>' : '"', open + 1);
    if (close != std::string::npos) result.push_back({i, line[open] == '<', line.substr(open + 1, close - open - 1)});
  }
  return result;
}

// What a file may include of ours, as beginnings of paths; "" is anything. A path that ends in '/' covers its folder's
// own files and those below; with '*' at the end only the folder's own files.
struct Layer {
  std::vector<std::string> allowed;
  const char* rule;
};

Layer layer_of(const std::string& path) {
  const std::string part = folder_of(path, 2);  // "kernels/cpu/"
  if (under(path, "quant/")) return {{"quant/"}, "quant knows no file and no other folder"};
  if (under(path, "formats/")) return {{"quant/", "formats/"}, "formats may use quant only"};
  if (under(path, "kernels/") && !part.empty())
    return {{"quant/", "kernels/*", "kernels/gpu/", part},
            "kernels/x may use quant, itself and what kernels of GPUs are told only"};
  if (under(path, "kernels/")) return {{"quant/", "kernels/*"}, "kernels may use quant only"};
  if (path == "backends/devices.cpp")
    return {{"quant/", "formats/", "backends/"}, "devices.cpp may use quant, formats and the backends"};
  if (under(path, "backends/") && !part.empty())
    return {
        {"quant/", "kernels/*", "kernels/gpu/", "kernels/" + part.substr(9), "backends/*", "backends/gpu/", part},
        "backends/x may use quant, kernels/x, itself, what GPUs share and the interfaces directly in backends; never a "
        "model"};
  if (under(path, "backends/"))
    return {{"quant/", "formats/", "backends/*"}, "the interfaces in backends know no device and no model"};
  if (under(path, "engine/include/")) return {{"hearth/"}, "installed headers may use installed headers only"};
  if (under(path, "engine/"))
    return {{"quant/", "formats/", "backends/*", "engine/", "hearth/"}, "the engine never knows a device or a kernel"};
  if (under(path, "tools/"))
    return {{"formats/", "engine/", "hearth/", "tools/"}, "tools may read a file's metadata, but never know a tensor"};
  return {{""}, "anything"};
}

bool allows(const std::string& pattern, const std::string& path) {
  if (!pattern.ends_with('*')) return under(path, pattern);
  const std::string folder = pattern.substr(0, pattern.size() - 1);
  return under(path, folder) && path.find('/', folder.size()) == std::string::npos;
}

bool is_library(const std::string& path) {
  for (const char* folder : {"quant/", "formats/", "kernels/", "backends/", "engine/"})
    if (under(path, folder)) return true;
  return false;
}

struct Forbidden {
  const char* word;
  bool call_only;  // only where "(" follows
  const char* why;
};
constexpr Forbidden kForbidden[] = {
    {"getenv", false, "the library does not read the environment"},
    {"secure_getenv", false, "the library does not read the environment"},
    {"std::regex", false, "hand-written and linear-time instead"},
    {"abort", true, "the library never ends its host process"},
    {"exit", true, "the library never ends its host process"},
    {"_exit", true, "the library never ends its host process"},
    {"quick_exit", true, "the library never ends its host process"},
    {"std::terminate", false, "the library never ends its host process"},
    {"assert", true, "the library never ends its host process"},
    {"std::cout", false, "the library does not print"},
    {"std::cerr", false, "the library does not print"},
    {"std::clog", false, "the library does not print"},
    {"printf", true, "the library does not print"},
    {"fprintf", true, "the library does not print"},
    {"vprintf", true, "the library does not print"},
    {"vfprintf", true, "the library does not print"},
    {"puts", true, "the library does not print"},
    {"fputs", true, "the library does not print"},
    {"putchar", true, "the library does not print"},
    {"perror", true, "the library does not print"},
};
constexpr Forbidden kForbiddenInKernels[] = {
    {"new", false, "kernels never allocate"},          {"malloc", true, "kernels never allocate"},
    {"calloc", true, "kernels never allocate"},        {"realloc", true, "kernels never allocate"},
    {"aligned_alloc", true, "kernels never allocate"}, {"std::vector", false, "kernels never allocate"},
    {"std::string", false, "kernels never allocate"},  {"std::make_unique", false, "kernels never allocate"},
    {"std::unique_ptr", false, "kernels own nothing"}, {"std::shared_ptr", false, "kernels own nothing"},
};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Finds a word that is not part of a longer one, nor somebody's member (x.exit(), X::exit() with X other than std).
bool uses(std::string_view line, const Forbidden& forbidden) {
  const std::string_view word = forbidden.word;
  for (size_t at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    const std::string_view before = line.substr(0, at), after = line.substr(at + word.size());
    if ((!before.empty() && is_word(before.back())) || (!after.empty() && is_word(after.front()))) continue;
    if (before.ends_with('.') || before.ends_with("->")) continue;
    if (before.ends_with("::") && before.size() > 2 && is_word(before[before.size() - 3]) && !before.ends_with("std::"))
      continue;
    if (forbidden.call_only && !trimmed(after).starts_with('(')) continue;
    return true;
  }
  return false;
}

}  // namespace

Breaches check_layers(const SourceFile& file) {
  Breaches breaches;
  const Layer layer = layer_of(file.path);
  for (const Include& include : includes(file)) {
    if (include.angle) continue;
    const auto allowed = [&](const std::string& pattern) { return allows(pattern, include.path); };
    if (std::ranges::none_of(layer.allowed, allowed))
      breaches.push_back(place(file, include.line) + "includes " + include.path + ": " + layer.rule);
  }
  return breaches;
}

Breaches check_include_paths(const SourceFile& file, const std::filesystem::path& root) {
  Breaches breaches;
  const bool outsider = under(file.path, "tests/package/");  // sees the installed headers as any user does
  for (const Include& include : includes(file)) {
    const bool ours = std::ranges::any_of(kOurFolders, [&](auto folder) { return under(include.path, folder); });
    if (include.angle) {
      if (ours && !outsider)
        breaches.push_back(place(file, include.line) + "<" + include.path + "> is ours: write it in quotes");
      continue;
    }
    const auto base = under(include.path, "hearth/") ? root / "engine/include" : root;
    if (include.path.find("..") != std::string::npos || !std::filesystem::is_regular_file(base / include.path))
      breaches.push_back(place(file, include.line) + "\"" + include.path + "\" is no file from the root");
  }
  return breaches;
}

Breaches check_first_line(const SourceFile& file) {
  if (file.path.ends_with("/CMakeLists.txt")) return {};  // a folder's list of files says what it is
  const char* comment = file.is_cpp() ? "// " : "# ";
  size_t line = 0;
  if (!file.lines.empty() && file.lines[0].starts_with("#!")) line = 1;
  // GLSL wants its version first.
  if (!file.lines.empty() && file.path.ends_with(".comp") && file.lines[0].starts_with("#version")) line = 1;
  if (line < file.lines.size() && file.lines[line].starts_with(comment)) return {};
  // C headers may be read by compilers that know no other comment.
  if (line < file.lines.size() && file.is_cpp() && file.lines[line].starts_with("/* ")) return {};
  return {place(file, line) + "the first line must be a comment that says what the file is"};
}

Breaches check_length(const SourceFile& file) {
  if (file.lines.size() <= kLongestFile || listed(kLongFiles, file)) return {};
  return {file.path + ": " + std::to_string(file.lines.size()) + " lines, more than " + std::to_string(kLongestFile) +
          "; split it, or list it in tests/architecture/rules.cpp with a reason"};
}

Breaches check_length_list(const std::vector<SourceFile>& files) {
  Breaches breaches;
  for (const Exception& entry : kLongFiles) {
    const auto found = std::ranges::find(files, std::string(entry.path), &SourceFile::path);
    if (found != files.end() && found->lines.size() <= kLongestFile)
      breaches.push_back(std::string(entry.path) + ": listed as long (" + entry.reason + ") but it is not");
  }
  return breaches;
}

Breaches check_finished(const SourceFile& file) {
  // Spelt in two parts, so that this file passes.
  constexpr Forbidden kMarks[] = {{"TO"
                                   "DO",
                                   false, ""},
                                  {"FIX"
                                   "ME",
                                   false, ""}};
  Breaches breaches;
  for (size_t i = 0; i < file.lines.size(); ++i)
    for (const Forbidden& mark : kMarks)
      if (uses(file.lines[i], mark)) breaches.push_back(place(file, i) + mark.word + ": finish it or file an issue");
  return breaches;
}

Breaches check_library_manners(const SourceFile& file) {
  Breaches breaches;
  if (!is_library(file.path) || !file.is_cpp()) return breaches;
  const auto check = [&](size_t line, const Forbidden& forbidden) {
    if (uses(file.code[line], forbidden)) breaches.push_back(place(file, line) + forbidden.word + ": " + forbidden.why);
  };
  for (size_t i = 0; i < file.code.size(); ++i) {
    for (const Forbidden& forbidden : kForbidden) check(i, forbidden);
    if (under(file.path, "kernels/") && !listed(kMayAllocate, file))
      for (const Forbidden& forbidden : kForbiddenInKernels) check(i, forbidden);
  }
  return breaches;
}

Breaches check_way_off(const SourceFile& file) {
  Breaches breaches;
  const bool asks = file.path == "tools/fetch/transfer.cpp";
  // The command may pull the models that it is given; what answers requests may not.
  const bool answers = under(file.path, "tools/serve/") && file.path != "tools/serve/serve.cpp";
  for (const Include& include : includes(file)) {
    if (include.path.starts_with("curl/") && !asks && file.path != "tools/serve/remote.cpp")
      breaches.push_back(place(file, include.line) +
                         "only tools/serve/remote.cpp sends bytes off the machine, and only "
                         "tools/fetch/transfer.cpp asks for models");
    if ((under(include.path, "tools/fetch/") || under(include.path, "tools/pull/")) &&
        (answers || under(file.path, "tools/store/")))
      breaches.push_back(place(file, include.line) + "neither the server nor the store fetches models");
  }
  if (!asks) return breaches;
  for (size_t i = 0; i < file.code.size(); ++i)
    for (const char* sends : {"CURLOPT_POST", "CURLOPT_COPYPOSTFIELDS", "CURLOPT_UPLOAD", "CURLOPT_MIMEPOST",
                              "CURLOPT_READ", "CURLOPT_CUSTOMREQUEST", "curl_easy_send"})
      if (file.code[i].find(sends) != std::string::npos)
        breaches.push_back(place(file, i) + sends + ": it asks, and has nothing to send");
  return breaches;
}

Breaches check_preprocessor(const SourceFile& file) {
  Breaches breaches;
  const bool chooses = under(file.path, "kernels/") || listed(kMayChooseProcessor, file);
  if (!is_library(file.path) && !under(file.path, "tools/")) return breaches;
  if (file.path.ends_with(".comp") || file.path.ends_with(".glsl") || under(file.path, "engine/include/"))
    return breaches;
  for (size_t i = 0; i < file.code.size(); ++i) {
    const auto found = directive(file.code[i]);
    if (!found) continue;
    if (*found == "define" && !listed(kMayDefineMacros, file))
      breaches.push_back(place(file, i) + "#define: no macros");
    if (found->starts_with("if") && !chooses)
      breaches.push_back(place(file, i) + "#" + std::string(*found) +
                         ": only kernels and the files listed in tests/architecture/rules.cpp compile conditionally");
  }
  return breaches;
}

}  // namespace hearth
