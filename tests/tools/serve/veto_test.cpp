// What forbids, however a request says it.
#include <gtest/gtest.h>
#include <zstd.h>

#include <list>

#include "tests/tools/serve/routed.h"
#include "tools/serve/service.h"

namespace hearth::serve {
namespace {

using route::Rule;
using route::Then;

class Vetoes : public Routed {
 protected:
  void start_with(std::vector<Rule> rules, const Change& change = {}) {
    start(Answers{http_answer(kFar)}, [&](ServerOptions& options) {
      options.routing.policy.rules = std::move(rules);
      if (change) change(options);
    });
  }
  // The rule by which a request stays that asks for the cloud; "" where it leaves.
  std::string kept_by(std::vector<std::string> headers, const std::string& content = "Hello",
                      const std::string& model = "auto") {
    headers.push_back("X-Hearth-Route: cloud");
    const HttpAnswer answer = chat(model, headers, content);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.header("X-Hearth-Served-By") == "local" ? answer.header("X-Hearth-Rule") : "";
  }
  HttpAnswer said(const Json& body, std::vector<std::string> headers = {},
                  const std::string& path = "/v1/chat/completions") {
    HttpAsk asked{"POST", path, body.dump()};
    asked.headers.insert(asked.headers.end(), headers.begin(), headers.end());
    return ask(server_->port(), asked);
  }
  std::string refused_by(const Json& body) {
    const HttpAnswer answer = said(body);
    return answer.status == 403 ? answer.header("X-Hearth-Rule") : std::to_string(answer.status);
  }
};

TEST_F(Vetoes, AFolderIsKnownHoweverItIsWritten) {
  start_with({{.name = "payments", .repositories = {"/src/payments/**"}},
              {.name = "billing", .paths = {"/src/billing/**"}},
              {.name = "secret", .paths = {"secret/**"}},
              {.name = "ada", .repositories = {"/home/j\u00fcrgen/**"}}});
  for (const char* hint :
       {"/src/payments", "/src/payments/", "/src//payments/app", "/src/./payments/app", "/src/web/../payments/app",
        "file:///src/payments/app", "\\src\\payments", "/src%2Fpayments/app", "/src/payments/../payments"})
    EXPECT_EQ(kept_by({"X-Hearth-Repository: " + std::string(hint)}), "payments") << hint;
  EXPECT_EQ(kept_by({"X-Hearth-Repository: /home/j\u00fcrgen/x"}), "ada");
  for (const char* path : {"/src/web/../billing/a.c", "/src//billing/a.c", "/src/billing", "x.c, /src/billing/a.c"})
    EXPECT_EQ(kept_by({"X-Hearth-Path: " + std::string(path)}), "billing") << path;
  for (const char* path : {"secret\\a.c", "secret//a.c", "x/../secret/a.c", "secret%2fa.c"})
    EXPECT_EQ(kept_by({"X-Hearth-Path: " + std::string(path)}), "secret") << path;
  EXPECT_EQ(kept_by({"X-Hearth-Path: x.c", "X-Hearth-Path: secret/a.c"}), "secret") << "all headers count";
  EXPECT_EQ(kept_by({"X-Hearth-Repository: /src/billing", "X-Hearth-Path: a.c"}), "billing");
  EXPECT_EQ(kept_by({"X-Hearth-Repository: /src/web", "X-Hearth-Path: ../billing/a.c"}), "billing");
  EXPECT_EQ(kept_by({"X-Hearth-Repository: /src/web"}, "fix ../billing/a.c"), "billing");
  EXPECT_EQ(provider_->connections(), 0);
  EXPECT_EQ(kept_by({"X-Hearth-Repository: /src/web", "X-Hearth-Path: a.c"}), "");
  EXPECT_EQ(chat("auto", {"X-Hearth-Repository: /src/web", "X-Hearth-Repository: /src/payments"}).status, 400);
}

TEST_F(Vetoes, AHintThatCannotBeReadForbids) {
  start_with({});
  EXPECT_EQ(kept_by({"X-Hearth-Repository: /" + std::string(5000, 'x')}), "X-Hearth-Repository cannot be read");
  EXPECT_EQ(kept_by({"X-Hearth-Path: a%00b"}), "X-Hearth-Path cannot be read");
  EXPECT_EQ(kept_by({"X-Hearth-Repository: a\tb"}), "X-Hearth-Repository cannot be read");
  const TemporaryFolder folder;
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  EXPECT_EQ(kept_by({"X-Hearth-Repository: " + (folder.path() / "loop/x").string()}), "a folder cannot be read");
  EXPECT_EQ(provider_->connections(), 0);
}

TEST_F(Vetoes, ARepositorysFileIsFoundBehindAnyNameOfIt) {
  start_with({});
  const TemporaryFolder folder;
  const auto closed = folder.path() / "j\u00fcrgen/" / std::string(200, 'd') / "closed";
  std::filesystem::create_directories(closed / "sub/node_modules");
  write_text(closed / ".hearth.toml", "[policy]\noffline = true\n");
  write_text(closed / "sub/node_modules/.hearth.toml", "");
  std::filesystem::create_symlink(closed / "sub", folder.path() / "link");
  const std::string link = (folder.path() / "link").string();
  for (const std::string& hint :
       {closed.string(), (closed / "absent/x").string(), (closed / "sub/node_modules").string(), link, link + "/..",
        "file://" + link, link + "%2Fx"})
    EXPECT_EQ(kept_by({"X-Hearth-Repository: " + hint}), "offline in .hearth.toml") << hint;
  EXPECT_EQ(kept_by({"X-Hearth-Path: " + link + "/a.c"}), "offline in .hearth.toml") << "of a path too";
  EXPECT_EQ(kept_by({"X-Hearth-Repository: " + folder.path().string(), "X-Hearth-Path: link/a.c"}),
            "offline in .hearth.toml");
  EXPECT_EQ(provider_->connections(), 0);
  EXPECT_EQ(kept_by({"X-Hearth-Repository: " + folder.path().string()}), "");
}

TEST_F(Vetoes, AModelIsKnownByEachOfItsNames) {
  start_with({{.name = "no reviewer", .models = {"reviewer"}},
              {.name = "no scripted", .models = {"scripted"}},
              {.name = "no big", .models = {"big"}}},
             [](ServerOptions& options) {
               options.routing.policy.aliases = {
                   {"reviewer", "auto", "review"}, {"big", "large", ""}, {"mine", "scripted", ""}};
             });
  EXPECT_EQ(kept_by({}, "Hello", "reviewer"), "no reviewer");
  for (const char* name : {"scripted", "scripted:latest", "mine"})
    EXPECT_EQ(kept_by({}, "Hello", name), "no scripted") << name;
  EXPECT_EQ(refused_by({{"model", "big"}, {"messages", Json::array({{{"role", "user"}, {"content", "x"}}})}}),
            "no big");
  EXPECT_EQ(provider_->connections(), 0);
  EXPECT_EQ(chat("large").status, 200);
}

TEST_F(Vetoes, AnImageIsSeenWhereverItIs) {
  start_with({{.name = "no images", .vision = true}}, [](ServerOptions& options) {
    options.routing.policy.aliases = {{"reviewer", "auto", ""}};
  });
  const auto asking = [](const char* model, const Json& content) {
    return Json{{"model", model}, {"messages", Json::array({{{"role", "user"}, {"content", content}}})}};
  };
  const Json url = Json::array({{{"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64,AA"}}}}});
  const Json in_result = Json::array({{{"type", "tool_result"},
                                       {"tool_use_id", "t"},
                                       {"content", Json::array({{{"type", "image"}, {"source", {}}}})}}});
  EXPECT_EQ(refused_by(asking("large", url)), "no images");
  EXPECT_EQ(refused_by(asking("large", in_result)), "no images");
  EXPECT_EQ(said(asking("reviewer", url)).header("X-Hearth-Rule"), "no images") << "images ask for the cloud";
  EXPECT_EQ(provider_->connections(), 0);
  const Json call = Json::array({{{"type", "tool_use"}, {"id", "t"}, {"name", "f"}, {"input", {{"type", "image"}}}}});
  EXPECT_EQ(said(asking("auto", call)).header("X-Hearth-Rule"), "default") << "a call's words are none";
}

