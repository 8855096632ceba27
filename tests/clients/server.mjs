// Starts build/.../hearth serve with the scripted model for a test file, and stops it at the end.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const program = process.env.HEARTH_PROGRAM;
const makeModel = process.env.HEARTH_MAKE_SCRIPTED_MODEL;

// The address of a server that has the model "scripted"; more words are options.
export const startServer = (...options) => start("scripted.gguf", [], ["--ctx", "65536", ...options]);

// The address of a server that has the model "caller", which thinks "Which file?", says "I look." and calls
// read({path: "a.js"}), whatever it is asked.
export const startCaller = () => start("caller.gguf", ["--calling"], ["--ctx", "4096"]);

async function start(name, kind, options) {
  const folder = mkdtempSync(join(tmpdir(), "hearth-clients-"));
  const model = join(folder, name);
  execFileSync(makeModel, [...kind, model]);
  const server = spawn(program, ["serve", model, "--port", "0", "--parallel", "4", "--embeddings", ...options], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  after(async () => {
    server.kill("SIGTERM");
    const code = await ended;
    rmSync(folder, { recursive: true });
    if (code !== 0) throw new Error(`hearth serve ended with ${code}`);
  });
  const line = await new Promise((resolve, reject) => {
    server.stdout.once("data", (bytes) => resolve(String(bytes)));
    ended.then((code) => reject(new Error(`hearth serve ended with ${code} before it answered`)));
  });
  return line.match(/http:\S+/)[0];
}

// The value of a metric, with its labels.
export async function metric(baseURL, name) {
  const text = await (await fetch(new URL("/metrics", baseURL))).text();
  const line = text.split("\n").find((one) => one.startsWith(name + " "));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

// Waits up to ten seconds until a metric has a value.
export async function becomes(baseURL, name, value) {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    if ((await metric(baseURL, name)) === value) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}
