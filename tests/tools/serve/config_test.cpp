// hearth.toml and the values of options.
#include "tools/serve/config.h"

#include <gtest/gtest.h>

#include "tests/formats/gguf_bytes.h"
#include "tools/store/adapter_argument.h"

namespace hearth::serve {
namespace {

class Config : public testing::Test {
 protected:
  ServerOptions read(const std::string& text) {
    const auto path = folder_.path() / "hearth.toml";
    write_text(path, text);
    ServerOptions options;
    read_config(path, options);
    return options;
  }
  std::string refusal(const std::string& text) {
    try {
      read(text);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
  }

  TemporaryFolder folder_;
};

TEST_F(Config, AllKeysAreRead) {
  write_text(folder_.path() / "keys", "one\n\ntwo \n");
  const ServerOptions options =
      read("host = '127.0.0.2'\nport = 80\nollama_port = 81\napi_key = '@" + (folder_.path() / "keys").string() +
           "'\nctx = 100\nparallel = 3\nmemory = '2G'\nkeep_alive = 60\n"
           "queue = 7\nqueue_seconds = 8\nmax_tokens = 9\ngrace = 10\nembeddings = true\nlookup = true\n"
           "device = 'vulkan:1'\ngpu_layers = 20\nvulkan_products = 'integer'\n"
           "allow_hosts = ['a']\nallow_origins = ['b']\n"
           "[[model]]\nname = 'm'\npath = 'sub/x.gguf'\ndraft = 'small.gguf'\n"
           "adapters = ['sql=sub/a.gguf:0.25', '/b.gguf']\n[[model]]\npath = '/y.gguf'\n");
  EXPECT_EQ(options.host, "127.0.0.2");
  EXPECT_EQ(options.port, 80);
  EXPECT_EQ(options.ollama_port, 81);
  EXPECT_EQ(options.access.keys, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(options.engine.context, 100u);
  EXPECT_EQ(options.engine.parallel, 3u);
  EXPECT_EQ(options.memory, uint64_t{2} << 30);
  EXPECT_EQ(options.keep_alive_seconds, 60u);
  EXPECT_EQ(options.engine.most_waiting, 7u);
  EXPECT_EQ(options.engine.longest_wait, 8);
  EXPECT_EQ(options.engine.most_tokens, 9u);
  EXPECT_EQ(options.grace_seconds, 10u);
  EXPECT_TRUE(options.engine.embeddings);
  EXPECT_TRUE(options.engine.lookup);
  EXPECT_EQ(options.engine.device, "vulkan:1");
  EXPECT_EQ(options.engine.vulkan_products, "integer");
  EXPECT_EQ(options.engine.gpu_layers, 20u);
  EXPECT_EQ(read("gpu_layers = 'auto'\n").engine.gpu_layers, kLayersThatFit);
  EXPECT_EQ(options.access.hosts, std::vector<std::string>{"a"});
  EXPECT_EQ(options.access.origins, std::vector<std::string>{"b"});
  ASSERT_EQ(options.models.size(), 2u);
  EXPECT_EQ(options.models[0].name, "m");
  EXPECT_EQ(options.models[0].path, folder_.path() / "sub/x.gguf");
  EXPECT_EQ(options.models[0].draft, folder_.path() / "small.gguf");
  ASSERT_EQ(options.models[0].adapters.size(), 2u);
  EXPECT_EQ(options.models[0].adapters[0].name, "sql");
  EXPECT_EQ(options.models[0].adapters[0].path, folder_.path() / "sub/a.gguf");
  EXPECT_EQ(options.models[0].adapters[0].scale, 0.25f);
  EXPECT_EQ(options.models[0].adapters[1].name, "b");
  EXPECT_EQ(options.models[0].adapters[1].path, "/b.gguf");
  EXPECT_EQ(options.models[1].name, "y");
  EXPECT_TRUE(options.models[1].draft.empty());
  EXPECT_EQ(options.models[1].path, "/y.gguf");
}

TEST_F(Config, MistakesAreNamed) {
  EXPECT_NE(refusal("prot = 1\n").find("'prot'"), std::string::npos);
  EXPECT_NE(refusal("gpu_layers = 'many'\n").find("'gpu_layers' must be a number or \"auto\""), std::string::npos);
  EXPECT_NE(refusal("gpu_layers = -1\n").find("'gpu_layers'"), std::string::npos);
  EXPECT_NE(refusal("vulkan_products = ''\n").find("'vulkan_products' must be one of auto, scalar, integer, matrices"),
            std::string::npos);
  EXPECT_NE(refusal("port = 'x'\n").find("'port'"), std::string::npos);
  EXPECT_NE(refusal("port = 70000\n").find("'port'"), std::string::npos);
  EXPECT_NE(refusal("a = 1\nb = = 2\n").find("hearth.toml:2"), std::string::npos);
  EXPECT_NE(refusal("[[model]]\nname = 'x'\n").find("'path'"), std::string::npos);
  EXPECT_NE(refusal("[[model]]\npath = 'x'\nadapters = [1]\n").find("'adapters'"), std::string::npos);
  EXPECT_NE(refusal("[[model]]\npath = 'x'\nadapters = 'a.gguf:inf'\n").find("'a.gguf:inf'"), std::string::npos);
  EXPECT_NE(refusal("[model]\npath = 'x'\n").find("[[model]]"), std::string::npos);
  EXPECT_THROW(read_config(folder_.path() / "absent.toml", *std::make_unique<ServerOptions>()), Error);
}

TEST_F(Config, AdaptersHaveNamesAndScales) {
  const auto read = [](const std::string& text) {
    const AdapterFile adapter = store::split_adapter(text);
    return std::tuple(adapter.name, adapter.path.string(), adapter.scale);
  };
  using Read = std::tuple<std::string, std::string, float>;
  EXPECT_EQ(read("/m/sql.gguf"), Read("sql", "/m/sql.gguf", 1));
  EXPECT_EQ(read("/m/sql.gguf:0.5"), Read("sql", "/m/sql.gguf", 0.5f));
  EXPECT_EQ(read("code=/m/sql.gguf:-2"), Read("code", "/m/sql.gguf", -2));
  EXPECT_EQ(read("code=sql.gguf:0"), Read("code", "sql.gguf", 0));
  EXPECT_EQ(read("/m/a=b.gguf"), Read("a=b", "/m/a=b.gguf", 1));
  EXPECT_EQ(read("mine/sql:latest"), Read("sql:latest", "mine/sql:latest", 1)) << "no number, but a part of the name";
  const std::string there = folder_.path() / "x.gguf:2";
  write_text(there, "");
  EXPECT_EQ(read(there), Read("x", there, 1)) << "a file that there is";
  EXPECT_EQ(store::split_adapter("x.gguf:2", folder_.path()).path, there) << "in the folder of the file that names it";
  EXPECT_EQ(store::split_adapter("y.gguf:2", folder_.path()).path, folder_.path() / "y.gguf");
  for (const char* wrong : {"a.gguf:nan", "a.gguf:1e99", ":1", "name=", "name=:1", ""})
    EXPECT_THROW(read(wrong), Error) << wrong;
}

TEST(ModelNames, AreGivenOrTheFilesStem) {
  EXPECT_EQ(model_source("code=/m/x.gguf").name, "code");
  EXPECT_EQ(model_source("code=/m/x.gguf").path, "/m/x.gguf");
  EXPECT_EQ(model_source("/m/qwen2.5-coder.Q4_K_M.gguf").name, "qwen2.5-coder.Q4_K_M");
  EXPECT_EQ(model_source("/m/a=b.gguf").path, "/m/a=b.gguf");
}

TEST(Bytes, HaveUnits) {
  EXPECT_EQ(read_bytes("123"), 123u);
  EXPECT_EQ(read_bytes("4k"), 4096u);
  EXPECT_EQ(read_bytes("3GiB"), uint64_t{3} << 30);
  for (const char* text : {"", "G", "1X", "-1", "1.5G", "99999999999T"}) EXPECT_THROW(read_bytes(text), Error) << text;
}

}  // namespace
}  // namespace hearth::serve
