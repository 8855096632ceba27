// Holds the tree to its architecture, and each rule to finding what it forbids.
#include <gtest/gtest.h>

#include <functional>

#include "tests/architecture/rules.h"

namespace hearth {
namespace {

const std::filesystem::path kRoot = HEARTH_SOURCE_DIR;

const std::vector<SourceFile>& tree() {
  static const std::vector<SourceFile> files = read_tree(kRoot);
  return files;
}

void expect_clean(const std::function<Breaches(const SourceFile&)>& check) {
  ASSERT_GT(tree().size(), 50u) << "the tree was not found at " << kRoot;
  for (const SourceFile& file : tree())
    for (const std::string& breach : check(file)) ADD_FAILURE() << breach;
}

TEST(Architecture, FoldersIncludeOnlyWhatStandsAboveThem) { expect_clean(check_layers); }
TEST(Architecture, IncludesAreRootRelative) {
  expect_clean([](const SourceFile& file) { return check_include_paths(file, kRoot); });
}
TEST(Architecture, EveryFileSaysWhatItIs) { expect_clean(check_first_line); }
TEST(Architecture, LongFilesAreListedWithAReason) {
  expect_clean(check_length);
  for (const std::string& breach : check_length_list(tree())) ADD_FAILURE() << breach;
}
TEST(Architecture, NothingIsMarkedUnfinished) { expect_clean(check_finished); }
TEST(Architecture, TheLibraryNeitherEndsNorPrintsNorReadsTheEnvironment) { expect_clean(check_library_manners); }
TEST(Architecture, TwoFilesHaveAWayOffTheMachine) { expect_clean(check_way_off); }
TEST(Architecture, ThePreprocessorIsKeptSmall) { expect_clean(check_preprocessor); }

// What a check says of one file.
std::string all(const Breaches& breaches) {
  std::string text;
  for (const std::string& breach : breaches) text += breach + "\n";
  return text;
}
std::string layers(const char* path, const std::string& include) {
  return all(check_layers(read_source(path, "// A file.\n#include \"" + include + "\"\n")));
}
std::string manners(const char* path, const std::string& text) {
  return all(check_library_manners(read_source(path, text)));
}

TEST(ArchitectureRules, LayersFollowTheDesign) {
  struct Case {
    const char* path;
    const char* include;
    bool allowed;
  };
  for (const auto& [path, include, allowed] :
       std::initializer_list<Case>{{"quant/decode.cpp", "quant/blocks.h", true},
                                   {"quant/decode.cpp", "formats/gguf.h", false},
                                   {"formats/gguf.cpp", "quant/format.h", true},
                                   {"formats/gguf.cpp", "engine/model/config.h", false},
                                   {"kernels/cpu/generic/dot.h", "quant/blocks.h", true},
                                   {"kernels/cpu/generic/dot.h", "kernels/cpu/table.h", true},
                                   {"kernels/cpu/generic/dot.h", "kernels/cuda/gemv.h", false},
                                   {"kernels/cpu/table.h", "formats/gguf.h", false},
                                   {"kernels/cpu/table.h", "backends/program.h", false},
                                   {"backends/cpu/plan.cpp", "kernels/cpu/table.h", true},
                                   {"backends/cpu/plan.cpp", "backends/backend.h", true},
                                   {"backends/cpu/plan.cpp", "backends/reference/ops.h", false},
                                   {"backends/cpu/plan.cpp", "kernels/cuda/gemv.h", false},
                                   {"backends/cpu/plan.cpp", "engine/model/config.h", false},
                                   {"backends/cpu/plan.cpp", "formats/gguf.h", false},
                                   {"backends/backend.h", "quant/format.h", true},
                                   {"backends/backend.h", "formats/gguf.h", true},
                                   {"backends/backend.h", "backends/cpu/device.h", false},
                                   {"backends/devices.cpp", "backends/cpu/device.h", true},
                                   {"engine/model/decoder.cpp", "backends/program.h", true},
                                   {"engine/model/decoder.cpp", "backends/cpu/device.h", false},
                                   {"engine/model/decoder.cpp", "kernels/cpu/table.h", false},
                                   {"engine/model/decoder.cpp", "tools/run/run.h", false},
                                   {"engine/include/hearth/hearth.h", "hearth/hearth_c.h", true},
                                   {"engine/include/hearth/hearth.h", "engine/model/config.h", false},
                                   {"tools/run/run.cpp", "hearth/hearth.h", true},
                                   {"tools/run/run.cpp", "engine/text/template/template.h", true},
                                   {"tools/inspect/metadata.cpp", "formats/gguf.h", true},
                                   {"tools/run/run.cpp", "quant/format.h", false},
                                   {"tools/run/run.cpp", "backends/program.h", false},
                                   {"tools/run/run.cpp", "tests/shared_data.h", false},
                                   {"bench/kernels.cpp", "kernels/cpu/table.h", true},
                                   {"bench/kernels.cpp", "tests/shared_data.h", true},
                                   {"tests/quant/format_test.cpp", "kernels/cpu/table.h", true}}) {
    EXPECT_EQ(layers(path, include).empty(), allowed) << path << " includes " << include;
  }
  EXPECT_EQ(layers("quant/a.h", "tools/b.h").find("quant/a.h:2: includes tools/b.h: "), 0u);
}

TEST(ArchitectureRules, AnIncludeInACommentOrALiteralIsNone) {
  const auto breaches = [](const char* text) { return all(check_layers(read_source("quant/a.h", text))); };
  EXPECT_EQ(breaches("// A.\n// #include \"tools/b.h\"\n/*\n#include \"tools/b.h\"\n*/\n"), "");
  EXPECT_EQ(breaches("// A.\nconst char* a = R\"x(\n#include \"tools/b.h\"\n)x\";\n"), "");
  EXPECT_NE(breaches("// A.\nint a = 1'000;\n  #  include \"tools/b.h\"\n"), "");
}

TEST(ArchitectureRules, IncludePathsStartAtTheRoot) {
  const auto breaches = [](const char* path, const char* include) {
    return all(check_include_paths(read_source(path, std::string("// A.\n#include ") + include + "\n"), kRoot));
  };
  EXPECT_EQ(breaches("quant/a.h", "\"quant/format.h\""), "");
  EXPECT_EQ(breaches("quant/a.h", "<vector>"), "");
  EXPECT_NE(breaches("quant/a.h", "\"format.h\""), "");
  EXPECT_NE(breaches("quant/a.h", "\"formats/../quant/format.h\""), "");
  EXPECT_NE(breaches("quant/a.h", "<quant/format.h>"), "");
  EXPECT_EQ(breaches("tests/package/cpp/main.cpp", "<hearth/hearth.h>"), "");
}

TEST(ArchitectureRules, LibraryMannersAreFound) {
  for (const char* text :
       {"std::getenv(\"X\");", "::getenv(x);", "std::regex r;", "std::abort();", "abort ();", "exit(1);",
        "std::exit(1);", "std::cout << 1;", "std::cerr << 1;", "printf(\"\");", "std::fprintf(stderr);", "assert(x);"})
    EXPECT_NE(manners("quant/a.cpp", text), "") << text;
  for (const char* text :
       {"request.abort();", "stream->exit();", "Request::abort();", "bool exit = false;", "// exit(1)",
        "f(\"exit(1)\");", "std::snprintf(b, 1, \"\");", "static_assert(x);", "on_exit(1);"})
    EXPECT_EQ(manners("quant/a.cpp", text), "") << text;
  EXPECT_EQ(manners("tools/run/a.cpp", "exit(1);"), "");
  EXPECT_NE(manners("kernels/cpu/a.cpp", "std::vector<float> a;"), "");
  EXPECT_NE(manners("kernels/cpu/a.cpp", "float* a = new float[2];"), "");
  EXPECT_EQ(manners("kernels/cpu/a.cpp", "// a new vector\nstd::string_view name; int renew;"), "");
  EXPECT_EQ(manners("backends/cpu/a.cpp", "std::vector<float> a;"), "");
}

TEST(ArchitectureRules, FirstLinesLengthsMarksAndMacrosAreFound) {
  EXPECT_EQ(check_first_line(read_source("quant/a.h", "// A.\n")).size(), 0u);
  EXPECT_EQ(check_first_line(read_source("quant/a.h", "#pragma once\n// A.\n")).size(), 1u);
  EXPECT_EQ(check_first_line(read_source("quant/a.h", "")).size(), 1u);
  EXPECT_EQ(check_first_line(read_source("tools/a.sh", "#!/bin/sh\n# A.\n")).size(), 0u);
  EXPECT_EQ(check_first_line(read_source("tools/a.sh", "#!/bin/sh\ntrue\n")).size(), 1u);
  EXPECT_EQ(check_length(read_source("quant/a.h", std::string(500, '\n'))).size(), 0u);
  EXPECT_EQ(check_length(read_source("quant/a.h", std::string(501, '\n'))).size(), 1u);
  EXPECT_EQ(check_finished(read_source("quant/a.h", std::string("// TO") + "DO: more\n")).size(), 1u);
  EXPECT_EQ(check_finished(read_source("quant/CMakeLists.txt", std::string("# FIX") + "ME\n")).size(), 1u);
  EXPECT_EQ(check_preprocessor(read_source("quant/a.h", "#define A 1\n")).size(), 1u);
  EXPECT_EQ(check_preprocessor(read_source("kernels/cuda/hardware/qualifiers.h", "#define A 1\n")).size(), 0u);
  EXPECT_EQ(check_preprocessor(read_source("kernels/cuda/a.cu", "#define A 1\n")).size(), 1u);
  EXPECT_EQ(check_preprocessor(read_source("quant/a.h", "#ifdef A\n#endif\n")).size(), 1u);
  EXPECT_EQ(check_preprocessor(read_source("kernels/cpu/a.h", "#ifdef A\n#endif\n")).size(), 0u);
  EXPECT_EQ(check_preprocessor(read_source("tests/a.h", "#define A 1\n")).size(), 0u);
  EXPECT_EQ(check_way_off(read_source("tools/run/a.cpp", "#include <curl/curl.h>\n")).size(), 1u);
  EXPECT_EQ(check_way_off(read_source("tools/serve/remote.cpp", "#include <curl/curl.h>\n")).size(), 0u);
  EXPECT_EQ(check_way_off(read_source("tools/fetch/transfer.cpp", "#include <curl/curl.h>\n")).size(), 0u);
  EXPECT_EQ(check_way_off(read_source("tools/fetch/transfer.cpp", "set(CURLOPT_POSTFIELDS, x);\n")).size(), 1u);
  EXPECT_EQ(check_way_off(read_source("tools/fetch/pull.cpp", "#include <curl/curl.h>\n")).size(), 1u);
  EXPECT_EQ(check_way_off(read_source("tools/serve/server.cpp", "#include \"tools/fetch/pull.h\"\n")).size(), 1u);
  EXPECT_EQ(check_way_off(read_source("tools/store/store.cpp", "#include \"tools/fetch/pull.h\"\n")).size(), 1u);
  EXPECT_EQ(check_way_off(read_source("tools/run/run.cpp", "#include \"tools/fetch/pull.h\"\n")).size(), 0u);
}

}  // namespace
}  // namespace hearth
