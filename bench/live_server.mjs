// Starts a `hearth serve` of its own on a free port of this machine, asks it, watches it and stops it.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

export const build = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../build/release");

/** A running server: `program serve ...args --port 0`. */
export class LiveServer {
  static async start(args, program = path.join(build, "hearth")) {
    const server = new LiveServer();
    server.child = spawn(program, ["serve", ...args, "--port", "0"], { stdio: ["ignore", "pipe", "pipe"] });
    server.log = "";
    server.child.stderr.on("data", (bytes) => { server.log = (server.log + bytes).slice(-20_000); });
    server.ended = new Promise((resolve) => server.child.on("close", (code, signal) => resolve(signal ?? code)));
    const line = await Promise.race([
      new Promise((resolve) => createInterface({ input: server.child.stdout }).once("line", resolve)), server.ended]);
    const url = String(line).match(/http:\/\/\S+/)?.[0];
    if (!url) throw new Error(`hearth serve ended with ${line}\n${server.log}`);
    server.origin = new URL(url).origin;
    server.port = Number(new URL(url).port);
    return server;
  }

  /** A line of /proc/PID/status as a number: "VmRSS" in KiB, "Threads". */
  status(name) {
    return Number(readFileSync(`/proc/${this.child.pid}/status`, "utf8").match(new RegExp(`^${name}:\\s*(\\d+)`, "m"))[1]);
  }

  async metric(name) {
    const text = await (await fetch(`${this.origin}/metrics`)).text();
    const line = text.split("\n").find((one) => one.startsWith(`${name} `) || one.startsWith(`${name}{`));
    return line === undefined ? undefined : Number(line.split(" ").at(-1));
  }

  /** Waits up to ten seconds until a metric has a value; its last value. */
  async becomes(name, value) {
    let now;
    for (const end = Date.now() + 10_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50)))
      if ((now = await this.metric(name)) === value) break;
    return now;
  }

  /** Ends it as an operator does; the exit code, or the signal that ended it. */
  stop() {
    this.child.kill("SIGTERM");
    return this.ended;
  }
}

/** Streams a plain completion greedily, and calls onToken for each token. `fields` are of the request. */
export async function streamCompletion(origin, fields, onToken, signal) {
  const response = await fetch(`${origin}/v1/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ temperature: 0, stream: true, ignore_eos: true, logprobs: 0, ...fields }),
    signal,
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  // Tokens of random weights are often half a character, which waits; the list of log-probabilities tells of each.
  for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
    if (!line.startsWith("data: {")) continue;
    const event = JSON.parse(line.slice(6));
    if (event.error) throw new Error(event.error.message);
    for (const choice of event.choices) choice.logprobs?.tokens.forEach(onToken);
  }
}

export const quantile = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];
export const median = (values) => quantile(values, 0.5);