TEST_F(Vetoes, ToolsAndTasksAreKnownByOtherNames) {
  start_with({{.name = "no tools", .tools = true}, {.name = "no security", .tasks = {"security"}}});
  Json body = {{"model", "large"}, {"messages", Json::array({{{"role", "user"}, {"content", "x"}}})}};
  body["functions"] = Json::array({{{"name", "f"}, {"parameters", {{"type", "object"}}}}});
  EXPECT_EQ(refused_by(body), "no tools");
  body.erase("functions");
  body["web_search_options"] = Json::object();
  EXPECT_EQ(refused_by(body), "no tools");
  for (const char* task : {"security", "Security", "review,security", "review, SECURITY"})
    EXPECT_EQ(kept_by({"X-Hearth-Task: " + std::string(task)}), "no security") << task;
  EXPECT_EQ(provider_->connections(), 0);
}

TEST_F(Vetoes, APackedBodyIsAsLongAsItIsUnpacked) {
  start_with({{.name = "long stays", .longer_than = 1000}});
  const std::string body =
      Json{{"model", "large"}, {"messages", Json::array({{{"role", "user"}, {"content", std::string(40000, 'x')}}})}}
          .dump();
  std::string packed(ZSTD_compressBound(body.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), body.data(), body.size(), 3));
  ASSERT_LT(packed.size(), 1000u);
  HttpAsk asked{"POST", "/v1/chat/completions", packed};
  asked.headers.push_back("Content-Encoding: zstd");
  const HttpAnswer answer = ask(server_->port(), asked);
  EXPECT_EQ(answer.status, 403) << answer.body;
  EXPECT_EQ(answer.header("X-Hearth-Rule"), "long stays");
  EXPECT_EQ(provider_->connections(), 0);
}

