// A remote provider whose certificate nobody vouches for gets neither a request nor the key.
//   node remote-tls.mjs --program HEARTH --make-model MAKE_SCRIPTED_MODEL        exits with 77 where openssl is absent
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { LiveServer } from "../../bench/live_server.mjs";

const { values: options } = parseArgs({ options: { program: { type: "string" }, "make-model": { type: "string" } } });
if (spawnSync("openssl", ["version"]).status !== 0) {
  console.log("openssl is absent");
  process.exit(process.env.CI ? 1 : 77);
}
const folder = mkdtempSync(path.join(os.tmpdir(), "hearth-tls-"));
const inFolder = (name) => path.join(folder, name);
let provider, server;
try {
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", inFolder("key.pem"),
    "-out", inFolder("cert.pem")], { stdio: "ignore" });
  let requests = 0;
  provider = https.createServer({ key: readFileSync(inFolder("key.pem")), cert: readFileSync(inFolder("cert.pem")) },
    (_, response) => { ++requests; response.end("{}"); });
  provider.on("tlsClientError", () => {});
  await new Promise((resolve) => provider.listen(0, "127.0.0.1", resolve));
  execFileSync(options["make-model"], [inFolder("local.gguf")]);
  writeFileSync(inFolder("hearth.toml"), `[[model]]\npath = "local.gguf"\n[[remote]]\nname = "cloud"\nmodels = ["far"]\n` +
    `base_url = "https://127.0.0.1:${provider.address().port}/v1"\nkey_env = "HEARTH_TEST_KEY"\n`);
  process.env.HEARTH_TEST_KEY = "secret";
  server = await LiveServer.start(["--config", inFolder("hearth.toml")], options.program);
  const response = await fetch(`${server.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model: "far", messages: [{ role: "user", content: "x" }] }),
  });
  const { error } = await response.json();
  assert.equal(response.status, 502);
  assert.equal(error.code, "remote_failed");
  assert.match(error.message, /certificate/);
  assert.equal(requests, 0);
  assert.equal(await server.stop(), 0);
} finally {
  server?.child.kill("SIGKILL");
  provider?.close();
  rmSync(folder, { recursive: true });
}
