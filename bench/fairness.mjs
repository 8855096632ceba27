// Measures on a live `hearth serve` what a long prompt does to answers that are under way, and what a prompt costs that
// was there before; prints two Markdown tables.
//
//   node bench/peers.mjs --rounds 1         # makes the model once
//   node bench/fairness.mjs [--model qwen2.5-1.5b-Q4_0.gguf] [--streams 1,4] [--prompt 4096] [--again 2048] [--threads 2]
//                           [--rounds 3] [--folder DIR]
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { LiveServer, median, quantile, streamCompletion } from "./live_server.mjs";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "qwen2.5-1.5b-Q4_0.gguf" },
    streams: { type: "string", default: "1,4" },
    prompt: { type: "string", default: "4096" },
    again: { type: "string", default: "2048" },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    folder: { type: "string", default: path.join(os.tmpdir(), "hearth-peers") },
  },
});
const [longPrompt, again, rounds] = [options.prompt, options.again, options.rounds].map(Number);
const quietTokens = 40;
const start = (context, parallel) => LiveServer.start([`bench=${path.resolve(options.folder, options.model)}`, "--threads",
  options.threads, "--ctx", String(context), "--parallel", String(parallel)]);
const promptOf = (seed, size) => Array.from({ length: size }, (_, i) => 300 + ((seed * 7919 + i * (31 + seed)) % 9000));

/** Times between tokens of `count` streams, quiet and while a long prompt is computed beside them. */
async function stall(count) {
  const server = await start(longPrompt + 1024, count + 1);
  const quiet = [], beside = [], leave = new AbortController();
  let gaps, begun = 0;
  const streams = Array.from({ length: count }, async (_, i) => {
    let last = 0;
    await streamCompletion(server.origin, { prompt: promptOf(i + 1, 64), max_tokens: longPrompt }, () => {
      const now = performance.now();
      if (last > 0 && gaps) gaps.push(now - last);
      if (last === 0) ++begun;
      last = now;
    }, leave.signal).catch((error) => { if (error.name !== "AbortError") throw error; });
  });
  while (begun < count) await sleep(20);
  await sleep(500);
  gaps = quiet;
  while (quiet.length < quietTokens * count) await sleep(20);
  gaps = beside;
  const asked = performance.now();
  let first = 0;
  await streamCompletion(server.origin, { prompt: promptOf(99, longPrompt), max_tokens: 1 }, () => { first = performance.now() - asked; });
  leave.abort();
  await Promise.all(streams);
  await server.stop();
  const ratio = (share) => (quantile(beside, share) / quantile(quiet, share)).toFixed(2);
  const both = (values) => `${median(values).toFixed(0)} / ${quantile(values, 0.99).toFixed(0)}`;
  console.log(`| ${count} | ${both(quiet)} | ${both(beside)} | ${ratio(0.5)} / ${ratio(0.99)} | ${(first / 1e3).toFixed(1)} | ` +
    `${(longPrompt / first * 1e3).toFixed(0)} |`);
}

/** Times to the first token of a prompt and of the same prompt again, in milliseconds. */
async function repeat() {
  const server = await start(again + 64, 1);
  const times = [];
  for (let round = 0; round < rounds; ++round)
    for (let time = 0; time < 2; ++time) {
      const asked = performance.now();
      await streamCompletion(server.origin, { prompt: promptOf(1 + round, again), max_tokens: 1 },
        () => times.push(performance.now() - asked));
    }
  await server.stop();
  const [firsts, seconds] = [0, 1].map((time) => times.filter((_, i) => i % 2 === time));
  console.log(`| ${again} | ${median(firsts).toFixed(0)} | ${median(seconds).toFixed(0)} | ` +
    `${(100 * median(seconds.map((second, i) => second / firsts[i]))).toFixed(1)} % |`);
}

console.log(`| streams | quiet: between tokens p50 / p99 ms | beside a prompt of ${longPrompt} | ratio | ` +
  "that prompt's first token s | its tokens/s |\n|---|---|---|---|---|---|");
for (const count of options.streams.split(",").filter(Boolean).map(Number)) await stall(count);
if (again > 0) {
  console.log("\n| prompt tokens | first time: first token ms | second time | share |\n|---|---|---|---|");
  await repeat();
}
