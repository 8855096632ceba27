// Models with linear attention: which layers have it, what is refused, and what becomes of weights in other formats.
#include <algorithm>

#include "engine/convert/convert.h"
#include "engine/model/config.h"
#include "tests/engine/convert/gguf_to_hf.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

class ConvertLinearAttention : public testing::Test {
 protected:
  static HfFolder folder_of(const std::string& model) {
    return hf_folder_of(Gguf::open(shared_data("golden/models/" + model + ".gguf")));
  }

  Gguf convert(const HfFolder& folder, const ConvertOptions& options = {}) {
    const auto model = folder_.path() / "tiny", out = folder_.path() / "out.gguf";
    std::filesystem::remove_all(model);
    folder.write(model);
    const ModelFolder opened = ModelFolder::open(model);
    const ConvertPlan plan = plan_conversion(opened, options);
    left_out_ = plan.left_out;
    write_converted(opened, plan, out);
    return Gguf::open(out);
  }
  void expect_error(const HfFolder& folder, const char* told) {
    const std::string error = file_error([&] { (void)convert(folder); });
    EXPECT_NE(error.find(told), std::string::npos) << told << ": " << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }

  std::vector<std::string> left_out_;
  TemporaryFolder folder_;
};

// Layers change their places, weights and types.
void swap_layers(HfFolder& folder, const std::string& one, const std::string& other) {
  HfTensors swapped;
  for (const auto& [name, tensor] : folder.tensors) {
    const std::string front = "model.layers.";
    std::string moved = name;
    if (name.starts_with(front + one + ".")) moved.replace(front.size(), one.size(), other);
    if (name.starts_with(front + other + ".")) moved.replace(front.size(), other.size(), one);
    swapped[moved] = tensor;
  }
  folder.tensors = swapped;
  std::swap(folder.config["layer_types"][std::stoul(one)], folder.config["layer_types"][std::stoul(other)]);
}

TEST_F(ConvertLinearAttention, TheTypesOfLayersHoldAboveTheInterval) {
  HfFolder folder = folder_of("qwen35");
  swap_layers(folder, "3", "2");
  Gguf file = convert(folder);
  EXPECT_EQ(file.find_uint("qwen35.full_attention_interval"), 3u);
  EXPECT_EQ(read_config(file).recurrent.layers, (std::vector<bool>{true, true, false, true, true}));
  folder = folder_of("qwen35");
  swap_layers(folder, "3", "0");
  file = convert(folder);
  EXPECT_EQ(file.find_entry("qwen35.full_attention_interval"), nullptr);
  EXPECT_EQ(read_config(file).recurrent.layers, (std::vector<bool>{false, true, true, true, true}));
}

TEST_F(ConvertLinearAttention, WithoutTypesAndIntervalEachFourthLayerHasFullAttention) {
  HfFolder folder = folder_of("qwen35");
  folder.config.erase("layer_types");
  folder.config.erase("full_attention_interval");
  folder.config["rope_parameters"].erase("mrope_section");
  const Gguf file = convert(folder);
  EXPECT_EQ(file.find_uint("qwen35.full_attention_interval"), 4u);
  EXPECT_EQ(file.find_ints("qwen35.rope.dimension_sections"), (std::vector<int64_t>{11, 11, 10, 0}));
}

TEST_F(ConvertLinearAttention, FurtherLayersAndWhatSeesImagesAreLeftOut) {
  HfFolder folder = folder_of("qwen35moe");
  const HfTensor one = f32_tensor({1}, std::vector<float>{1});
  const std::vector<std::string> more = {"model.visual.blocks.0.attn.qkv.weight", "mtp.fc.weight",
                                         "mtp.layers.0.mlp.experts.gate_up_proj", "mtp.norm.weight"};
  for (const std::string& name : more) folder.tensors[name] = one;
  const Gguf file = convert(folder);
  EXPECT_EQ(left_out_, more);
  EXPECT_EQ(file.find_uint("qwen35moe.block_count"), 5u);
}

TEST_F(ConvertLinearAttention, ConvolutionsAndDecaysStayExact) {
  const Gguf file = convert(folder_of("qwen3next"), {Format::bf16, "", ""});
  for (const char* name : {"blk.0.ssm_conv1d.weight", "blk.0.ssm_a", "blk.0.ssm_dt.bias", "blk.0.ssm_norm.weight"})
    EXPECT_EQ(file.find_tensor(name)->format, Format::f32) << name;
  for (const char* name : {"blk.0.attn_qkv.weight", "blk.0.attn_gate.weight", "blk.0.ssm_ba.weight"})
    EXPECT_EQ(file.find_tensor(name)->format, Format::bf16) << name;
}

