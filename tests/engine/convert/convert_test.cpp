// What becomes of a small model's weights and settings, and how wrong folders are refused.
#include "engine/convert/convert.h"

#include "tests/engine/convert/tiny_llama.h"

namespace hearth {
namespace {

class ConvertFolder : public testing::Test {
 protected:
  std::filesystem::path model() const { return folder_.path() / "tiny"; }
  std::filesystem::path out() const { return folder_.path() / "out.gguf"; }

  Gguf convert(const HfFolder& folder, const ConvertOptions& options = {}) const {
    folder.write(model());
    const ModelFolder opened = ModelFolder::open(model());
    write_converted(opened, plan_conversion(opened, options), out());
    return Gguf::open(out());
  }
  // The error of converting: one line, and nothing is left behind.
  std::string error_of(const HfFolder& folder) const {
    std::filesystem::remove_all(model());
    std::filesystem::remove(out());
    const std::string error = file_error([&] { (void)convert(folder); });
    EXPECT_NE(error, "");
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_NE(error.find("tiny"), std::string::npos) << error;
    EXPECT_FALSE(std::filesystem::exists(out()) || std::filesystem::exists(out().native() + ".partial"));
    return error;
  }
  void expect_error(const HfFolder& folder, const char* told) const {
    const std::string error = error_of(folder);
    EXPECT_NE(error.find(told), std::string::npos) << error;
  }

