// Loads a live `hearth serve` with right, wrong and broken-off requests of many clients at random, and checks that
// nothing is lost, mixed up or leaked. Exits with 1 where something is.
//
//   cmake --preset asan && cmake --build --preset asan --target hearth_program make_scripted_model
//   node bench/soak.mjs --program build/asan/hearth --make-model build/asan/tests/tools/serve/make_scripted_model
//                       [--seconds 600] [--clients 24] [--most 500000] [--seed 1] [--most-growth MIB]
//
// The model is the scripted one of the tests, which repeats what it reads through the cache: every request carries a
// nonce, and its answer must be that nonce. At the end nothing may run, wait or use the cache, and the server must end
// with 0 on SIGTERM, which under AddressSanitizer also says that it leaked nothing. With --most-growth the memory that
// is resident at the end may be at most so much more than after a third of the time. All traffic stays on 127.0.0.1.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { LiveServer } from "./live_server.mjs";

const { values: options } = parseArgs({
  options: {
    program: { type: "string" },
    "make-model": { type: "string" },
    seconds: { type: "string", default: "600" },
    clients: { type: "string", default: "24" },
    most: { type: "string", default: "500000" },
    seed: { type: "string", default: "1" },
    "most-growth": { type: "string" },
  },
});

/** A generator of numbers from 0 to 1 that a seed repeats (mulberry32). */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const letters = "BCDFGHJKLNPQVXYZ", nonceLength = 16;  // as in tests/tools/serve/scripted_model.h
const prefixes = ["", "y".repeat(40), "y".repeat(300), "a".repeat(150), "the same words again ".repeat(30)];
const counts = {}, failures = [];
const agent = new http.Agent({ keepAlive: true, maxSockets: 1000 });
let server;

/** Posts JSON; {status, text}, or {aborted} where `abortAfter` bytes of the answer had come. */
function post(route, body, abortAfter = Infinity) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port: server.port, path: route, method: "POST", agent,
      headers: { "Content-Type": "application/json" } });
    const abort = () => { request.destroy(); resolve({ aborted: true }); };
    request.on("error", (error) => (error.code === "ECONNRESET" && request.reusedSocket ? resolve({ reset: true }) : reject(error)));
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece) => { if ((text += piece).length >= abortAfter) abort(); });
      response.on("end", () => resolve({ status: response.statusCode, text }));
      response.on("error", () => resolve({ aborted: true }));
    });
    request.end(JSON.stringify(body));
    if (abortAfter === 0) setImmediate(abort);
  });
}

/** The texts of a stream's or a whole answer's choices; undefined where the stream has no end. */
function textsOf(text, stream) {
  const texts = [];
  const add = (choice) => {
    const piece = choice.text ?? choice.delta?.content ?? choice.message?.content ?? "";
    texts[choice.index] = (texts[choice.index] ?? "") + piece;
  };
  if (!stream) JSON.parse(text).choices.forEach(add);
  else {
    const events = text.split("\n\n").filter((event) => event.startsWith("data: ")).map((event) => event.slice(6));
    if (events.pop() !== "[DONE]") return undefined;
    for (const event of events) JSON.parse(event).choices.forEach(add);
  }
  return texts;
}

/** Sends bytes as they are, and takes what comes until the server closes or `patience` milliseconds have passed. */
function raw(bytes, patience = 300) {
  return new Promise((resolve) => {
    let received = "";
    const socket = net.connect(server.port, "127.0.0.1", () => socket.write(bytes));
    socket.setTimeout(patience, () => socket.destroy());
    socket.on("data", (piece) => { received += piece; });
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
  });
}

const expect = (holds, what) => { if (!holds) failures.push(what); };

