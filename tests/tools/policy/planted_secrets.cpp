// Forms of secrets, and sentences, code and output to put them into.
#include "tests/tools/policy/planted_secrets.h"

#include <functional>
#include <random>

namespace hearth::redact {
namespace {

const std::string kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", kDigits = "0123456789";
const std::string kLower = "abcdefghijklmnopqrstuvwxyz", kHex = "0123456789abcdef";
const std::string kWord = kUpper + kLower + kDigits, kBase64 = kWord + "+/", kUrl = kWord + "-_";

class Maker {
 public:
  std::string of(const std::string& letters, size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += letters[generator_() % letters.size()];
    return text;
  }
  std::string jwt() { return "eyJ" + of(kUrl, 33) + ".eyJ" + of(kUrl, 60) + "." + of(kUrl, 43); }
  std::string pem(const std::string& kind, const std::string& line_end) {
    std::string text = "-----BEGIN " + kind + "PRIVATE KEY-----" + line_end;
    for (int i = 0; i < 6; ++i) text += of(kBase64, 64) + line_end;
    return text + of(kBase64, 30) + "==" + line_end + "-----END " + kind + "PRIVATE KEY-----";
  }
  std::string password() { return of(kLower, 3) + of(kUpper, 2) + of(kDigits, 2) + of("!#%*+?", 1) + of(kWord, 5); }
  size_t below(size_t count) { return generator_() % count; }