  TemporaryFolder folder_;
};

std::vector<float> decoded(const Gguf& file, std::string_view name) {
  const GgufTensor& tensor = *file.find_tensor(name);
  std::vector<float> values(tensor.dims[0] * tensor.dims[1] * tensor.dims[2]);
  format_info(tensor.format).decode(tensor.bytes.data(), values.data(), values.size());
  return values;
}

constexpr const char* kQ = "model.layers.0.self_attn.q_proj.weight";
constexpr const char* kUp = "model.layers.0.mlp.up_proj.weight";

TEST_F(ConvertFolder, PairsWhatTurnsTogetherAndKeepsTheRest) {
  const HfFolder folder = tiny_llama();
  const Gguf file = convert(folder);
  EXPECT_EQ(decoded(file, "blk.0.ffn_up.weight"), values_of(folder.tensors.at(kUp)));
  const std::vector<float> before = values_of(folder.tensors.at(kQ)), after = decoded(file, "blk.0.attn_q.weight");
  const auto row = [](const std::vector<float>& all, size_t y) {
    return std::vector<float>(all.begin() + static_cast<ptrdiff_t>(y * 32),
                              all.begin() + static_cast<ptrdiff_t>(y * 32 + 32));
  };
  EXPECT_EQ(row(after, 0), row(before, 0));
  EXPECT_EQ(row(after, 1), row(before, 8));
  EXPECT_EQ(row(after, 2), row(before, 1));
  EXPECT_EQ(row(after, 19), row(before, 16 + 9));
}

TEST_F(ConvertFolder, StatesTheModelAndItsTokens) {
  HfFolder folder = tiny_llama();
  folder.files["generation_config.json"] = R"({"eos_token_id": [2, 5, 6, 7]})";
  const Gguf file = convert(folder);
  EXPECT_EQ(file.find_string("general.architecture"), "llama");
  EXPECT_EQ(file.find_string("general.name"), "tiny");
  EXPECT_EQ(file.find_uint("general.file_type"), 0u);
  EXPECT_EQ(file.find_uint("llama.block_count"), 2u);
  EXPECT_EQ(file.find_uint("llama.attention.head_count_kv"), 1u);
  EXPECT_EQ(file.find_uint("llama.rope.dimension_count"), 16u);
  EXPECT_FLOAT_EQ(static_cast<float>(*file.find_float("llama.attention.layer_norm_rms_epsilon")), 1e-5f);
  EXPECT_EQ(file.find_string("tokenizer.ggml.model"), "llama");
  const auto tokens = *file.find_strings("tokenizer.ggml.tokens");
  ASSERT_EQ(tokens.size(), 40u);
  EXPECT_EQ(tokens[1], "<s>");
  EXPECT_EQ(tokens[39], "[PAD39]");
  EXPECT_EQ((*file.find_ints("tokenizer.ggml.token_type"))[39], 5);
  EXPECT_EQ(file.find_uint("tokenizer.ggml.bos_token_id"), 1u);
  EXPECT_EQ(file.find_uint("tokenizer.ggml.eos_token_id"), 2u);
  EXPECT_EQ(file.find_uint("tokenizer.ggml.eot_token_id"), 5u);
  EXPECT_EQ(file.find_uint("tokenizer.ggml.eom_token_id"), 6u);
  EXPECT_EQ(file.find_bool("tokenizer.ggml.add_bos_token"), true);
  EXPECT_EQ(file.find_string("tokenizer.chat_template"), "{{ messages }}");
}

TEST_F(ConvertFolder, TypesApplyToMatricesAlone) {
  HfFolder folder = tiny_llama();
  folder.tensors[kUp] = f32_tensor({64, 32}, std::vector<float>(64 * 32, 0.25f));
  for (const Format format : {Format::f32, Format::f16, Format::bf16, Format::q8_0}) {
    const Gguf file = convert(folder, {.format = format, .pre = "", .name = "given"});
    EXPECT_EQ(file.find_tensor("blk.0.ffn_up.weight")->format, format);
    EXPECT_EQ(file.find_tensor("token_embd.weight")->format, format);
    EXPECT_EQ(file.find_tensor("blk.0.attn_norm.weight")->format, Format::f32);
    EXPECT_EQ(file.find_string("general.name"), "given");
    for (const float value : decoded(file, "blk.0.ffn_up.weight")) ASSERT_NEAR(value, 0.25f, 1e-3f);
  }
}

TEST_F(ConvertFolder, AutoIsTheTypeOfMostWeights) {
  HfFolder folder = tiny_llama();
  for (auto& [name, tensor] : folder.tensors)
    if (name != kUp) tensor = bf16_tensor(tensor.shape, values_of(tensor));
  const Gguf file = convert(folder);
  EXPECT_EQ(file.find_uint("general.file_type"), 32u);
  EXPECT_EQ(file.find_tensor("blk.0.ffn_up.weight")->format, Format::bf16);
}

// 0x38 is 1, 0x39 1.125, 0xC0 -2, 0x01 2^-9, 0x7E 448.
TEST_F(ConvertFolder, EightBitFloatsAreScaled) {
  HfFolder folder = tiny_llama();
  std::string bytes(64 * 32, '\x38');
  bytes[1] = '\x39', bytes[2] = '\xC0', bytes[3] = '\x01', bytes[4] = '\x7E';
  folder.tensors[kUp] = {"F8_E4M3", {64, 32}, bytes};
  const std::string scale = std::string(kUp) + "_scale_inv";
  const auto up = [&] { return decoded(convert(folder, {Format::f32, "", ""}), "blk.0.ffn_up.weight"); };
  EXPECT_EQ((std::vector<float>{up()[0], up()[1], up()[2], up()[3], up()[4]}),
            (std::vector<float>{1, 1.125f, -2, 1 / 512.0f, 448}));
  folder.tensors[scale] = f32_tensor({}, std::vector<float>{3});
  EXPECT_EQ(up()[2], -6);
  std::vector<float> rows(64, 1);
  rows[63] = 5;
  folder.tensors[scale] = f32_tensor({64, 1}, rows);
  EXPECT_EQ(up().back(), 5);
  folder.config["quantization_config"] = {{"quant_method", "fp8"}, {"weight_block_size", {48, 16}}};
  folder.tensors[scale] = f32_tensor({2, 2}, std::vector<float>{1, 2, 3, 4});
  const auto values = up();
  EXPECT_EQ(values[47 * 32 + 15], 1);
  EXPECT_EQ(values[47 * 32 + 16], 2);
  EXPECT_EQ(values[48 * 32 + 15], 3);
  EXPECT_EQ(values[48 * 32 + 16], 4);
  folder.tensors[scale] = f32_tensor({3, 2}, std::vector<float>(6, 1));
  expect_error(folder, "one scale for each block");
}

TEST_F(ConvertFolder, ShardsAreReadByTheirIndex) {
  HfFolder folder = tiny_llama();
  folder.write(model());
  HfTensors first, second;
  nlohmann::json map;
  for (const auto& [name, tensor] : folder.tensors) {
    const bool early = name < "model.layers.1";
    (early ? first : second)[name] = tensor;
    map[name] = early ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
  }
  std::filesystem::remove(model() / "model.safetensors");
  write_text(model() / "model-00001-of-00002.safetensors", safetensors_of(first));
  write_text(model() / "model-00002-of-00002.safetensors", safetensors_of(second));
  const auto index = [&](const nlohmann::json& of) {
    write_text(model() / "model.safetensors.index.json", nlohmann::json{{"weight_map", of}}.dump());
  };
  index(map);
  EXPECT_EQ(ModelFolder::open(model()).tensors().size(), folder.tensors.size());
  const auto refusal = [&] { return file_error([&] { (void)ModelFolder::open(model()); }); };
  auto wrong = map;
  wrong["more"] = "model-00001-of-00002.safetensors";
  index(wrong);
  EXPECT_NE(refusal().find("\"more\" is not in"), std::string::npos) << refusal();
  wrong["more"] = "../elsewhere.safetensors";
  index(wrong);
  EXPECT_NE(refusal().find("no plain file name"), std::string::npos) << refusal();
  index(map);
  write_text(model() / "model-00002-of-00002.safetensors", safetensors_of(folder.tensors));
  EXPECT_NE(refusal().find("is also in"), std::string::npos) << refusal();
  std::filesystem::remove(model() / "model-00002-of-00002.safetensors");
  EXPECT_NE(refusal().find("model-00002-of-00002"), std::string::npos) << refusal();
}

TEST_F(ConvertFolder, WrongSettingsAreNamed) {
  const auto with = [](const char* name, const nlohmann::json& value) {
    HfFolder folder = tiny_llama();
    folder.config[name] = value;
    return folder;
  };
  expect_error(with("architectures", {"MambaForCausalLM"}), "\"MambaForCausalLM\", which is not converted");
  expect_error(with("architectures", nullptr), "architectures is missing");
  expect_error(with("hidden_size", "32"), "hidden_size is no whole number");
  expect_error(with("hidden_size", 1e300), "hidden_size is no whole number");
  expect_error(with("num_attention_heads", 0), "num_attention_heads is 0");
  expect_error(with("num_attention_heads", 3), "no multiple of the number of heads");
  expect_error(with("num_key_value_heads", 7), "does not divide");
  expect_error(with("num_hidden_layers", 1), "of a layer past the 1");
  expect_error(with("num_hidden_layers", 3), "layer 2 is in no file");
  expect_error(with("hidden_act", "relu"), "hidden_act is \"relu\"");
  expect_error(with("rope_scaling", {{"rope_type", "dynamic"}, {"factor", 2}}),
               "rope_scaling.rope_type is \"dynamic\"");
  expect_error(with("rope_scaling", {{"rope_type", "yarn"}}), "rope_scaling.factor is missing");
  expect_error(with("quantization_config", {{"quant_method", "gptq"}}), "\"gptq\"");
}

TEST_F(ConvertFolder, WrongWeightsAreNamed) {
  HfFolder folder = tiny_llama();
  folder.tensors["model.layers.0.mystery.weight"] = f32_tensor({1}, std::vector<float>{1});
  expect_error(folder, "\"model.layers.0.mystery.weight\" has no place in llama");
  folder = tiny_llama();
  folder.tensors[kUp].type = "I32";
  expect_error(folder, "has the type I32");
  folder = tiny_llama();
  folder.tensors.erase("model.embed_tokens.weight");
  expect_error(folder, "no weights file has the embedding");
  folder = tiny_llama();
  std::vector<float> values(64 * 32, 1);
  values[100] = NAN;
  folder.tensors[kUp] = f32_tensor({64, 32}, values);
  expect_error(folder, "is no number");
  folder = tiny_llama();
  folder.config["num_local_experts"] = 3;
  folder.config["num_experts_per_tok"] = 1;
  folder.tensors["model.layers.0.block_sparse_moe.experts.1.w1.weight"] =
      f32_tensor({64, 32}, std::vector<float>(64 * 32));
  expect_error(folder, "number 0 is in no file");
  folder.tensors["model.layers.0.block_sparse_moe.experts.3.w1.weight"] =
      f32_tensor({64, 32}, std::vector<float>(64 * 32));
  expect_error(folder, "one more than the 3");
}

TEST_F(ConvertFolder, AnIncompleteFolderIsNamed) {
  HfFolder folder = tiny_llama();
  folder.files.erase("tokenizer.model");
  expect_error(folder, "neither tokenizer.json nor tokenizer.model");
  folder = tiny_llama();
  folder.write(model());
  std::filesystem::remove(model() / "config.json");
  EXPECT_NE(file_error([&] { (void)plan_conversion(ModelFolder::open(model()), {}); }).find("config.json: is missing"),
            std::string::npos);
  std::filesystem::remove(model() / "model.safetensors");
  write_text(model() / "pytorch_model.bin", "x");
  EXPECT_NE(file_error([&] { (void)ModelFolder::open(model()); }).find("pickled"), std::string::npos);
  EXPECT_NE(file_error([&] { (void)ModelFolder::open(model() / "absent"); }).find("is no folder"), std::string::npos);
}

TEST_F(ConvertFolder, TheInputIsNotWrittenOver) {
  tiny_llama().write(model());
  const ModelFolder opened = ModelFolder::open(model());
  const ConvertPlan plan = plan_conversion(opened, {});
  EXPECT_NE(file_error([&] { write_converted(opened, plan, model() / "model.safetensors"); }).find("input itself"),
            std::string::npos);
  double last = 0;
  write_converted(opened, plan, out(), [&](const ConvertedTensor&, double share) {
    EXPECT_GE(share, last);
    last = share;
  });
  EXPECT_EQ(last, 1.0);
}

}  // namespace
}  // namespace hearth
