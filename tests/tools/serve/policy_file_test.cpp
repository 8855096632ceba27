// hearth.toml's policy, and a repository's .hearth.toml.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/formats/gguf_bytes.h"
#include "tools/route/repository.h"
#include "tools/serve/config.h"

namespace hearth::route {
namespace {

class PolicyFile : public testing::Test {
 protected:
  Policy read(const std::string& text) {
    write_text(folder_.path() / "hearth.toml", text);
    serve::ServerOptions options;
    serve::read_config(folder_.path() / "hearth.toml", options);
    return options.routing.policy;
  }
  std::string refusal(const std::string& text) {
    try {
      read(text);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  // The policy for a request that names a folder below one with this .hearth.toml.
  std::shared_ptr<const Ruling> in_repository(const std::string& text) {
    std::filesystem::create_directories(folder_.path() / "repo/src/deep");
    write_text(folder_.path() / "repo/.hearth.toml", text);
    return repositories_.find({(folder_.path() / "repo/src/deep").string()});
  }

  TemporaryFolder folder_;
  Repositories repositories_{Policy{}};
};

TEST_F(PolicyFile, AllKeysAreRead) {
  if (!serve::can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  const Policy policy = read(
      "[[remote]]\nname = 'cloud'\nbase_url = 'https://api.example/v1'\nmodels = ['large']\n"
      "[policy]\noffline = true\nrequire_repository = true\nsecrets = 'never'\nredact_email = false\n"
      "local_model = 'small'\nremote = 'cloud'\nremote_model = 'large'\nquiet_tasks = ['commit']\n"
      "longest_prompt = 2000\nmargin = 0.3\nentropy = 2\nconfidence_tokens = 8\nfallback = 'always'\n"
      "[[rule]]\nname = 'r'\nthen = 'never'\nrepository = ['a', 'b']\npath = 'p/**'\nmodel = 'm'\ntask = 't'\n"
      "client = 'c'\nsecret = '*'\npattern = '(?i)phoenix'\ntools = true\nvision = false\nlonger_than = 5\n"
      "[[rule]]\nthen = 'cloud'\ntask = 'refactor'\n"
      "[[alias]]\nname = 'reviewer'\nmodel = 'auto'\ntask = 'review'\n[[redact]]\nname = 'id'\npattern = 'C-[0-9]+'\n");
  EXPECT_TRUE(policy.offline && policy.require_repository && policy.secrets_stay && !policy.redact_email);
  EXPECT_EQ(policy.local_model + policy.remote + policy.remote_model, "smallcloudlarge");
  EXPECT_EQ(policy.quiet_tasks, std::vector<std::string>{"commit"});
  EXPECT_EQ(policy.longest_prompt, 2000u);
  EXPECT_EQ(policy.margin, 0.3);
  EXPECT_EQ(policy.entropy, 2);
  EXPECT_EQ(policy.confidence_tokens, 8u);
  EXPECT_EQ(policy.fallback, Fallback::always);
  ASSERT_EQ(policy.rules.size(), 2u);
  EXPECT_EQ(policy.rules[0].repositories, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(policy.rules[0].pattern, "(?i)phoenix");
  EXPECT_EQ(policy.rules[0].tools, true);
  EXPECT_EQ(policy.rules[1].then, Then::cloud);
  EXPECT_EQ(policy.rules[1].name, "rule 2");
  EXPECT_EQ(policy.aliases.at(0).task, "review");
  EXPECT_EQ(policy.patterns.at(0).name, "id");
}

TEST_F(PolicyFile, MistakesAreNamed) {
  EXPECT_NE(refusal("[policy]\nremote = 'moon'\n").find("'moon'"), std::string::npos);
  EXPECT_NE(refusal("[policy]\nofline = true\n").find("'ofline'"), std::string::npos);
  EXPECT_NE(refusal("[[rule]]\nname = 'x'\n").find("'then'"), std::string::npos);
  EXPECT_NE(refusal("[[rule]]\nthen = 'maybe'\n").find("never, local, cloud"), std::string::npos);
  EXPECT_NE(refusal("[[rule]]\nthen = 'cloud'\npattern = 'x'\n").find("'pattern'"), std::string::npos);
  EXPECT_NE(refusal("[[rule]]\nname = 'bad'\nthen = 'never'\npattern = '(['\n").find("'bad'"), std::string::npos);
  EXPECT_NE(refusal("[[redact]]\nname = 'bad'\npattern = '(['\n").find("'bad'"), std::string::npos);
  EXPECT_NE(refusal("policy = 1\n").find("[policy]"), std::string::npos);
}

TEST_F(PolicyFile, ACalibrationSaysTheMargin) {
  write_text(folder_.path() / "found.json", R"({"margin": 0.25, "reached": 0.96, "answers": 40})");
  EXPECT_EQ(read("[policy]\ncalibration = 'found.json'\nmasked = 0.5\n").margin, 0.25);
  write_text(folder_.path() / "found.json", R"({"margin": 7})");
  EXPECT_EQ(read("[policy]\ncalibration = 'found.json'\n").margin, 1) << "no margin is larger";
  EXPECT_NE(refusal("[policy]\ncalibration = 'found.json'\nmargin = 0.1\n").find("cannot both be given"),
            std::string::npos);
  for (const char* text : {"", "{", "[0.25]", R"({"margin": "0.25"})", R"({"reached": 0.25})"}) {
    write_text(folder_.path() / "found.json", text);
    EXPECT_NE(refusal("[policy]\ncalibration = 'found.json'\n").find("is no calibration"), std::string::npos) << text;
  }
  EXPECT_NE(refusal("[policy]\ncalibration = 'absent.json'\n").find("is no calibration"), std::string::npos);
}

TEST_F(PolicyFile, LimitsClientsAndTheLogAreRead) {
  write_text(folder_.path() / "hearth.toml",
             "[budget]\nmoney_per_day = 5\ntokens_per_day = 7\nrequests_per_minute = 9\n"
             "[[client]]\nname = 'ada'\nkey = 'k1'\nmoney_per_day = 0.5\n[audit]\npath = 'x/log.db'\nbodies = true\n");
  serve::ServerOptions options;
  serve::read_config(folder_.path() / "hearth.toml", options);
  EXPECT_EQ(options.routing.limits.money_per_day, 5);
  EXPECT_EQ(options.routing.limits.tokens_per_day, 7u);
  EXPECT_EQ(options.routing.limits.requests_per_minute, 9u);
  EXPECT_EQ(options.routing.clients.at(0).limits.money_per_day, 0.5);
  EXPECT_EQ(options.access.keys, std::vector<std::string>{"k1"});
  EXPECT_EQ(options.routing.audit_path, folder_.path() / "x/log.db");
  EXPECT_TRUE(options.routing.audit_bodies);
  write_text(folder_.path() / "hearth.toml", "[policy]\noffline = true\n");
  serve::ServerOptions plain;
  serve::read_config(folder_.path() / "hearth.toml", plain);
  EXPECT_TRUE(plain.routing.audit_path.empty()) << "without remotes there is no log unless it is asked for";
}

TEST_F(PolicyFile, ARepositoryTightensFromTheNearestFileAbove) {
  EXPECT_FALSE(repositories_.find({folder_.path().string()})->policy.offline);
  const auto ruling = in_repository(
      "[policy]\nsecrets = 'never'\n[[rule]]\nname = 'mine'\nthen = 'never'\npath = 'x/**'\n"
      "[[redact]]\nname = 'codename'\npattern = 'phoenix'\n");
  EXPECT_TRUE(ruling->policy.secrets_stay && ruling->policy.redact_email);
  EXPECT_EQ(ruling->policy.rules.at(0).name, "mine");
  EXPECT_EQ(ruling->patterns.find("the phoenix").size(), 1u);
  EXPECT_EQ(in_repository("[policy]\noffline = true\n")->policy.offline_rule, "offline in .hearth.toml");
}

TEST_F(PolicyFile, ARepositorysFileThatCannotBeReadForbidsEverything) {
  for (const char* text :
       {"[policy]\nofline = true\n", "= = =", "[[rule]]\nthen = 'cloud'\n", "[[remote]]\nname = 'x'\n"}) {
    const Policy policy = in_repository(text)->policy;
    EXPECT_TRUE(policy.offline) << text;
    EXPECT_EQ(policy.offline_rule, ".hearth.toml cannot be read");
  }
  EXPECT_FALSE(in_repository("")->policy.offline);
  std::filesystem::remove(folder_.path() / "repo/.hearth.toml");
  std::filesystem::create_directory(folder_.path() / "repo/.hearth.toml");
  EXPECT_TRUE(repositories_.find({(folder_.path() / "repo").string()})->policy.offline);
}

TEST_F(PolicyFile, AllFilesOnTheWayUpCount) {
  in_repository("[policy]\noffline = true\n");
  write_text(folder_.path() / "repo/src/.hearth.toml", "[policy]\nsecrets = 'never'\n");
  const std::string deep = (folder_.path() / "repo/src/deep").string();
  const Policy both = repositories_.find({deep})->policy;
  EXPECT_TRUE(both.offline && both.secrets_stay);
  write_text(folder_.path() / "repo/.hearth.toml", "[policy]\noffline = false\n# changed\n");
  EXPECT_FALSE(repositories_.find({deep})->policy.offline) << "it is read again";
  std::string far = (folder_.path() / "repo").string();
  write_text(folder_.path() / "repo/.hearth.toml", "[policy]\noffline = true\n");
  for (int i = 0; i < 100; ++i) far += "/absent";
  EXPECT_TRUE(repositories_.find({far})->policy.offline) << "however deep";
}

TEST_F(PolicyFile, AFolderThatCannotBeLookedIntoForbids) {
  const auto loop = folder_.path() / "loop";
  std::filesystem::create_symlink("loop", loop);
  EXPECT_EQ(repositories_.find({(loop / "x").string()})->policy.offline_rule, "a folder cannot be read");
  EXPECT_FALSE(resolved_place((loop / "x").string()));
  EXPECT_FALSE(repositories_.find({(folder_.path() / "absent/x").string()})->policy.offline) << "which is no error";
  if (geteuid() == 0) return;  // who may look into everything
  const auto locked = folder_.path() / "locked";
  std::filesystem::create_directories(locked / "x");
  std::filesystem::permissions(locked, std::filesystem::perms::none);
  EXPECT_TRUE(repositories_.find({(locked / "x").string()})->policy.offline);
  std::filesystem::permissions(locked, std::filesystem::perms::owner_all);
}

TEST_F(PolicyFile, EmptyConditionsAndKeysOfTwoClientsAreRefused) {
  for (const char* key : {"repository", "path", "model", "task", "client"})
    for (const char* value : {"[]", "''", "['']"}) {
      const std::string rule = "[[rule]]\nthen = 'never'\n" + std::string(key) + " = " + value + "\n";
      EXPECT_NE(refusal(rule).find("is empty"), std::string::npos) << rule;
    }
  EXPECT_NE(refusal("[[rule]]\nthen = 'never'\npattern = ''\n").find("is empty"), std::string::npos);
  EXPECT_NE(refusal("[[client]]\nname = 'a'\nkey = 'k'\n[[client]]\nname = 'b'\nkey = 'k'\n").find("the same key"),
            std::string::npos);
}

TEST_F(PolicyFile, PlacesOfRulesAreReadAsThoseOfRequestsAre) {
  const Policy policy =
      read("[[rule]]\nthen = 'never'\nrepository = ['/src//pay/', 'file:///a/./b/**']\npath = 'C:\\x\\**'\n");
  EXPECT_EQ(policy.rules[0].repositories, (std::vector<std::string>{"/src/pay/**", "/a/b/**"}));
  EXPECT_EQ(policy.rules[0].paths, std::vector<std::string>{"C:/x/**"});
}

TEST_F(PolicyFile, OtherHintsAreNoFolders) {
  for (const char* hint : {"", "github.com/acme/x", "../..", "relative/path"})
    EXPECT_FALSE(repositories_.find({hint})->policy.offline) << hint;
}

TEST(TextRulesOf, FindPatternsAndPaths) {
  Policy policy;
  policy.rules = {{.name = "phoenix", .pattern = "(?i)phoenix"}, {.name = "keys", .paths = {"*.pem"}}};
  const TextRules rules(policy);
  Facts facts;
  rules.look({{"messages", {{{"content", "Phoenix reads src/tls/site.pem and C:\\keys\\a.pem"}}}}}, facts);
  EXPECT_TRUE(facts.patterns.contains("phoenix"));
  EXPECT_EQ(find_veto({.rules = {policy.rules[1]}}, facts), "keys");
  EXPECT_NE(std::ranges::find(facts.paths, "src/tls/site.pem"), facts.paths.end());
}

// The rule that a request's body breaks, said in a repository.
std::string vetoed(const Policy& policy, const nlohmann::ordered_json& body,
                   std::vector<std::string> repositories = {}) {
  Facts facts;
  facts.repositories = std::move(repositories);
  TextRules(policy).look(body, facts);
  return find_veto(policy, facts).value_or("");
}

TEST(TextRulesOf, FindPlacesHoweverTheyAreWritten) {
  const Policy policy = {
      .rules = {{.name = "secret", .paths = {"secret/**"}}, {.name = "billing", .paths = {"/src/billing/**"}}}};
  for (const char* text : {"see secret/a.c", "secret//a.c", "secret\\a.c", "secret/\u00e4.c", "\u201csecret/a.c\u201d",
                           "secret%2Fa.c", "secret%252Fa.c", "x/../secret/a.c", "a/./secret/b", "in secret/.",
                           "{\"p\":\"secret\\/a.c\"}", "cut: {\"p\":\"secret\\u002fa.c", "--file=secret/a.c"})
    EXPECT_EQ(vetoed(policy, {{"content", text}}), "secret") << text;
  for (const char* text :
       {"/src/web/../billing/a.c", "/src//billing/a.c", "file:///src/billing/a.c", "see /src/billing.",
        "file://localhost/src/billing/a.c", "/src/my folder/../billing/a.c", "`/src/billing`"})
    EXPECT_EQ(vetoed(policy, {{"content", text}}), "billing") << text;
  for (const char* text :
       {"the secret", "/src/billings/a.c", "secrets/a.c", "src/billing/a.c", "100%", "%", "\\", "C:"})
    EXPECT_EQ(vetoed(policy, {{"content", text}}), "") << text;
  EXPECT_EQ(vetoed(policy, {{"content", "fix ../billing/a.c"}}, {"/src/web"}), "billing") << "below the repository";
  EXPECT_EQ(vetoed({.rules = {{.name = "drive", .paths = {"C:/keys/**"}}}}, {{"content", "C:\\keys\\a.pem"}}), "drive");
  std::string many;
  for (int i = 0; i < 10000; ++i) many += "d/f" + std::to_string(i) + ".c ";
  EXPECT_EQ(vetoed(policy, {{"content", many + "secret/a.c"}}), "secret") << "however many come first";
}

TEST(TextRulesOf, ReadWhatStringsQuote) {
  const Policy policy = {
      .rules = {{.name = "titan", .pattern = "Projekt \u00dcberflieger"}, {.name = "whole", .pattern = "^phoenix$"}}};
  std::string quoted = "{\"q\":\"Projekt \\u00dcberflieger\"}";
  for (int times = 0; times < 5; ++times) {
    EXPECT_EQ(vetoed(policy, {{"arguments", quoted}}), "titan") << quoted;
    EXPECT_EQ(vetoed(policy, {{"partial_json", quoted.substr(0, quoted.size() - 1)}}), "titan") << quoted;
    quoted = nlohmann::ordered_json(quoted).dump();
  }
  EXPECT_EQ(vetoed(policy, {{"arguments", "{\"a\":[\"phoenix\"]}"}}), "whole");
  EXPECT_EQ(vetoed({.rules = {{.name = "smile", .pattern = "\U0001F600"}}}, {{"x", "\\ud83d\\ude00"}}), "smile");
  EXPECT_EQ(vetoed(policy, {{"x", "\\\\ \\d \\u12"}}), "") << "what is no escape stays";
  std::string deep = "\\";
  for (int times = 0; times < 40; ++times) deep += "u005c";
  EXPECT_EQ(vetoed(policy, {{"x", deep}}), "too many escapes");
}

}  // namespace
}  // namespace hearth::route
