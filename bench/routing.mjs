// What routing and the audit log cost a request that is answered here.
//
//   cmake --build --preset release --target hearth_program make_scripted_model
//   node bench/routing.mjs [--requests 2000] [--bytes 8000]
//
// Two servers with the same tiny model answer the same requests in turns, one token each: one without a policy and a
// log, one with rules, a remote that is never asked, a repository with a file of its own, and the log. The difference
// between their times is the cost. All traffic stays on 127.0.0.1.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { LiveServer, build } from "./live_server.mjs";

const { values: options } = parseArgs({
  options: {
    program: { type: "string", default: path.join(build, "hearth") },
    "make-model": { type: "string", default: path.join(build, "tests/tools/serve/make_scripted_model") },
    requests: { type: "string", default: "2000" },
    bytes: { type: "string", default: "8000" },
  },
});

const folder = mkdtempSync(path.join(os.tmpdir(), "hearth-routing-"));
const inFolder = (name) => path.join(folder, name);
const prompt = "A line of text for the model to read. ".repeat(Math.ceil(Number(options.bytes) / 38)).slice(0, Number(options.bytes));
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

/** Milliseconds of one request. */
function timeOf(server, model) {
  const body = JSON.stringify({ model, max_tokens: 1, messages: [{ role: "user", content: prompt }] });
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request(`${server.origin}/v1/chat/completions`, {
      method: "POST", agent,
      headers: { "Content-Type": "application/json", "X-Hearth-Repository": inFolder("repo/src"), "X-Hearth-Task": "review" },
    }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      response.resume().on("end", () => resolve(performance.now() - begun));
    });
    request.on("error", reject).end(body);
  });
}

const quantile = (times, q) => times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(q * times.length))];

let plain, routed;
try {
  execFileSync(options["make-model"], [inFolder("local.gguf")]);
  mkdirSync(inFolder("repo/src"), { recursive: true });
  writeFileSync(inFolder("repo/.hearth.toml"), "[policy]\nsecrets = 'never'\n[[rule]]\nthen = 'never'\npath = '**/secret/**'\n");
  writeFileSync(inFolder("plain.toml"), 'ctx = 16384\n[[model]]\npath = "local.gguf"\n');
  writeFileSync(inFolder("hearth.toml"), 'ctx = 16384\n[[model]]\npath = "local.gguf"\n[[remote]]\nname = "cloud"\nmodels = ["far"]\n' +
    'base_url = "http://127.0.0.1:1/v1"\n[[rule]]\nthen = "cloud"\ntask = "refactor"\n[[rule]]\nthen = "never"\npattern = "phoenix"\n');
  plain = await LiveServer.start(["--config", inFolder("plain.toml")], options.program);
  routed = await LiveServer.start(["--config", inFolder("hearth.toml")], options.program);
  const times = { plain: [], routed: [] };
  for (let i = 0; i < 200 + Number(options.requests); ++i) {
    const pair = [await timeOf(plain, "local"), await timeOf(routed, "auto")];
    if (i >= 200) [times.plain, times.routed].forEach((list, at) => list.push(pair[at]));
  }
  for (const q of [0.5, 0.9, 0.99]) {
    const [without, withIt] = [quantile(times.plain, q), quantile(times.routed, q)];
    console.log(`p${q * 100}: ${without.toFixed(2)} ms without, ${withIt.toFixed(2)} ms with, ${(withIt - without).toFixed(2)} ms more`);
  }
} finally {
  agent.destroy();
  for (const server of [plain, routed]) if (server) await server.stop();
  rmSync(folder, { recursive: true });
}
