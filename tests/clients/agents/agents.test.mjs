// Coding agents as black boxes: each reads a file, edits it and answers, with a model that plays this session. With
// RECORD=FOLDER in the environment the requests are written there.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { LiveServer } from "../../../bench/live_server.mjs";
import { after, answer, before, clients, fileName } from "./clients.mjs";
import { Recorder } from "./recorder.mjs";

const bins = join(import.meta.dirname, "node_modules", ".bin");
const longest = 600_000;  // milliseconds of a session

/** {code, out, err} of a program that ran in `folder`. */
function run(program, words, folder, environment) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { cwd: folder, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    const told = { out: "", err: "" };
    child.stdout.on("data", (piece) => { told.out += piece; });
    child.stderr.on("data", (piece) => { told.err += piece; });
    const timer = setTimeout(() => child.kill("SIGKILL"), longest);
    child.once("error", reject);
    child.once("close", (code) => { clearTimeout(timer); resolve({ code, ...told }); });
  });
}

function writeFiles(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

for (const [name, client] of Object.entries(clients)) {
  const program = join(bins, client.bin);
  test(name, { timeout: longest + 60_000, skip: !existsSync(program) && `${client.package} is not installed` }, async () => {
    const home = mkdtempSync(join(tmpdir(), "hearth-agents-")), project = join(home, "project"), file = join(project, fileName);
    let server, recorder;
    try {
      const script = client.script(file), model = join(home, "model.gguf");
      writeFiles(home, { "script.json": JSON.stringify(script), [`project/${fileName}`]: before });
      execFileSync(process.env.HEARTH_MAKE_SCRIPTED_MODEL, ["--script", join(home, "script.json"), model]);
      server = await LiveServer.start([`${client.model}=${model}`, "--ctx", "65536"], process.env.HEARTH_PROGRAM);
      recorder = await Recorder.start(`http://127.0.0.1:${server.port}`);
      writeFiles(home, client.home?.(recorder.url) ?? {});
      // Nothing of the user's own: neither settings nor keys nor proxies.
      const environment = { HOME: home, PATH: process.env.PATH, TERM: "dumb", LANG: "C.UTF-8", ...client.environment?.(recorder.url) };
      const { code, out, err } = await run(program, client.arguments(home), project, environment);
      const told = `exit code ${code}\n${out}\n${err}\n${server.log}\n` +
        recorder.requests.map(({ method, path, status }) => `${method} ${path} ${status}`).join("\n");
      assert.equal(code, 0, told);
      assert.equal(readFileSync(file, "utf8"), after, told);
      assert.ok(out.includes(client.answer ?? answer), told);
      assert.ok(recorder.requests.length >= 3 && recorder.requests.every(({ status }) => status === 200), told);
      // Each request repeats the one before it: of three, two thirds at most can be found again.
      const [prompts, cached] = [await server.metric("hearth_prompt_tokens_total"), await server.metric("hearth_cached_tokens_total")];
      assert.ok(cached > 0.5 * prompts, `of ${prompts} tokens of prompts ${cached} came from the cache`);
      if (process.env.RECORD)
        recorder.save(join(process.env.RECORD, name), script,
          [[project, "/home/dev/project"], [home, "/home/dev"], [hostname(), "machine"]]);
    } finally {
      recorder?.stop();
      server?.child.kill("SIGKILL");
      rmSync(home, { recursive: true, force: true });
    }
  });
}
