// Models from an origin that cuts, lies, redirects and dawdles.
#include "tools/fetch/pull.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

#include "tests/engine/one_layer_model.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/tools/fetch/fake_origin.h"
#include "tools/audit/digest.h"
#include "tools/fetch/memory.h"
#include "tools/fetch/patience.h"
#include "tools/fetch/transfer.h"
#include "tools/store/find_model.h"

namespace hearth::fetch {
namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::string bytes(std::filesystem::file_size(path), '\0');
  std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

// A model, large enough to be fetched in parts for what stands behind its weights.
const std::string& model() {
  static const std::string bytes = [] {
    OneLayerModel tiny;
    tiny.name = "tiny";
    tiny.context = 256;
    tiny.width = tiny.hidden = 64;
    tiny.heads = 2;
    tiny.head_width = 32;
    tiny.add_bytes();
    tiny.end = tiny.add_control("<|end|>");
    const TemporaryFolder folder;
    write_one_layer_model(folder.path() / "tiny.gguf", tiny);
    return bytes_of(folder.path() / "tiny.gguf") + std::string(2'500'000, '\0');
  }();
  return bytes;
}

// Not a model, but that is no reason not to keep it where its hash is right.
const std::string& noise() {
  static const std::string bytes = [] {
    std::mt19937_64 random(7);
    std::string text(5'000'000, '\0');
    for (size_t i = 0; i < text.size(); i += 8) {
      const uint64_t word = random();
      std::memcpy(text.data() + i, &word, 8);
    }
    return text;
  }();
  return bytes;
}

class Pull : public testing::Test {
 protected:
  void SetUp() override {
    if (!can_fetch()) GTEST_SKIP() << "built without HEARTH_REMOTE";
    for (const char* variable : {"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"})
      unsetenv(variable);
    options_.settings.hub = options_.settings.registry = origin_.url();
    options_.settings.pause = std::chrono::milliseconds(1);
    options_.settings.attempts = 3;
    options_.engine.context = 256;
    options_.say = [this](const std::string& line) { said_ += line + "\n"; };
  }

  // A model of the registry, whose file is at the path that is returned.
  std::string offer(const std::string& model, const std::string& bytes, std::vector<std::string> papers = {}) {
    papers.insert(papers.begin(), manifest_layer("model", bytes));
    origin_.on("/v2/library/" + model + "/manifests/latest", manifest_of(papers));
    const std::string path = "/v2/library/" + model + "/blobs/sha256:" + audit::sha256(bytes);
    origin_.on(path, bytes);
    return path;
  }

  store::Entry pulled(const std::string& name) { return pull(store::parse_model_name(name).value(), store_, options_); }
  std::string error_of(const std::string& name) {
    try {
      return "pulled " + pulled(name).name;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      return error.what();
    }
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    if (std::filesystem::exists(store_.folder() / "blobs"))
      for (const auto& file : std::filesystem::directory_iterator(store_.folder() / "blobs"))
        names.push_back(file.path().filename());
    std::ranges::sort(names);
    return names;
  }

