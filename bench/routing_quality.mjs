// How well the built-in rules tell requests that should stay from those that should not.
//
//   cmake --build --preset release --target hearth_program make_scripted_model
//   node bench/routing_quality.mjs [--longest 6000]
//
// bench/routing/requests.jsonl holds sixty requests of developers, each labelled by hand with the side that should
// answer it, with what a client would say of it (task) and how many bytes of code or logs come along. They are asked of
// a server whose remote is a fake on 127.0.0.1: the built-in rules alone, and with what an editor's task and one rule add.
// The model is a tiny one without an opinion, so its confidence plays no part.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LiveServer, build } from "./live_server.mjs";

const { values: options } = parseArgs({
  options: {
    program: { type: "string", default: path.join(build, "hearth") },
    "make-model": { type: "string", default: path.join(build, "tests/tools/serve/make_scripted_model") },
    longest: { type: "string", default: "6000" },
  },
});
const folder = mkdtempSync(path.join(os.tmpdir(), "hearth-quality-"));
const inFolder = (name) => path.join(folder, name);
const requests = readFileSync(path.join(path.dirname(fileURLToPath(import.meta.url)), "routing/requests.jsonl"), "utf8")
  .trim().split("\n").map((line) => JSON.parse(line));

const far = http.createServer((request, response) => {
  request.resume().on("end", () => {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", content: "far" }, finish_reason: "stop" }] }));
  });
});

/** Where a request goes: "local" or "cloud". */
async function route(origin, one, withTask) {
  const along = "  result = step(result, table[index]);\n".repeat(Math.ceil(one.context / 40)).slice(0, one.context);
  const text = `${one.text}\n${along}`;
  const content = one.image ? [{ type: "text", text }, { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } }] : text;
  const endpoint = one.task === "completion" ? "completions" : "chat/completions";
  const response = await fetch(`${origin}/v1/${endpoint}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Hearth-Session": `s${Math.random()}`,
      ...(withTask || one.task === "embedding" ? { "X-Hearth-Task": one.task } : {}) },
    body: JSON.stringify({ model: "auto", max_tokens: 1, ...(endpoint === "completions" ? { prompt: text } : { messages: [{ role: "user", content }] }) }),
  });
  const body = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${body.slice(0, 200)}`);
  return response.headers.get("X-Hearth-Served-By") === "local" ? "local" : "cloud";
}

async function table(name, rules, withTask) {
  writeFileSync(inFolder("hearth.toml"), `ctx = 32768\n[[model]]\npath = "local.gguf"\n[[remote]]\nname = "cloud"\nmodels = ["far"]\n` +
    `base_url = "http://127.0.0.1:${far.address().port}/v1"\n[policy]\nlongest_prompt = ${options.longest}\n${rules}`);
  const server = await LiveServer.start(["--config", inFolder("hearth.toml")], options.program);
  const count = { local: { local: 0, cloud: 0 }, cloud: { local: 0, cloud: 0 } }, missed = [];
  try {
    for (const one of requests) {
      const went = await route(server.origin, one, withTask);
      ++count[one.wants][went];
      if (went !== one.wants) missed.push(`${one.wants} -> ${went}: ${one.text.slice(0, 90).replaceAll("\n", " ")}`);
    }
  } finally {
    await server.stop();
  }
  const right = count.local.local + count.cloud.cloud;
  console.log(`\n${name}\n\n| should be | went local | went to the cloud |\n|---|---|---|`);
  for (const wants of ["local", "cloud"]) console.log(`| ${wants} | ${count[wants].local} | ${count[wants].cloud} |`);
  console.log(`\n${right} of ${requests.length} right; local share ${Math.round((count.local.local + count.cloud.local) / requests.length * 100)} %`);
  console.error(missed.join("\n"));
}

try {
  execFileSync(options["make-model"], [inFolder("local.gguf")]);
  await new Promise((resolve) => far.listen(0, "127.0.0.1", resolve));
  await table("Built-in rules alone", "", false);
  await table("With the task that the client names, and one rule", `[[rule]]\nname = "large work"\nthen = "cloud"\ntask = ["refactor", "architecture", "debug", "plan"]\n`, true);
} finally {
  far.close();
  rmSync(folder, { recursive: true });
}
