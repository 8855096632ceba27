// Holds many connections to a live `hearth serve` open while some of them generate, and checks that none fails, that
// memory stays flat and threads few. Exits with 1 where that is not so.
//
//   cmake --build --preset release --target hearth_program make_scripted_model
//   node bench/connections.mjs [--open 1000] [--streams 64] [--seconds 60] [--program build/release/hearth]
//                              [--make-model build/release/tests/tools/serve/make_scripted_model] [--most-growth 16]
//
// The model is the scripted one of the tests. Every connection asks /health at the start and at the end; the generating
// ones read endless streams of a nonce of their own and compare every letter. All traffic stays on 127.0.0.1.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { build, LiveServer } from "./live_server.mjs";

const { values: options } = parseArgs({
  options: {
    open: { type: "string", default: "1000" },
    streams: { type: "string", default: "64" },
    seconds: { type: "string", default: "60" },
    program: { type: "string", default: path.join(build, "hearth") },
    "make-model": { type: "string", default: path.join(build, "tests/tools/serve/make_scripted_model") },
    "most-growth": { type: "string", default: "16" },
  },
});
const [open, streams, seconds] = [options.open, options.streams, options.seconds].map(Number);
const mostThreads = 16;
const failures = [];
let server;

/** One kept connection. */
class Kept {
  static open() {
    return new Promise((resolve, reject) => {
      const kept = new Kept();
      kept.received = "";
      kept.socket = net.connect(server.port, "127.0.0.1", () => resolve(kept));
      kept.socket.setEncoding("latin1");
      kept.socket.on("error", reject);
      kept.socket.on("data", (text) => { kept.received += text; kept.onData?.(); });
      kept.socket.on("close", () => { kept.closed = true; kept.onData?.(); });
    });
  }
  /** Sleeps until something comes or the connection ends, at most a second. */
  news() {
    return Promise.race([new Promise((resolve) => { this.onData = resolve; }), sleep(1000)]);
  }
  /** Waits until `text` has come; false where the connection ended first or a minute passed. */
  async until(text) {
    for (const end = Date.now() + 60_000; !this.received.includes(text) && !this.closed && Date.now() < end; ) await this.news();
    return this.received.includes(text);
  }
  async healthy() {
    this.received = "";
    this.socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return this.until('{"status":"ok"}');
  }
  /** The payload of the next event of a stream; undefined where the time is over. */
  async event(end) {
    while (Date.now() < end) {
      const size = this.received.indexOf("\n\n");
      if (size < 0) {
        if (this.closed) throw new Error("a stream's connection was closed");
        await this.news();
        continue;
      }
      const event = this.received.slice(0, size);
      this.received = this.received.slice(size + 2);
      if (event.includes("data: ")) return event.slice(event.indexOf("data: ") + 6);
    }
    return undefined;
  }
  /** Reads streams, which end when their context is full, until `end`. Throws where a letter is wrong. */
  async stream(nonce, end) {
    const body = JSON.stringify({ prompt: nonce, stream: true });
    this.tokens = 0;
    while (Date.now() < end) {
      this.received = "";
      this.socket.write("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
        `Content-Length: ${body.length}\r\n\r\n${body}`);
      let at = 0, event;
      while ((event = await this.event(end)) !== undefined && event !== "[DONE]") {
        const piece = JSON.parse(event).choices?.[0]?.text;
        if (piece === undefined) throw new Error(`a stream brought ${event}`);
        for (const letter of piece)
          if (letter !== nonce[at++ % nonce.length]) throw new Error(`a stream of ${nonce} brought ${piece}`);
        this.tokens += piece.length;
      }
      if (event === "[DONE]") await this.until("0\r\n\r\n");
    }
    this.socket.destroy();
  }
}

const folder = mkdtempSync(path.join(os.tmpdir(), "hearth-connections-"));
try {
  const model = path.join(folder, "scripted.gguf");
  execFileSync(options["make-model"], [model]);
  server = await LiveServer.start([`scripted=${model}`, "--ctx", "4096", "--parallel", String(streams), "--threads", "2"], options.program);
  const idleMemory = server.status("VmRSS");
  const kept = [];
  for (let i = 0; i < open; ++i) kept.push(await Kept.open());
  for (const one of kept) if (!(await one.healthy())) failures.push("a connection was not answered at the start");
  const letters = "BCDFGHJKLNPQVXYZ", end = Date.now() + 1e3 * seconds;
  const nonce = (i) => Array.from({ length: 17 }, (_, k) => letters[(i * 7 + k * (1 + (i % 15)) + (k >> 3) * (i >> 4)) % letters.length]).join("");
  const memory = [], threads = [], running = [];
  const watch = setInterval(async () => {
    memory.push(server.status("VmRSS"));
    threads.push(server.status("Threads"));
    running.push(await server.metric("hearth_requests_running"));
  }, 500);
  await Promise.all(kept.slice(0, streams).map((one, i) => one.stream(nonce(i), end).catch((error) => failures.push(error.message))));
  clearInterval(watch);
  for (const one of kept.slice(streams)) if (!(await one.healthy())) failures.push("a connection was not answered at the end");
  for (const one of kept) one.socket.destroy();
  for (const name of ["requests_running", "requests_waiting", "cache_used_tokens"])
    if ((await server.becomes(`hearth_${name}`, 0)) !== 0) failures.push(`hearth_${name} is not 0 at the end`);
  // The first third is warm-up: the caches and buffers of all connections are used for the first time.
  const later = memory.slice(Math.floor(memory.length / 3)), growth = (Math.max(...later) - later[0]) / 1024;
  if (growth > Number(options["most-growth"])) failures.push(`memory grew by ${growth.toFixed(0)} MiB`);
  if (Math.max(...threads) > mostThreads) failures.push(`there were ${Math.max(...threads)} threads`);
  const code = await server.stop();
  if (code !== 0) failures.push(`the server ended with ${code}\n${server.log}`);
  console.log(`${open} connections, up to ${Math.max(...running)} requests running, ${seconds} s, ` +
    `${kept.reduce((sum, one) => sum + (one.tokens ?? 0), 0)} tokens, all as expected but for ${failures.length}`);
  console.log(`memory MiB: ${Math.round(idleMemory / 1024)} before, ${Math.round(later[0] / 1024)} after a third, ` +
    `${Math.round(Math.max(...later) / 1024)} at most then; at most ${Math.max(...threads)} threads; exit code ${code}`);
} finally {
  server?.child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
}
for (const failure of new Set(failures)) console.error(failure);
process.exit(failures.length === 0 ? 0 : 1);
