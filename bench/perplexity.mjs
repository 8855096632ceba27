// Perplexity of a GGUF file by Hearth and by llama.cpp (the one inside the npm package node-llama-cpp, as bench/peers.mjs
// fetches it), over the same chunks of a text.
//
//   node bench/perplexity.mjs MODEL.gguf TEXT [--chunks 4] [--ctx 512] [--program build/release/hearth]
//                             [--peers FOLDER of the package]
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const argument = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? process.argv[at + 1] : fallback;
};
const [model, text] = process.argv.slice(2);
if (!model || !text) throw new Error("needs MODEL.gguf and TEXT");
const chunk = +argument("ctx", 512), chunks = +argument("chunks", 4);
const program = argument("program", "build/release/hearth");
const run = (words, input) => execFileSync(program, words, { input, encoding: "utf8", maxBuffer: 1 << 30 });

const ours = JSON.parse(run(["perplexity", model, text, "--ctx", `${chunk}`, "--chunks", `${chunks}`, "--json"]));

const folder = argument("peers", path.join(tmpdir(), "hearth-peers"));
const require = createRequire(path.join(folder, "package.json"));
const { getLlama } = await import(pathToFileURL(require.resolve("node-llama-cpp")));
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", progressLogs: false });
const loaded = await llama.loadModel({ modelPath: path.resolve(model), gpuLayers: 0 });
const context = await loaded.createContext({ contextSize: chunk, sequences: 1, batchSize: Math.min(chunk, 512) });
const sequence = context.getSequence();

const bos = loaded.tokens.shouldPrependBosToken ? loaded.tokens.bos : null;
const ids = JSON.parse(run(["tokenize", model], readFileSync(text, "utf8").replace(/\n$/, "")));
if (bos !== null) ids.unshift(bos);
let sum = 0, count = 0;
for (let c = 0; c < ours.chunks; c++) {
  const tokens = ids.slice(c * chunk, (c + 1) * chunk);
  if (bos !== null) tokens[0] = bos;
  await sequence.clearHistory();
  const first = Math.floor(chunk / 2);
  const results = await sequence.controlledEvaluate(
      tokens.slice(0, -1).map((token, i) => i < first ? token : [token, { generateNext: { logits: true, options: { temperature: 0 } } }]));
  for (let i = first; i < chunk - 1; i++) {
    const logits = [...results[i].next.logits];
    const largest = logits.reduce((most, [, value]) => Math.max(most, value), -Infinity);
    const total = logits.reduce((all, [, value]) => all + Math.exp(value - largest), 0);
    sum += largest + Math.log(total) - results[i].next.logits.get(tokens[i + 1]);
    count++;
  }
}
const theirs = Math.exp(sum / count);
console.log(JSON.stringify({ model: path.basename(model), tokens: count, hearth: ours.perplexity.value, llama_cpp: theirs,
  difference: ours.perplexity.value / theirs - 1 }));
process.exit(0);