TEST_F(Vetoes, WhatIsKeptHereDoesNotLeaveForItsLength) {
  start_with({{.name = "keep", .then = Then::local, .repositories = {"/src/keep/**"}}},
             [](ServerOptions& options) { options.engine.context = 64; });
  std::string text;
  for (int i = 0; i < 20; ++i) text += "one two three ";
  EXPECT_EQ(chat("auto", {"X-Hearth-Repository: /src/keep"}, text).status, 400);
  EXPECT_EQ(said({{"model", "auto"}, {"prompt", text}}, {}, "/v1/completions").status, 400);
  EXPECT_EQ(provider_->connections(), 0);
}

TEST_F(Vetoes, AConversationWithoutANameDoesNotStayThere) {
  start_with({});
  EXPECT_EQ(chat("auto", {"X-Hearth-Route: cloud"}).header("X-Hearth-Served-By"), "remote cloud");
  EXPECT_EQ(chat("auto").header("X-Hearth-Rule"), "default") << "others begin alike";
  const auto keyed = [&](std::vector<std::string> headers) {
    return said({{"model", "auto"},
                 {"prompt_cache_key", "k"},
                 {"messages", Json::array({{{"role", "user"}, {"content", "Hello"}}})}},
                std::move(headers))
        .header("X-Hearth-Rule");
  };
  EXPECT_EQ(keyed({"X-Hearth-Route: cloud"}), "header");
  EXPECT_EQ(keyed({}), "session");
}

TEST_F(Vetoes, WhereTooManyAskTheRemoteAutoIsAnsweredHere) {
  start(Answers{kThenStall});
  const Json body = {{"model", "large"}, {"messages", Json::array({{{"role", "user"}, {"content", "x"}}})}};
  std::list<ClientSocket> waiting;
  for (size_t i = 0; i < kMostForwarded; ++i) {
    waiting.emplace_back(server_->port());
    waiting.back().send(to_wire({"POST", "/v1/chat/completions", body.dump()}));
  }
  ASSERT_TRUE(provider_->asked(kMostForwarded));
  const HttpAnswer here = chat("auto", {"X-Hearth-Route: cloud"});
  EXPECT_EQ(here.header("X-Hearth-Served-By"), "local") << here.body;
  EXPECT_EQ(here.header("X-Hearth-Rule"), "fallback");
  const HttpAnswer refused = chat("large");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("X-Hearth-Served-By"), "none");
  const auto has_rows = [&] {
    std::set<std::string> rules;
    for (const Json& row : rows()) rules.insert(row.value("rule", ""));
    return rules.contains("fallback") && rules.contains("busy");
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!has_rows() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(has_rows()) << "both are recorded";
}

TEST_F(Vetoes, ARefusalIsServedByNobodyAndNamesItsRule) {
  start_with({{.name = "ada stays", .repositories = {"ada"}}}, [](ServerOptions& options) {
    options.engine.context = 64;
    options.remotes[0].limits.requests_per_minute = 1;
  });
  const HttpAnswer denied = chat("large", {"X-Hearth-Repository: ada"});
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(denied.header("X-Hearth-Served-By"), "none");
  std::string text;
  for (int i = 0; i < 20; ++i) text += "one two three ";
  const HttpAnswer unfit = chat("auto", {"X-Hearth-Route: cloud", "X-Hearth-Repository: ada"}, text);
  EXPECT_EQ(unfit.status, 400);
  EXPECT_NE(unfit.body.find("by the rule 'ada stays'"), std::string::npos) << unfit.body;
  EXPECT_EQ(chat("large").status, 200);
  const HttpAnswer limited = chat("large");
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.header("X-Hearth-Served-By"), "none");
}

TEST_F(Vetoes, NothingIsSaidToHaveAnsweredWhereNothingWasSent) {
  start_with({});
  write_text(server_->audit_log().string() + ".head", "damaged\n");
  const HttpAnswer refused = chat("large");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("X-Hearth-Served-By"), "none");
}

TEST_F(Vetoes, AnAliasThatHidesAModelOrNamesNoneIsRefusedAtStart) {
  using route::Alias;
  const auto refusal = [&](std::vector<Alias> aliases) -> std::string {
    try {
      start_with({}, [&](ServerOptions& options) { options.routing.policy.aliases = std::move(aliases); });
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_NE(refusal({{"x", "moon", ""}}).find("no model named 'moon'"), std::string::npos);
  EXPECT_NE(refusal({{"scripted", "auto", ""}}).find("a model of that name"), std::string::npos);
  EXPECT_NE(refusal({{"large", "scripted", ""}}).find("a model of that name"), std::string::npos);
  EXPECT_NE(refusal({{"auto", "large", ""}}).find("another of that name"), std::string::npos);
  EXPECT_NE(refusal({{"x", "auto", ""}, {"x", "large", ""}}).find("another of that name"), std::string::npos);
}

}  // namespace
}  // namespace hearth::serve