 private:
  std::mt19937_64 generator_{20261125};
};

struct Kind {
  const char* name;
  std::function<std::string(Maker&)> make;
  bool needs_name = false;  // only what stands around it tells that it is a secret
};

std::vector<Kind> kinds() {
  return {
      {"aws-access-key", [](Maker& m) { return "AKIA" + m.of(kUpper + kDigits, 16); }},
      {"openai-key", [](Maker& m) { return "sk-proj-" + m.of(kUrl, 40) + "T3BlbkFJ" + m.of(kWord, 40); }},
      {"openai-key", [](Maker& m) { return "sk-" + m.of(kWord, 20) + "T3BlbkFJ" + m.of(kWord, 20); }},
      {"anthropic-key", [](Maker& m) { return "sk-ant-api03-" + m.of(kUrl, 93) + "AA"; }},
      {"github-token", [](Maker& m) { return "ghp_" + m.of(kWord, 36); }},
      {"github-token", [](Maker& m) { return "github_pat_" + m.of(kWord, 22) + "_" + m.of(kWord, 59); }},
      {"gitlab-token", [](Maker& m) { return "glpat-" + m.of(kUrl, 20); }},
      {"google-key", [](Maker& m) { return "AIza" + m.of(kUrl, 35); }},
      {"slack-token",
       [](Maker& m) { return "xoxb-" + m.of(kDigits, 12) + "-" + m.of(kDigits, 12) + "-" + m.of(kWord, 24); }},
      {"stripe-key", [](Maker& m) { return "sk_live_" + m.of(kWord, 24); }},
      {"sendgrid-key", [](Maker& m) { return "SG." + m.of(kUrl, 22) + "." + m.of(kUrl, 43); }},
      {"npm-token", [](Maker& m) { return "npm_" + m.of(kWord, 36); }},
      {"pypi-token", [](Maker& m) { return "pypi-AgEIcHlwaS5vcmc" + m.of(kUrl, 120); }},
      {"huggingface-token", [](Maker& m) { return "hf_" + m.of(kWord, 34); }},
      {"digitalocean-token", [](Maker& m) { return "dop_v1_" + m.of(kHex, 64); }},
      {"vault-token", [](Maker& m) { return "hvs." + m.of(kUrl, 90); }},
      {"telegram-token", [](Maker& m) { return m.of("123456789", 10) + ":AA" + m.of(kUrl, 33); }},
      {"jwt", [](Maker& m) { return m.jwt(); }},
      {"private-key",
       [](Maker& m) {
         return m.pem(std::vector<std::string>{"", "RSA ", "EC ", "OPENSSH "}[m.below(4)], "\n");
       }},
      {"connection-string", [](Maker& m) { return "postgres://app:" + m.of(kWord, 14) + "@db.internal:5432/orders"; }},
      {"connection-string",
       [](Maker& m) { return "mongodb+srv://svc:" + m.of(kWord, 16) + "@cluster0.ab1cd.mongodb.net/prod"; }},
      {"connection-string", [](Maker& m) { return "redis://:" + m.of(kWord, 20) + "@cache.internal:6379/0"; }},
      {"connection-string",
       [](Maker& m) {
         return "Server=tcp:sql.internal,1433;Database=crm;User ID=app;Password=" + m.of(kWord, 15) + ";Encrypt=true";
       }},
      {"email", [](Maker& m) { return m.of(kLower, 6) + "." + m.of(kLower, 8) + "@" + m.of(kLower, 7) + ".de"; }},
      {"assignment", [](Maker& m) { return m.of(kBase64, 40); }, true},
      {"assignment", [](Maker& m) { return m.of(kHex, 32); }, true},
      {"assignment", [](Maker& m) { return m.of(kWord, 24); }, true},
      {"password", [](Maker& m) { return m.password(); }, true},
  };
}

// "@" is the secret. Code, prompts, results of tools.
const std::vector<std::string> kAround = {
    "client = Client(\"@\")\nclient.connect()\n",
    "Why does this fail with 401? I pass @ as the credential and the docs say that is right.",
    "$ printenv\nHOME=/root\nSERVICE=@\nSHELL=/bin/bash\n",
    "{\"ok\":true,\"stdout\":\"deploying\\nusing @\\ndone\"}",
    "const value = '@'; // rotate next week\nexport default value;",
    "2026-11-25T10:00:01Z WARN upstream said: invalid @ (request 17)\n",
    "| name | value |\n|---|---|\n| live | `@` |\n",
    "diff --git a/x b/x\n-  old\n+  use: @\n",
};
const std::vector<std::string> kAroundNamed = {
    "API_KEY=@\n",
    "    \"client_secret\": \"@\",\n    \"region\": \"eu-1\"\n",
    "password: '@'\nuser: app\n",
    "os.environ[\"DB_PASSWORD\"] = \"@\"\n",
    "let auth_token: &str = \"@\";\n",
    "docker run -e POSTGRES_PASSWORD=@ postgres:16\n",
    "{\"ok\":true,\"body\":\"{\\\"access_token\\\": \\\"@\\\", \\\"expires_in\\\": 3600}\"}",
    "The admin password is: \"@\" - please write a script that logs in.",
};

std::string put(std::string around, const std::string& secret) {
  // In what is written as JSON inside a text, line ends are escapes.
  std::string inside = secret;
  if (around.starts_with("{\"ok\""))
    for (size_t at = 0; (at = inside.find('\n', at)) != inside.npos; at += 2) inside.replace(at, 1, "\\n");
  return around.replace(around.find('@'), 1, inside);
}

}  // namespace

std::vector<Planted> planted_secrets() {
  Maker maker;
  std::vector<Planted> planted;
  const std::vector<Kind> all = kinds();
  for (size_t i = 0; planted.size() < kPlanted; ++i) {
    const Kind& kind = all[i % all.size()];
    const auto& around = kind.needs_name ? kAroundNamed : kAround;
    const std::string secret = kind.make(maker);
    std::string text = put(around[(i / all.size() + i) % around.size()], secret);
    // Of several lines any one would be too much.
    const std::string core = kind.name == std::string("private-key") ? secret.substr(40, 50) : secret;
    planted.push_back({kind.name, core.substr(0, core.find('\n')), std::move(text)});
  }
  return planted;
}

std::vector<std::string> clean_texts() {
  return {
      "commit 3f785a9c1b2d4e5f60718293a4b5c6d7e8f90a1b\nAuthor: A\n\n    Fix the token counter\n",
      "\"integrity\": \"sha512-mH1kR2vZ0q9oF7b3c5d8e1f4a7b0c3d6e9f2a5b8c1d4e7f0a3b6c9d2e5f8a1b4c7d0e3f6==\"",
      "image: registry.example.com/app@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
      "id = \"550e8400-e29b-41d4-a716-446655440000\"\nuuid: 6ba7b810-9dad-11d1-80b4-00c04fd430c8\n",
      "max_tokens = 4096\ntoken_count: 128000000\nnum_tokens=17\n",
      "password = os.environ[\"DB_PASSWORD\"]\ntoken = get_token(user_id)\nsecret = config.get(\"secret_name\")\n",
      "password: ${DB_PASSWORD}\napi_key: {{ vault.api_key }}\ntoken: <your-token-here>\n",
      "def check_password(password: str, password_hash: bytes) -> bool:\n    return bcrypt.checkpw(password, "
      "password_hash)\n",
      "const token = tokenizer.nextToken();\nif (token.kind === TokenKind.Identifier) parseIdentifier(token);\n",
      "The access token is refreshed every 3600 seconds; see the authorization section of RFC 6749.",
      "api_key = \"your-api-key\"\nsecret = \"changeme\"\npassword = \"xxxxxxxxxxxx\"\n",
      "tokenizer: qwen2.5-coder-7b-instruct\nmodel: llama-3.1-8b\nkey: value\n",
      "sk-folding-cube-container { animation: sk-circle-fade-dot-animation 1.2s infinite }\n",
      "git clone git@github.com:llvm/llvm-project.git && git push git@gitlab.com:a/b.git main\n",
      "npm install react@18.2.0 lodash@4.17.21 @types/node@20.1.0\n![logo](logo@2x.png)\n",
      "systemctl status getty@tty1.service\n",
      "http://localhost:8080/@scope/package?x=1&y=2\nhttps://example.com:443/path\n",
      "postgres://$USER:$PASSWORD@localhost/db\nhttps://${USER}:${TOKEN}@host/repo.git\n",
      "std::string_view key = text.substr(begin, end - begin);\nprimary_key=True, foreign_key=\"users.id\"\n",
      "-----BEGIN CERTIFICATE-----\nMIIB8TCCAZegAwIBAgIUQm9vIGJvbyBib28wCgYIKoZIzj0EAwIwMjEwMC4GA1UE\n-----END "
      "CERTIFICATE-----\n",
      "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3o0c1p7m2YkQ0pWzqJm0w1c5x9Qb\n-----END PUBLIC "
      "KEY-----\n",
      "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/"
      "w38GIAXDIBKE0DHxgljNBAAO\n",
      "next_page_token_field: created_at\nsort_key: updated_at\ncache_key = f\"user:{user_id}:profile\"\n",
      "Authorization: Bearer <token>\nAuthorization: Basic ${CREDENTIALS}\ncurl -H \"Authorization: Bearer $TOKEN\"\n",
      "auth_url = \"https://login.example.com/oauth2/v2.0/authorize\"\ntoken_path: /run/secrets/token\n",
      "assert_eq!(hash, \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\");\n",
      "salt_rounds = 12\nauthor = \"Ada Lovelace\"\nkeyboard_layout=us\nmonkey = 'george2'\n",
      "ERROR 2026-11-25 10:00:00 auth service: token expired at 2026-11-25T09:59:59Z for session 42\n",
      "for (size_t i = 0; i < tokens.size(); ++i) total += tokens[i].length();\n",
      "secret_name: db-credentials\ncredentials_file: ~/.aws/credentials\nprivate_key_path=/etc/ssl/private/site.pem\n",
      "The password must have at least 12 characters, one digit and one symbol.",
      "val PASSWORD_MIN_LENGTH = 12\nvalidatePassword(passwordInput1)\n",
  };
}

}  // namespace hearth::redact
