// The objects compiled for one instruction set export their table and nothing else: a weak or global function of theirs
// could be linked into code that other machines run.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>

namespace {

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string result;
  std::array<char, 4096> buffer;
  while (pipe != nullptr && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) result += buffer.data();
  return result;
}

TEST(KernelObjects, ExportTheirTableAlone) {
  std::istringstream objects(HEARTH_KERNEL_OBJECTS);
  int tables = 0;
  for (std::string object; objects >> object;) {
    if (object.find("tables.cpp") != std::string::npos) continue;  // for every machine, not for one instruction set
    SCOPED_TRACE(object);
    std::istringstream symbols(output_of("nm --format=posix --defined-only '" + object + "'"));
    int exported = 0;
    for (std::string line; std::getline(symbols, line);) {
      std::istringstream words(line);
      std::string name, kind;
      words >> name >> kind;
      if (kind.size() != 1 || std::string("tdbrnN").find(kind) != std::string::npos) continue;
      if (name.rfind("__odr_asan", 0) == 0) continue;          // a mark that AddressSanitizer puts beside each global
      if (name.rfind("_ZT", 0) == 0 && kind == "V") continue;  // a function's type, data that UBSan compares
      ++exported;
      EXPECT_NE(name.find("Table"), std::string::npos) << "exported: " << line;
      EXPECT_TRUE(kind == "D" || kind == "R") << line;
    }
    EXPECT_EQ(exported, 1);
    ++tables;
  }
  EXPECT_GE(tables, 1);
}

}  // namespace