// A block of 16 columns is a head here, and heads 0, 1, 2, 3 become 0, 2, 1, 3. 0x38 is 1.
TEST_F(ConvertLinearAttention, ScalesMoveWithTheirHeads) {
  HfFolder folder = folder_of("qwen35");
  const std::string name = "model.layers.0.linear_attn.out_proj.weight";
  folder.tensors[name] = {"F8_E4M3", {48, 64}, std::string(48 * 64, '\x38')};
  folder.tensors[name + "_scale_inv"] = f32_tensor({1, 4}, std::vector<float>{1, 2, 3, 4});
  folder.config["quantization_config"] = {{"quant_method", "fp8"}, {"weight_block_size", {48, 16}}};
  const Gguf file = convert(folder, {Format::f32, "", ""});
  const GgufTensor& tensor = *file.find_tensor("blk.0.ssm_out.weight");
  std::vector<float> values(48 * 64);
  format_info(tensor.format).decode(tensor.bytes.data(), values.data(), values.size());
  for (const size_t row : {size_t{0}, size_t{47}}) {
    EXPECT_EQ(values[row * 64], 1);
    EXPECT_EQ(values[row * 64 + 16], 3);
    EXPECT_EQ(values[row * 64 + 47], 2);
    EXPECT_EQ(values[row * 64 + 63], 4);
  }
}

TEST_F(ConvertLinearAttention, WrongSettingsAreNamed) {
  const auto with = [&](const char* name, const nlohmann::json& value) {
    HfFolder folder = folder_of("qwen35");
    folder.config[name] = value;
    return folder;
  };
  expect_error(with("linear_value_head_dim", 32), "linear_value_head_dim is not that of keys, 16");
  expect_error(with("linear_num_value_heads", 3), "linear_num_value_heads is no multiple of those of keys, 2");
  expect_error(with("linear_num_value_heads", 1 << 27), "is past what any model has");
  expect_error(with("linear_num_key_heads", 0), "linear_num_key_heads is 0");
  expect_error(with("linear_conv_kernel_dim", 1), "linear_conv_kernel_dim is 1, not from 2 to 64");
  expect_error(with("linear_key_head_dim", nullptr), "linear_key_head_dim is missing");
  expect_error(with("full_attention_interval", 0), "full_attention_interval is 0");
  expect_error(with("layer_types", {"linear_attention"}), "layer_types has 1 entries for 5 layers");
  expect_error(with("layer_types", std::vector<std::string>(5, "sliding_attention")), "\"sliding_attention\"");
  expect_error(with("layer_types", std::vector<std::string>(5, "linear_attention")),
               "layer_types has linear attention in layer 3, whose weights are of full attention");
  expect_error(with("layer_types", std::vector<std::string>(5, "full_attention")),
               "layer_types has full attention in layer 0, whose weights are of linear attention");
  expect_error(with("attn_output_gate", false), "attn_output_gate is false");
  expect_error(with("attention_bias", true), "attention_bias is true");
  HfFolder folder = folder_of("qwen35");
  for (const nlohmann::json& sections : {nlohmann::json{1, 2, 3, 4, 5}, nlohmann::json{-1}, nlohmann::json{0.5}}) {
    folder.config["rope_parameters"]["mrope_section"] = sections;
    expect_error(folder, "rope_parameters.mrope_section is no list of up to four sizes");
  }
  folder = folder_of("qwen3next");
  folder.config["norm_topk_prob"] = false;
  expect_error(folder, "norm_topk_prob is false");
}

TEST_F(ConvertLinearAttention, WrongShapesAreNamed) {
  const std::string front = "model.layers.0.linear_attn.";
  for (const auto& [name, shape] :
       std::vector<std::pair<std::string, std::vector<uint64_t>>>{{"conv1d.weight", {128, 4, 1}},
                                                                  {"conv1d.weight", {128, 1, 3}},
                                                                  {"in_proj_z.weight", {63, 48}},
                                                                  {"out_proj.weight", {48, 65}},
                                                                  {"A_log", {5}},
                                                                  {"dt_bias", {}}}) {
    HfFolder folder = folder_of("qwen35");
    uint64_t values = 1;
    for (const uint64_t size : shape) values *= size;
    folder.tensors[front + name] = f32_tensor(shape, std::vector<float>(values, 1));
    expect_error(folder, "has not the shape that the sizes of linear attention in config.json ask for");
  }
  HfFolder folder = folder_of("qwen3next");
  folder.tensors[front + "in_proj_qkvz.weight"] = f32_tensor({1, 48}, std::vector<float>(48, 1));
  expect_error(folder, "has not the 192 rows");
  // The projections of the other class have no place.
  folder = folder_of("qwen3next");
  folder.tensors[front + "in_proj_a.weight"] = f32_tensor({4, 48}, std::vector<float>(4 * 48, 1));
  expect_error(folder, "has no place in qwen3next");
}

}  // namespace
}  // namespace hearth