/** What clients do, each by weight; `random` is the client's. */
const actions = {
  async nonce(random) {
    const nonce = Array.from({ length: nonceLength }, () => letters[Math.floor(random() * letters.length)]).join("");
    const prompt = prefixes[Math.floor(random() * prefixes.length)] + nonce;
    const chat = random() < 0.5, stream = random() < 0.5, n = random() < 0.15 ? 3 : 1;
    const body = chat ? { messages: [{ role: "user", content: prompt }], stream, n } : { prompt: prompt + "=", stream, n };
    if (random() < 0.1) body.logprobs = chat ? true : 2;
    const answer = await post(chat ? "/v1/chat/completions" : "/v1/completions", body);
    if (answer.reset) return;
    const texts = answer.status === 200 ? textsOf(answer.text, stream) : undefined;
    expect(texts?.length === n && texts.every((text) => text === nonce),
      `${nonce} was answered ${answer.status} ${answer.text.slice(0, 300)}`);
  },
  async long(random) {
    const nonce = Array.from({ length: nonceLength + 1 }, () => letters[Math.floor(random() * letters.length)]).join("");
    const tokens = 20 + Math.floor(random() * 400), stream = random() < 0.8;
    const answer = await post("/v1/completions", { prompt: nonce, max_tokens: tokens, stream });
    if (answer.reset) return;
    const expected = nonce.repeat(Math.ceil(tokens / nonce.length)).slice(0, tokens);
    expect(answer.status === 200 && textsOf(answer.text, stream)?.[0] === expected,
      `${nonce} for ${tokens} tokens was answered ${answer.status} ${answer.text.slice(-300)}`);
  },
  async abort(random) {
    const after = random() < 0.3 ? 0 : Math.floor(random() * 5000);
    const prompt = prefixes[Math.floor(random() * prefixes.length)] + "#";  // goes on for ever
    await post("/v1/completions", { prompt, stream: random() < 0.7, max_tokens: 3000, n: random() < 0.2 ? 2 : 1 }, after);
  },
  async malformed(random) {
    const head = (more) => `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${more}\r\n`;
    const noise = Buffer.from(Array.from({ length: 1 + Math.floor(random() * 400) }, () => Math.floor(random() * 256)));
    const wrong = [
      noise, Buffer.concat([Buffer.from(head(`Content-Length: ${noise.length}\r\n`)), noise]),
      head("Content-Length: 99999999999999\r\n"), head("Content-Length: -1\r\n"), head("Transfer-Encoding: chunked\r\n") + "zz\r\n",
      head("X-Long: " + "a".repeat(20_000) + "\r\n"), "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
      head(`Content-Length: 40000\r\n`) + "[".repeat(40_000), "GET /v1/models\r\n\r\n",
    ];
    const received = await raw(wrong[Math.floor(random() * wrong.length)]);
    expect(!/^HTTP\/1\.1 (2|5)/.test(received), `a malformed request was answered ${received.slice(0, 200)}`);
  },
  async refused(random) {
    const wrong = [{ messages: [] }, { prompt: 7 }, { prompt: "x", temperature: 9 }, { prompt: "x", n: -1 }, { prompt: "x", model: "none" },
      { prompt: "y".repeat(9000) }];
    const answer = await post("/v1/completions", wrong[Math.floor(random() * wrong.length)]);
    expect(answer.reset || [400, 404].includes(answer.status), `a wrong request was answered ${answer.status} ${answer.text}`);
  },
  async half(random) {
    const whole = `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"prompt":"x"}`;
    await raw(whole.slice(0, Math.floor(random() * (whole.length - 1))), random() * 50);
  },
  async look(random) {
    const route = ["/health", "/v1/models", "/metrics", "/nothing"][Math.floor(random() * 4)];
    const received = await raw(`GET ${route} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, 10_000);
    expect(received.startsWith(`HTTP/1.1 ${route === "/nothing" ? 404 : 200}`), `${route} was answered ${received.slice(0, 100)}`);
  },
};
const weights = { nonce: 10, long: 3, abort: 4, malformed: 3, refused: 2, half: 2, look: 1 };
const bag = Object.entries(weights).flatMap(([name, weight]) => Array(weight).fill(name));

const folder = mkdtempSync(path.join(os.tmpdir(), "hearth-soak-"));
try {
  const model = path.join(folder, "scripted.gguf");
  execFileSync(options["make-model"], [model]);
  server = await LiveServer.start([`soak=${model}`, "--ctx", "4096", "--parallel", "6", "--threads", "1"], options.program);
  const seconds = Number(options.seconds), begin = Date.now(), end = begin + 1e3 * seconds;
  const memory = [];
  const watch = setInterval(() => memory.push(server.status("VmRSS")), (1e3 * seconds) / 30);
  let sent = 0;
  await Promise.all(Array.from({ length: Number(options.clients) }, async (_, client) => {
    const random = randomOf(Number(options.seed) * 1000 + client);
    while (Date.now() < end && sent < Number(options.most) && failures.length < 10) {
      const name = bag[Math.floor(random() * bag.length)];
      ++sent;
      await actions[name](random).then(() => { counts[name] = (counts[name] ?? 0) + 1; },
        (error) => failures.push(`${name}: ${error.stack}`));
    }
  }));
  clearInterval(watch);
  agent.destroy();
  for (const name of ["requests_running", "requests_waiting", "cache_used_tokens"])
    expect(await server.becomes(`hearth_${name}`, 0) === 0, `hearth_${name} is not 0 at the end`);
  const connections = await server.becomes("hearth_connections", 1);
  expect(connections === 1, `${connections} connections are open at the end`);
  const mib = (kib) => Math.round(kib / 1024);
  const early = memory[Math.floor(memory.length / 3)] ?? 0, last = server.status("VmRSS");
  if (options["most-growth"]) expect(mib(last - early) <= Number(options["most-growth"]), `memory grew by ${mib(last - early)} MiB`);
  const [gone, setBack, threads] = [await server.metric("hearth_requests_gone_total"), await server.metric("hearth_requests_set_back"),
    server.status("Threads")];
  const code = await server.stop();
  expect(code === 0, `the server ended with ${code}\n${server.log}`);
  console.log(`${sent} requests in ${((Date.now() - begin) / 1e3).toFixed(0)} s: ${JSON.stringify(counts)}`);
  console.log(`clients gone ${gone}, set back ${setBack}, memory MiB ${mib(early)} after a third, ${mib(last)} at the end, ` +
    `${threads} threads, exit code ${code}`);
} finally {
  server?.child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
}
for (const failure of failures) console.error(failure);
console.log(failures.length === 0 ? "nothing lost, mixed up or leaked" : `${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);
