// Loads a live `hearth serve`, and llama.cpp (inside the npm package node-llama-cpp) with the same requests on the same
// file, alternately; prints a Markdown table of tokens/s, time to first token and time between tokens.
//
//   node bench/peers.mjs --rounds 1         # makes the model and fetches the package once
//   node bench/serve.mjs [--model qwen2.5-1.5b-Q4_0.gguf] [--concurrency 8,32] [--rounds 3] [--requests 2] [--prompt 128]
//                        [--tokens 64] [--threads 2] [--folder DIR] [--rate REQUESTS_PER_SECOND]
//
// Closed loop: each of the concurrent clients sends `requests` requests, one after the other, with prompts that no two
// share. With --rate, Hearth alone: as many requests in all, arriving at random times of that mean rate whatever the
// server does.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { LiveServer, median, quantile, streamCompletion } from "./live_server.mjs";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "qwen2.5-1.5b-Q4_0.gguf" },
    concurrency: { type: "string", default: "8,32" },
    rounds: { type: "string", default: "3" },
    requests: { type: "string", default: "2" },
    prompt: { type: "string", default: "128" },
    tokens: { type: "string", default: "64" },
    threads: { type: "string", default: "2" },
    rate: { type: "string" },
    folder: { type: "string", default: path.join(os.tmpdir(), "hearth-peers") },
    "llama-cpp": { type: "string" },  // internal: the concurrency with which this process shall load llama.cpp
  },
});
const [rounds, requests, promptSize, tokens, threads] =
  [options.rounds, options.requests, options.prompt, options.tokens, options.threads].map(Number);
const modelPath = path.resolve(options.folder, options.model);

/** A prompt of `promptSize` token ids that begins unlike any other. */
const promptOf = (number) => Array.from({ length: promptSize }, (_, i) => 300 + ((number * 7919 + i * (31 + number)) % 9000));

/** Runs `send(number, onToken)` for `count` clients; returns {rate, first, between} in tokens/s and milliseconds. */
async function load(count, send) {
  const first = [], between = [];
  const start = performance.now();
  let total = 0;
  await Promise.all(Array.from({ length: count }, async (_, client) => {
    for (let request = 0; request < requests; ++request) {
      const asked = performance.now();
      let last = 0;
      await send(1 + client * requests + request, () => {
        const now = performance.now();
        (last === 0 ? first : between).push(now - (last || asked));
        last = now;
        ++total;
      });
    }
  }));
  return { rate: (1e3 * total) / (performance.now() - start), first, between };
}

async function loadLlamaCpp(count) {
  const require = createRequire(path.join(options.folder, "package.json"));
  const { getLlama } = await import(pathToFileURL(require.resolve("node-llama-cpp")));
  const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: threads, progressLogs: false });
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const context = await model.createContext({
    contextSize: promptSize + tokens + 16, batchSize: 512, sequences: count, flashAttention: true,
    threads: { ideal: threads, min: threads },
  });
  const free = Array.from({ length: count }, () => context.getSequence());
  return load(count, async (number, onToken) => {
    const sequence = free.pop();
    await sequence.clearHistory();
    let made = 0;
    for await (const _ of sequence.evaluate(promptOf(number), { temperature: 0, yieldEogToken: true })) {
      onToken();
      if (++made === tokens) break;
    }
    free.push(sequence);
  });
}

/** Starts the server, calls `use(origin)` and stops it. */
async function withServer(count, use) {
  const server = await LiveServer.start([`bench=${modelPath}`, "--threads", String(threads), "--parallel", String(count),
    "--ctx", String(promptSize + tokens + 16)]);
  try {
    return await use(server.origin);
  } finally {
    await server.stop();
  }
}

const complete = (origin, number, onToken) =>
  streamCompletion(origin, { prompt: promptOf(number), max_tokens: tokens }, onToken);

const cells = (runs) => {
  const all = (key) => runs.flatMap((run) => run[key]);
  const both = (values) => `${quantile(values, 0.5).toFixed(0)} / ${quantile(values, 0.99).toFixed(0)}`;
  return `${median(runs.map((run) => run.rate)).toPrecision(3)} | ${both(all("first"))} | ${both(all("between"))}`;
};
const asLlamaCpp = (count) => JSON.parse(execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--llama-cpp", String(count),
  ...["model", "requests", "prompt", "tokens", "threads", "folder"].flatMap((name) => [`--${name}`, options[name]])],
  { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 28 }).trim().split("\n").at(-1));

if (options["llama-cpp"]) {
  console.log(JSON.stringify(await loadLlamaCpp(Number(options["llama-cpp"]))));
  process.exit(0);
}
if (options.rate) {
  const count = Number(options.concurrency.split(",")[0]) * requests, meanGap = 1e3 / Number(options.rate);
  const run = await withServer(count, async (origin) => {
    const first = [], between = [], start = performance.now();
    const answers = [];
    for (let number = 1; number <= count; ++number) {
      await new Promise((resolve) => setTimeout(resolve, -Math.log(1 - Math.random()) * meanGap));
      const asked = performance.now();
      let last = 0;
      answers.push(complete(origin, number, () => {
        const now = performance.now();
        (last === 0 ? first : between).push(now - (last || asked));
        last = now;
      }));
    }
    await Promise.all(answers);
    return { rate: (1e3 * count * tokens) / (performance.now() - start), first, between };
  });
  console.log("| requests/s | tokens/s | first token p50 / p99 ms | between tokens p50 / p99 ms |\n|---|---|---|---|");
  console.log(`| ${options.rate} | ${cells([run])} |`);
} else {
  console.log("| clients | engine | tokens/s | first token p50 / p99 ms | between tokens p50 / p99 ms | ratio |\n|---|---|---|---|---|---|");
  for (const count of options.concurrency.split(",").map(Number)) {
    const peer = [], ours = [];
    for (let round = 0; round < rounds; ++round) {
      peer.push(asLlamaCpp(count));
      ours.push(await withServer(count, (origin) => load(count, (number, onToken) => complete(origin, number, onToken))));
    }
    const ratio = median(ours.map((run, i) => run.rate / peer[i].rate)).toFixed(2);
    console.log(`| ${count} | llama.cpp | ${cells(peer)} | |`);
    console.log(`| ${count} | Hearth | ${cells(ours)} | ${ratio} |`);
  }
}
