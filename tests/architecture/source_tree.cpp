// Finds source files and blanks what is not code.
#include "tests/architecture/source_tree.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sstream>

namespace hearth {
namespace {

constexpr std::array kFolders = {"engine", "kernels", "formats", "quant", "backends", "tools", "tests", "bench"};

bool ends_with_any(const std::string& path, std::initializer_list<const char*> endings) {
  return std::ranges::any_of(endings, [&](const char* ending) { return path.ends_with(ending); });
}

// Copies text; comments and the insides of literals become blanks, line ends stay.
class Blanker {
 public:
  explicit Blanker(const std::string& text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (starts("//"))
        blank_until("\n", false);
      else if (starts("/*"))
        blank_until("*/", true);
      else if (starts("R\"") && !inside_word())
        raw_string();
      else if (text_[at_] == '"')
        literal('"');
      else if (text_[at_] == '\'' && !inside_word())
        literal('\'');  // inside a word: a digit separator
      else
        keep();
    }
    return std::move(out_);
  }

 private:
  bool starts(std::string_view what) const { return text_.compare(at_, what.size(), what) == 0; }
  bool inside_word() const {
    const char before = at_ == 0 ? ' ' : text_[at_ - 1];
    return std::isalnum(static_cast<unsigned char>(before)) != 0 || before == '_';
  }
  void keep() { out_ += text_[at_++]; }
  void blank() {
    out_ += text_[at_] == '\n' ? '\n' : ' ';
    ++at_;
  }
  void blank_until(const std::string& end, bool with_end) {
    const size_t found = text_.find(end, at_ + (with_end ? 2 : 0));
    const size_t stop = found == std::string::npos ? text_.size() : found + (with_end ? end.size() : 0);
    while (at_ < stop) blank();
  }
  void raw_string() {
    const size_t open = text_.find('(', at_);
    if (open == std::string::npos) return keep();
    const std::string end = ")" + text_.substr(at_ + 2, open - at_ - 2) + "\"";
    blank_until(end, true);
  }
  void literal(char quote) {
    keep();
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) blank();
      blank();
    }
    if (at_ < text_.size() && text_[at_] == quote) keep();
  }

  const std::string& text_;
  std::string out_;
  size_t at_ = 0;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

bool SourceFile::is_cpp() const { return ends_with_any(path, {".h", ".c", ".cpp", ".cu", ".cuh", ".comp", ".glsl"}); }
bool SourceFile::is_script() const { return ends_with_any(path, {".sh", ".cmake", "CMakeLists.txt"}); }

SourceFile read_source(std::string path, const std::string& text) {
  SourceFile file{std::move(path), split(text), {}};
  if (file.is_cpp()) file.code = split(Blanker(text).run());
  return file;
}

std::vector<SourceFile> read_tree(const std::filesystem::path& root) {
  std::vector<SourceFile> files;
  const auto add = [&](const std::filesystem::path& path) {
    SourceFile file{path.lexically_relative(root).generic_string(), {}, {}};
    if (file.is_cpp() || file.is_script()) files.push_back(read_source(file.path, read(path)));
  };
  add(root / "CMakeLists.txt");
  for (const char* folder : kFolders) {
    if (!std::filesystem::exists(root / folder)) continue;
    for (std::filesystem::recursive_directory_iterator at(root / folder), end; at != end; ++at) {
      if (at->path().filename() == "node_modules") at.disable_recursion_pending();  // of others
      if (at->is_regular_file()) add(at->path());
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

}  // namespace hearth
