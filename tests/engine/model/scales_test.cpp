// Models whose matrices have scales of their own beside them compute what they compute without.
#include <gtest/gtest.h>

#include "backends/cpu/device.h"
#include "backends/reference/device.h"
#include "engine/model/decoder.h"
#include "formats/error.h"
#include "tests/engine/model/adapter_file.h"
#include "tests/engine/model/golden_run.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

// A power of two, so that nothing is rounded otherwise; of each matrix of a stack another one.
float scale_of(size_t tensor, uint64_t matrix) { return std::exp2(static_cast<float>((tensor + matrix) % 9) - 4); }

// The model with every matrix that ops multiply by as W / scale, and the scales beside it.
void write_scaled(const std::filesystem::path& path, const Gguf& model, const std::string& between) {
  const RandomAdapter changed = random_adapter(model, 1, 1);
  const auto is_scaled = [&](const GgufTensor& tensor) {
    return tensor.name != "token_embd.weight" && tensor.dims[1] > 1 && changed.pairs.contains(std::string(tensor.name));
  };
  const auto beside = [&](const GgufTensor& tensor, const char* what) {
    return std::string(tensor.name.substr(0, tensor.name.rfind(".weight"))) + between + what;
  };
  GgufWriter writer(path);
  for (const GgufEntry& entry : model.entries()) writer.add_entry(entry);
  for (const GgufTensor& tensor : model.tensors()) {
    size_t rank = 4;
    while (rank > 1 && tensor.dims[rank - 1] == 1) --rank;
    writer.add_tensor(tensor.name, tensor.format, std::span(tensor.dims, rank));
    if (!is_scaled(tensor)) continue;
    writer.add_tensor(beside(tensor, ".scale"), Format::f32, std::array{tensor.dims[2]});
    writer.add_tensor(beside(tensor, ".input_scale"), Format::f32, std::array<uint64_t, 1>{1});
  }
  for (size_t t = 0; t < model.tensors().size(); ++t) {
    const GgufTensor& tensor = model.tensors()[t];
    if (!is_scaled(tensor)) {
      writer.write(tensor.bytes);
      continue;
    }
    ASSERT_EQ(tensor.format, Format::f32) << tensor.name;
    std::vector<float> values(tensor.bytes.size() / sizeof(float)), scales(tensor.dims[2]);
    format_info(tensor.format).decode(tensor.bytes.data(), values.data(), values.size());
    for (uint64_t i = 0; i < values.size(); ++i) values[i] /= scale_of(t, i / (tensor.dims[0] * tensor.dims[1]));
    for (uint64_t i = 0; i < scales.size(); ++i) scales[i] = scale_of(t, i);
    writer.write(std::as_bytes(std::span<const float>(values)));
    writer.write(std::as_bytes(std::span<const float>(scales)));
    writer.write(std::as_bytes(std::span<const float>(std::array{3.0f})));
  }
  writer.finish();
}

class ScaledModel : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { path_ = shared_data(std::string("golden/models/") + GetParam() + ".gguf"); }
  static Vectors results(Device& device, const Gguf& file, uint32_t chunk) {
    const Program program = build_decoder(file, read_config(file), kContext);
    const auto plan = device.compile(program, golden_limits(KvType::f32));
    return run(*plan, program, {1, 7, 30, 4, 9, 22, 5, 13, 2, 40}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, chunk);
  }
  TemporaryFolder folder_;
  std::filesystem::path path_;
};

TEST_P(ScaledModel, ComputesTheSameBits) {
  HEARTH_REQUIRE_SHARED(path_);
  const Gguf plain = Gguf::open(path_);
  for (const char* between : {"", ".weight"}) {
    const auto path = folder_.path() / "scaled.gguf";
    write_scaled(path, plain, between);
    const Gguf scaled = Gguf::open(path);
    ASSERT_GT(scaled.tensors().size(), plain.tensors().size() + 8);
    for (const auto& device : {make_reference_device(), make_cpu_device({2, ""})})
      for (const uint32_t chunk : {kContext, 1u})
        EXPECT_EQ(results(*device, scaled, chunk), results(*device, plain, chunk)) << device->name() << " by " << chunk;
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, ScaledModel,
                         testing::Values("llama-mha", "llama-moe", "phi3", "qwen2moe", "qwen35", "deepseek2", "gpt2"));

TEST(ScaledModel, RefusesScalesOfAnotherNumberOrOfWhatHasNoProducts) {
  const auto path = shared_data("golden/models/llama-mha.gguf");
  HEARTH_REQUIRE_SHARED(path);
  const Gguf plain = Gguf::open(path);
  const TemporaryFolder folder;
  const auto error_of = [&](const char* name, uint64_t count) {
    const auto changed = folder.path() / "changed.gguf";
    GgufWriter writer(changed);
    for (const GgufEntry& entry : plain.entries()) writer.add_entry(entry);
    for (const GgufTensor& tensor : plain.tensors())
      writer.add_tensor(tensor.name, tensor.format, std::span(tensor.dims, tensor.dims[1] == 1 ? 1 : 2));
    writer.add_tensor(name, Format::f32, std::array{count});
    for (const GgufTensor& tensor : plain.tensors()) writer.write(tensor.bytes);
    writer.write(std::vector<std::byte>(count * sizeof(float)));
    writer.finish();
    const Gguf file = Gguf::open(changed);
    return file_error([&] { (void)build_decoder(file, read_config(file), kContext); });
  };
  EXPECT_NE(error_of("blk.0.attn_q.scale", 2).find("tensor \"blk.0.attn_q.scale\" is [2]"), std::string::npos);
  for (const char* name : {"token_embd.scale", "blk.0.attn_norm.scale", "blk.0.attn_x.scale", "blk.0.attn_q.scales"})
    EXPECT_NE(error_of(name, 1).find("\"" + std::string(name) + "\" has no place"), std::string::npos) << name;
}

}  // namespace
}  // namespace hearth