  TemporaryFolder folder_;
  store::Store store_{folder_.path() / "models"};
  FakeOrigin origin_;
  PullOptions options_;
  std::string said_;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(Pull, AModelOfTheRegistryIsFetchedInPartsAndKept) {
  const std::string license = "You may.";
  const std::string path =
      offer("tiny", model(), {manifest_layer("license", license), manifest_layer("template", license)});
  origin_.on("/v2/library/tiny/blobs/sha256:" + audit::sha256(license), license);
  const store::Entry entry = pulled("tiny");
  EXPECT_EQ(entry.name, "tiny:latest");
  EXPECT_EQ(entry.architecture, "llama");
  EXPECT_TRUE(entry.vouched);
  EXPECT_EQ(bytes_of(store_.model_path(entry)), model());
  ASSERT_EQ(entry.papers.size(), 2u);
  EXPECT_EQ(store_.read_blob(entry.papers[0]), license);
  EXPECT_SAYS(said_, "tokens, scratch");
  EXPECT_SAYS(said_, "completes text, but does not talk");
  EXPECT_EQ(origin_.asked("/v2/library/tiny/manifests/latest")[0].header("accept"),
            "application/vnd.docker.distribution.manifest.v2+json");
  const size_t asked = origin_.asked(path).size();
  EXPECT_GT(asked, 1u);
  EXPECT_EQ(pulled("library/tiny:latest").files[0].sha256, entry.files[0].sha256);
  EXPECT_EQ(origin_.asked(path).size(), asked) << "it is there";
  EXPECT_EQ(store_.list().entries.size(), 1u);
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(Pull, GoesOnWhereItWasCut) {
  const std::string path = offer("noise", noise());
  options_.settings.connections = 1;
  options_.settings.attempts = 1;
  std::atomic<uint64_t> sent = 0;
  const auto serve = [&](size_t most) {
    return [&sent, most](const Asking& asking) {
      Answering answer = in_ranges(asking, noise());
      answer.send = most;
      sent += std::min(most, answer.body.size());
      return answer;
    };
  };
  origin_.on(path, serve(400'000));
  const std::string error = error_of("noise");
  EXPECT_SAYS(error, "pulling again goes on from there");
  EXPECT_TRUE(store_.list().entries.empty());
  EXPECT_EQ(files(), (std::vector<std::string>{"sha256-" + audit::sha256(noise()) + ".partial",
                                               "sha256-" + audit::sha256(noise()) + ".partial.ranges"}));
  const size_t before = origin_.asked(path).size();
  origin_.on(path, serve(SIZE_MAX));
  EXPECT_EQ(bytes_of(store_.model_path(pulled("noise"))), noise());
  EXPECT_EQ(origin_.asked(path)[before].header("range").substr(0, 13), "bytes=400000-");
  EXPECT_EQ(sent, noise().size()) << "no byte twice";
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(Pull, AConnectionThatIsCutNowAndThenIsMadeAgain) {
  const std::string path = offer("noise", noise());
  options_.settings.connections = 1;  // several could by chance be cut three times in a row
  origin_.on(path, [](const Asking& asking) {
    Answering answer = in_ranges(asking, noise());
    answer.send = asking.number % 2 == 0 ? 300'000 : 0;
    return answer;
  });
  EXPECT_EQ(bytes_of(store_.model_path(pulled("noise"))), noise());
  // But one that never brings anything is given up.
  const std::string other = offer("other", noise() + "x");
  origin_.on(other, [](const Asking&) { return Answering{500, {}, ""}; });
  EXPECT_SAYS(error_of("other"), "cannot be had");
  EXPECT_LE(origin_.asked(other).size(), 3u);
}

TEST_F(Pull, AWrongHashLeavesNothingBehind) {
  const std::string path = offer("noise", noise());
  std::string wrong = noise();
  wrong[3'000'000] ^= 1;
  origin_.on(path, wrong);
  const std::string error = error_of("noise");
  EXPECT_SAYS(error, audit::sha256(noise()));
  EXPECT_SAYS(error, audit::sha256(wrong));
  EXPECT_TRUE(store_.list().entries.empty());
  EXPECT_TRUE(files().empty());
  origin_.on(path, noise() + "more");
  EXPECT_SAYS(error_of("noise"), "5000000 were announced");
}

TEST_F(Pull, ATokenDoesNotFollowToAnotherHost) {
  FakeOrigin elsewhere;
  const std::string body = model();
  elsewhere.on("/cdn", body);
  options_.settings.token = "secret";
  origin_.on("/api/models/o/r/tree/main", "[" + listing_entry("m-Q8_0.gguf", body) + "]");
  origin_.on("/o/r/resolve/main/m-Q8_0.gguf", [&](const Asking&) {
    return Answering{302, {"Location: " + elsewhere.url("/cdn?signature=x")}, "moved"};
  });
  EXPECT_EQ(pulled("hf.co/o/r").name, "hf.co/o/r:Q8_0");
  EXPECT_EQ(origin_.asked("/api/models/o/r/tree/main")[0].header("authorization"), "Bearer secret");
  EXPECT_EQ(origin_.asked("/o/r/resolve/main/m-Q8_0.gguf")[0].header("authorization"), "Bearer secret");
  ASSERT_FALSE(elsewhere.asked("/cdn").empty());
  for (const Asking& asking : elsewhere.asked("/cdn")) EXPECT_EQ(asking.header("authorization"), "");
  // And a circle ends, as does a way to where nothing is encrypted.
  offer("circle", noise());
  for (const char* to : {"/v2/library/circle/manifests/latest", "http://192.0.2.1/x", "file:///etc/passwd"}) {
    origin_.on("/v2/library/circle/manifests/latest", [to](const Asking&) {
      return Answering{307, {std::string("Location: ") + to}, ""};
    });
    const std::string error = error_of("circle");
    EXPECT_TRUE(error.find("redirects more than") != error.npos || error.find("not encrypted") != error.npos ||
                error.find("no https address") != error.npos)
        << error;
  }
}

TEST_F(Pull, AServerWithoutRangesSendsAllInOneConnection) {
  const std::string path = offer("noise", noise());
  origin_.on(path, [](const Asking& asking) {
    Answering answer{200, {}, noise()};
    if (asking.number == 0) answer.send = 2'000'000;
    return answer;
  });
  EXPECT_EQ(bytes_of(store_.model_path(pulled("noise"))), noise());
  EXPECT_EQ(origin_.asked(path).size(), 2u);
}

TEST_F(Pull, AConnectionThatDawdlesIsMadeAgainAndAtLastGivenUp) {
  const std::string path = offer("noise", noise());
  origin_.on(path, [](const Asking& asking) {
    Answering answer = in_ranges(asking, noise());
    if (asking.number == 1) answer.stalls = true, answer.send = 1000;
    return answer;
  });
  options_.settings.silence = std::chrono::milliseconds(200);
  options_.settings.attempts = 50;  // a busy machine dawdles too
  EXPECT_EQ(bytes_of(store_.model_path(pulled("noise"))), noise());
  options_.settings.attempts = 2;
  options_.settings.silence = std::chrono::milliseconds(100);
  origin_.on("/v2/library/still/manifests/latest", [](const Asking&) { return Answering{200, {}, "{}", 0, true}; });
  EXPECT_SAYS(error_of("still"), "failed 2 times in a row: it was too slow");
}

TEST_F(Pull, RefusalsSayWhatToDo) {
  const std::string path = "/v2/library/gone/manifests/latest";
  EXPECT_SAYS(error_of("gone"), "gone:latest does not exist");
  const auto answer = [&](int status, std::vector<std::string> headers = {}) {
    origin_.on("/api/models/o/r/tree/main", [=](const Asking&) { return Answering{status, headers, "<html>"}; });
    return error_of("hf.co/o/r");
  };
  EXPECT_SAYS(answer(401), "set HF_TOKEN");
  EXPECT_SAYS(answer(403), "agreed to on their page");
  EXPECT_SAYS(answer(404), "hf.co/o/r does not exist");
  EXPECT_SAYS(answer(429, {"Retry-After: 3600"}), "try again in 3600 s");
  EXPECT_SAYS(answer(503), "answered 503");
  EXPECT_SAYS(answer(200), "no JSON array");
  options_.settings.token = "secret";
  EXPECT_SAYS(answer(401), "HF_TOKEN was not accepted");
  EXPECT_EQ(said_.find("secret"), std::string::npos);
  options_.settings.attempts = 2;
  EXPECT_SAYS(error_of("127.0.0.1:1/a/b:c"), "failed 2 times in a row");
}

TEST_F(Pull, WhatMayNotBeConnectedToIsNot) {
  EXPECT_SAYS(error_of("http://192.0.2.1/a.gguf"), "--plain-http");
  const size_t before = origin_.connections();
  options_.settings.offline = true;
  EXPECT_SAYS(error_of("tiny"), "--offline");
  EXPECT_EQ(origin_.connections(), before);
  // Through a proxy, names are not even looked up.
  options_.settings.offline = false;
  options_.settings.plain_http = true;
  options_.settings.proxy = origin_.url();
  origin_.on("/v2/ada/tiny/manifests/q8", manifest_of({manifest_layer("model", model())}));
  origin_.on("/v2/ada/tiny/blobs/sha256:" + audit::sha256(model()), model());
  EXPECT_EQ(pulled("http://models.invalid/ada/tiny:q8").name, "models.invalid/ada/tiny:q8");
  EXPECT_EQ(origin_.asked("/v2/ada/tiny/manifests/q8")[0].header("host"), "models.invalid");
}

TEST_F(Pull, ADiskThatIsTooSmallIsNoticedBefore) {
  const std::string path = offer("noise", noise());
  options_.free_bytes = [] { return uint64_t{4'999'999}; };
  EXPECT_SAYS(error_of("noise"), "needs 4.8 MiB of disk");
  EXPECT_TRUE(origin_.asked(path).empty());
  options_.free_bytes = [] { return uint64_t{5'000'000}; };
  EXPECT_EQ(error_of("noise"), "pulled noise:latest");
}

TEST_F(Pull, AFileOfARepositoryWithoutAHashMustBeAModel) {
  const auto offer_file = [&](const std::string& bytes) {
    origin_.on("/api/models/o/r/tree/main",
               R"([{"type":"file","path":"m.gguf","size":)" + std::to_string(bytes.size()) + "}]");
    origin_.on("/o/r/resolve/main/m.gguf", bytes);
  };
  offer_file(noise());
  EXPECT_SAYS(error_of("hf.co/o/r"), "is no model");
  offer_file(model());
  const store::Entry entry = pulled("hf.co/o/r");
  EXPECT_EQ(entry.name, "hf.co/o/r/m.gguf");
  EXPECT_FALSE(entry.vouched);
  EXPECT_EQ(store_.find("hf.co/o/r/m.gguf")->files[0].sha256, audit::sha256(model()));
}

// A repository of two quantisations of one model; the larger one has something behind it that is no part of it.
TEST_F(Pull, TheMemoryPlanPicksAQuantisation) {
  const std::string small = model(), large = small + noise();
  origin_.on("/api/models/o/r/tree/main", [&](const Asking& asking) {
    if (asking.target.find("cursor") != std::string::npos)
      return Answering{200, {}, "[" + listing_entry("m-Q3_K_M.gguf", small) + "]"};
    return Answering{200,
                     {"Link: <" + origin_.url("/api/models/o/r/tree/main?cursor=2") + ">; rel=\"next\""},
                     "[" + listing_entry("m-Q4_K_M.gguf", large) + "," + listing_entry("README.md", "x") + "]"};
  });
  origin_.on("/o/r/resolve/main/m-Q4_K_M.gguf", large);
  origin_.on("/o/r/resolve/main/m-Q3_K_M.gguf", small);
  write_text(folder_.path() / "m.gguf", small);
  const Overhead overhead = foresee(folder_.path() / "m.gguf", small.size(), options_.engine).overhead.value();
  options_.memory = large.size() + overhead.cache + overhead.activations - 1;
  EXPECT_EQ(pulled("hf.co/o/r").name, "hf.co/o/r:Q3_K_M");
  EXPECT_SAYS(said_, "Q3_K_M, the largest that fits, as Q4_K_M would take");
  EXPECT_EQ(files(), std::vector<std::string>{"sha256-" + audit::sha256(small)}) << "what was looked into is gone";
  options_.memory += 1;
  EXPECT_EQ(pulled("hf.co/o/r").name, "hf.co/o/r:Q4_K_M");
  EXPECT_EQ(pulled("hf.co/o/r:q3_k_m").name, "hf.co/o/r:Q3_K_M");
  EXPECT_EQ(pulled("hf.co/o/r/m-Q3_K_M.gguf").name, "hf.co/o/r/m-Q3_K_M.gguf");
  EXPECT_EQ(store_.list().entries.size(), 3u);
  EXPECT_EQ(files().size(), 2u) << "names share what is the same";
  // What a name alone used goes with it.
  EXPECT_EQ(store_.remove("hf.co/o/r:Q3_K_M"), 0u);
  EXPECT_EQ(store_.remove("hf.co/o/r/m-Q3_K_M.gguf"), small.size());
  EXPECT_EQ(store_.find("hf.co/o/r")->name, "hf.co/o/r:Q4_K_M");
}

TEST_F(Pull, PartsOfASplitModelStandSideBySide) {
  std::string listing;
  std::vector<std::string> parts = {noise().substr(0, 1000), noise().substr(1000, 500)};
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string file = "q/m-Q8_0-0000" + std::to_string(i + 1) + "-of-00002.gguf";
    listing += (i == 0 ? "" : ",") + listing_entry(file, parts[i]);
    origin_.on("/o/r/resolve/main/" + file, parts[i]);
  }
  origin_.on("/api/models/o/r/tree/main", "[" + listing + "]");
  const store::Entry entry = pulled("hf.co/o/r:Q8_0");
  const auto first = store_.model_path(entry);
  EXPECT_EQ(first.filename(), "model-00001-of-00002.gguf");
  EXPECT_EQ(bytes_of(first), parts[0]);
  EXPECT_EQ(bytes_of(first.parent_path() / "model-00002-of-00002.gguf"), parts[1]);
  EXPECT_SAYS(said_, "cannot be read");
  EXPECT_EQ(store_.remove("hf.co/o/r:Q8_0"), 1500u);
  EXPECT_FALSE(std::filesystem::exists(first));
}

TEST_F(Pull, AnAddressIsTakenWithAndWithoutAHash) {
  const std::string body = model(), url = origin_.url("/files/spark-Q8_0.gguf");
  origin_.on("/files/spark-Q8_0.gguf", body);
  const store::Entry entry = pulled(url);
  EXPECT_EQ(entry.files[0].sha256, audit::sha256(body));
  EXPECT_EQ(entry.quantization, "Q8_0");
  EXPECT_FALSE(entry.vouched);
  EXPECT_SAYS(said_, "nobody said its hash");
  options_.as = "spark:latest";
  EXPECT_TRUE(pulled(url + "#sha256=" + audit::sha256(body)).vouched);
  EXPECT_EQ(store_.find("spark")->files[0].sha256, audit::sha256(body));
  EXPECT_SAYS(error_of(url + "#sha256=" + audit::sha256("x")), audit::sha256("x"));
  origin_.on("/login", "<html>Who are you?</html>");
  EXPECT_SAYS(error_of(origin_.url("/login")), "is no model");
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(Pull, TwoAtOnceFetchItOnce) {
  const std::string path = offer("noise", noise());
  std::atomic<uint64_t> sent = 0;
  origin_.on(path, [&](const Asking& asking) {
    Answering answer = in_ranges(asking, noise());
    sent += answer.body.size();
    return answer;
  });
  PullOptions quiet = options_;
  quiet.say = [](const std::string&) {};
  std::thread other([&] { pull(store::parse_model_name("noise").value(), store_, quiet); });
  EXPECT_EQ(bytes_of(store_.model_path(pulled("noise"))), noise());
  other.join();
  EXPECT_EQ(sent, noise().size());
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(Pull, AnInterruptedOneGoesOn) {
  const std::string path = offer("noise", noise());
  std::atomic<bool> stop = false;
  origin_.on(path, [&](const Asking& asking) {
    Answering answer = in_ranges(asking, noise());
    if (asking.number == 2) stop = true, answer.stalls = true, answer.send = 10;
    return answer;
  });
  options_.settings.connections = 1;
  options_.interrupted = [&] { return stop.load(); };
  EXPECT_THROW(pulled("noise"), Interrupted);
  stop = false;
  EXPECT_EQ(bytes_of(store_.model_path(pulled("noise"))), noise());
  EXPECT_NE(origin_.asked(path)[3].header("range").substr(0, 8), "bytes=0-");
}

TEST_F(Pull, WhatIsBegunAndWhatNobodyUsesCanBeRemoved) {
  offer("noise", noise());
  const store::Entry entry = pulled("noise");
  std::filesystem::remove(store_.folder() / "names" / "noise%3Alatest.json");
  write_text(store_.partial_path("sha256-" + std::string(64, 'c')), "begun");
  EXPECT_EQ(store_.remove_unused(), noise().size());
  EXPECT_TRUE(files().empty());
  EXPECT_THROW(store_.remove("noise"), Error);
  // A damaged entry is told of, and stands in nobody's way but its own.
  write_text(store_.folder() / "names" / "bad%3Alatest.json", "{");
  EXPECT_EQ(store_.list().damaged.size(), 1u);
  EXPECT_THROW(store_.find("bad"), Error);
  EXPECT_THROW(store_.remove_unused(), Error);
  EXPECT_EQ(store_.remove("bad"), 0u);
  EXPECT_TRUE(store_.list().damaged.empty());
}

}  // namespace
}  // namespace hearth::fetch
