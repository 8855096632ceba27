// The coding agents: how a user sets each up, as README.md says it, and asks it once; and the session that the model
// plays for it.
const task = "Read greet.js, then make greet() put a comma after hello.";
const oldLine = "return 'hello ' + name;", newLine = "return 'hello, ' + name;";
export const fileName = "greet.js";
export const before = `export function greet(name) {\n  ${oldLine}\n}\n`;
export const after = before.replace(oldLine, newLine);
export const answer = "greet() in greet.js now puts a comma after hello.";

/** A script for make_scripted_model: a call that reads, one that edits, a sentence. Members in the order of the schema. */
const script = (read, edit) => ({
  turns: [{ thinks: "Which file?", calls: read }, { says: "A comma is missing.\n", calls: edit }, { says: answer }],
  without_tools: "A comma in greet.js",
});

const codexConfig = (url, model) => `model = "${model}"
model_provider = "hearth"
model_providers.hearth = {name = "hearth", base_url = "${url}/v1", wire_api = "responses"}
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
[analytics]
enabled = false
[feedback]
enabled = false
`;
const patch = `*** Begin Patch\n*** Update File: ${fileName}\n@@\n-  ${oldLine}\n+  ${newLine}\n*** End Patch\n`;
const schema = { type: "object", properties: { changed: { type: "string" } }, required: ["changed"], additionalProperties: false };
const sed = { name: "exec_command", arguments: { cmd: `sed -i "s/hello /hello, /" ${fileName}` } };
const cat = { name: "exec_command", arguments: { cmd: `cat ${fileName}` } };
const codex = (model, edit) => ({
  package: "@openai/codex", bin: "codex", model,
  script: () => script(cat, edit),
  home: (url) => ({ ".codex/config.toml": codexConfig(url, model) }),
  arguments: () => ["exec", "--skip-git-repo-check", task],
});

/**
 * Each: `script(file)` for the file's path, `home(url)` the files of the home folder, `environment(url)`, `arguments(home)`
 * and the answer, where it is another.
 * Telemetry and updates are off everywhere.
 */
export const clients = {
  "claude-code": {
    package: "@anthropic-ai/claude-code", bin: "claude", model: "spark",
    script: (file) => script({ name: "Read", arguments: { file_path: file } },
      { name: "Edit", arguments: { file_path: file, old_string: oldLine, new_string: newLine } }),
    environment: (url) => ({
      ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: "none", ANTHROPIC_MODEL: "spark",
      CLAUDE_CODE_MAX_CONTEXT_TOKENS: "65536", CLAUDE_CODE_MAX_OUTPUT_TOKENS: "4096",
      ANTHROPIC_DEFAULT_HAIKU_MODEL: "spark", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1", DISABLE_TELEMETRY: "1", DISABLE_ERROR_REPORTING: "1",
    }),
    arguments: () => ["-p", task, "--permission-mode", "acceptEdits"],
  },
  codex: codex("spark", sed),
  // A name that Codex knows: it offers its tool of free text.
  "codex-apply-patch": codex("gpt-5.5", { name: "apply_patch", arguments: { input: patch } }),
  // Its schema binds the answer's text alone, while tools may be called.
  "codex-schema": {
    ...codex("spark", sed),
    script: () => ({ turns: [{ calls: cat }, { calls: sed }, { says: `{"changed":"${fileName}"}` }], without_tools: "" }),
    home: (url) => ({ ".codex/config.toml": codexConfig(url, "spark"), "schema.json": JSON.stringify(schema) }),
    arguments: (home) => ["exec", "--skip-git-repo-check", "--output-schema", `${home}/schema.json`, task],
    answer: `{"changed":"${fileName}"}`,
  },
  // As with Ollama: it looks whether the model is there, and has it pulled.
  "codex-oss": {
    ...codex("spark", sed),
    environment: (url) => ({ CODEX_OSS_BASE_URL: `${url}/v1` }),
    arguments: () => ["exec", "--oss", "--local-provider", "ollama", "-m", "spark", "--skip-git-repo-check", task],
  },
  opencode: {
    package: "opencode-ai", bin: "opencode", model: "spark",
    script: (file) => script({ name: "read", arguments: { filePath: file } },
      { name: "edit", arguments: { filePath: file, oldString: oldLine, newString: newLine } }),
    home: (url) => ({
      ".config/opencode/opencode.json": JSON.stringify({
        model: "hearth/spark", autoupdate: false, share: "disabled",
        provider: {
          hearth: {
            npm: "@ai-sdk/openai-compatible", options: { baseURL: `${url}/v1` },
            models: { spark: { limit: { context: 65536, output: 4096 } } },
          },
        },
      }),
    }),
    environment: () => ({ OPENCODE_DISABLE_AUTOUPDATE: "1", OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1", OPENCODE_DISABLE_DEFAULT_PLUGINS: "1" }),
    arguments: () => ["run", task],
  },
  continue: {
    package: "@continuedev/cli", bin: "cn", model: "spark",
    script: (file) => script({ name: "Read", arguments: { filepath: file } },
      { name: "Edit", arguments: { file_path: file, old_string: oldLine, new_string: newLine } }),
    home: (url) => ({
      ".continue/config.yaml": `{name: Hearth, version: 1.0.0, schema: v1, models: [{name: Hearth, provider: openai,\n` +
        `  model: spark, apiBase: "${url}/v1", apiKey: none, roles: [chat, edit, apply],\n  capabilities: [tool_use]}]}\n`,
    }),
    environment: () => ({ CONTINUE_TELEMETRY_ENABLED: "0", CONTINUE_CLI_ENABLE_TELEMETRY: "0" }),
    arguments: (home) => ["-p", "--config", `${home}/.continue/config.yaml`, "--auto", task],
  },
};
