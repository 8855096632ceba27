// Importance matrices: good ones, and those that cannot be.
#include "engine/quantize/importance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "formats/gguf_writer.h"
#include "tests/formats/gguf_bytes.h"

namespace hearth {
namespace {

class ImportanceFile : public testing::Test {
 protected:
  // A file of two matrices, one of two experts of which the second was never asked.
  std::filesystem::path write(const std::vector<float>& sums, const std::vector<float>& counts, uint64_t width,
                              Format format = Format::f32) const {
    const auto path = folder_.path() / "imatrix.gguf";
    GgufWriter writer(path);
    writer.add("general.type", std::string_view("imatrix"));
    const std::string_view names[] = {"calibration.txt"};
    writer.add_strings("imatrix.datasets", names);
    writer.add("imatrix.chunk_count", uint32_t{7});
    const uint64_t sums_dims[] = {width, sums.size() / width}, counts_dims[] = {1, counts.size()};
    writer.add_tensor("blk.0.ffn_up_exps.weight.in_sum2", format, sums_dims);
    if (!counts.empty()) writer.add_tensor("blk.0.ffn_up_exps.weight.counts", Format::f32, counts_dims);
    writer.write(std::as_bytes(std::span(sums)).first(format == Format::f32 ? sums.size() * 4 : sums.size() * 2));
    if (!counts.empty()) writer.write(std::as_bytes(std::span(counts)));
    writer.finish();
    return path;
  }

  TemporaryFolder folder_;
};

TEST_F(ImportanceFile, GivesRootMeanSquaresForEachExpert) {
  const Importance importance = Importance::load(write({2, 8, 18, 8, 10, 12}, {2, 0}, 3));
  const auto columns = importance.find("blk.0.ffn_up_exps.weight", 3, 2);
  EXPECT_EQ(std::vector<float>(columns.begin(), columns.end()), (std::vector<float>{1, 2, 3, 1, 1, 1}));
  EXPECT_TRUE(importance.find("blk.1.ffn_up_exps.weight", 3, 2).empty());
  EXPECT_EQ(importance.chunks(), 7u);
  EXPECT_EQ(importance.data_set(), "calibration.txt");
  EXPECT_EQ(importance.size(), 1u);
}

TEST_F(ImportanceFile, OfAnotherModelIsRefused) {
  const Importance importance = Importance::load(write({2, 4, 6, 8}, {2}, 4));
  EXPECT_NE(file_error([&] { importance.find("blk.0.ffn_up_exps.weight", 8, 1); }).find("4 columns instead of 8"),
            std::string::npos);
}

TEST_F(ImportanceFile, WrongContentIsNamed) {
  const auto error = [&](const std::filesystem::path& path) { return file_error([&] { Importance::load(path); }); };
  EXPECT_NE(error(write({2, 4, 6, 8}, {}, 4)).find("no counts"), std::string::npos);
  EXPECT_NE(error(write({2, 4, 6, 8}, {1, 1, 1}, 4)).find("3 counts"), std::string::npos);
  EXPECT_NE(error(write({2, NAN, 6, 8}, {1}, 4)).find("no sum of squares"), std::string::npos);
  EXPECT_NE(error(write({2, -1, 6, 8}, {1}, 4)).find("no sum of squares"), std::string::npos);
  EXPECT_NE(error(write({2, 1, 6, 8}, {1}, 4, Format::f16)).find("not F32"), std::string::npos);
  const auto path = folder_.path() / "empty.gguf";
  GgufWriter(path).finish();
  EXPECT_NE(error(path).find("no importance matrix"), std::string::npos);
}

}  // namespace
}  // namespace hearth
