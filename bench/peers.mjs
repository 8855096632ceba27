// Times Hearth and llama.cpp (the prebuilt one inside the npm package node-llama-cpp) on the same random-weight files,
// alternately, and prints a Markdown table of medians, ratios and shares of the machine's measured roofs.
//
//   tools/quickstart.sh && cmake --build --preset release --target make_random_model
//   node bench/peers.mjs [--models qwen2.5-1.5b:Q4_0,llama3-8b:Q4_K_M] [--rounds 5] [--threads 2] [--pp 512] [--tg 64]
//                        [--folder DIR] [--kernels avx2 --peer-kernels haswell]
//
// Models and the npm package are kept in --folder (default: hearth-peers in the system's temporary folder). In each
// round each engine runs once in a process of its own, with a warm-up before the run that counts. --kernels names those of
// Hearth, --peer-kernels the one of llama.cpp's libraries for processors that is left to it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const packageName = "node-llama-cpp", packageVersion = "3.22.1";
const { values: options } = parseArgs({
  options: {
    models: { type: "string", default: "qwen2.5-1.5b:Q4_0" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
    pp: { type: "string", default: "512" },
    tg: { type: "string", default: "64" },
    folder: { type: "string", default: path.join(os.tmpdir(), "hearth-peers") },
    kernels: { type: "string" },
    "peer-kernels": { type: "string" },
    "llama-cpp": { type: "string" },  // internal: the model that this process shall time with llama.cpp
  },
});
const [threads, pp, tg, rounds] = [options.threads, options.pp, options.tg, options.rounds].map(Number);

/** One run of llama.cpp after a warm-up, in this process; prints {pp, tg} in tokens/s as JSON. */
async function timeLlamaCpp(modelPath) {
  const require = createRequire(path.join(options.folder, "package.json"));
  const { getLlama } = await import(pathToFileURL(require.resolve(packageName)));
  const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: threads, progressLogs: false });
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const context = await model.createContext({
    contextSize: pp + tg + 16, batchSize: 512, flashAttention: true, threads: { ideal: threads, min: threads },
  });
  const sequence = context.getSequence();
  const prompt = Array.from({ length: pp }, (_, i) => 32 + ((i * 31) % 200));
  const once = async () => {
    await sequence.clearHistory();
    const start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(prompt);
    const middle = performance.now();
    let made = 0;
    for await (const _ of sequence.evaluate([65], { temperature: 0, yieldEogToken: true })) if (++made === tg) break;
    return { pp: (1e3 * pp) / (middle - start), tg: (1e3 * tg) / (performance.now() - middle) };
  };
  await once();
  console.log(JSON.stringify(await once()));
  process.exit(0);
}

const build = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../build/release");
const run = (program, args) => execFileSync(program, args.map(String), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const lastLine = (text) => JSON.parse(text.trim().split("\n").at(-1));
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const range = (values) => `${Math.min(...values).toPrecision(3)}-${Math.max(...values).toPrecision(3)}`;

function prepare(name) {
  const file = path.join(options.folder, `${name.replace(":", "-")}.gguf`);
  if (!existsSync(file)) {
    run(path.join(build, "make_random_model"), [...name.split(":"), `${file}.part`]);
    renameSync(`${file}.part`, file);
  }
  return file;
}

/** The folder of a copy of llama.cpp that has but one library for processors, or of the whole package. */
function peerFolder() {
  const kind = options["peer-kernels"];
  if (kind === undefined) return options.folder;
  const copy = path.join(options.folder, `only-${kind}`);
  if (existsSync(copy)) return copy;
  mkdirSync(`${copy}.part`, { recursive: true });
  for (const one of ["package.json", "node_modules"]) run("cp", ["-al", path.join(options.folder, one), `${copy}.part`]);
  const libraries = readdirSync(`${copy}.part/node_modules`, { recursive: true }).filter((file) => /libggml-cpu-[^/]*$/.test(file));
  if (!libraries.some((file) => file.endsWith(`-${kind}.so`))) throw new Error(`llama.cpp has no library for ${kind}`);
  for (const file of libraries) if (!file.endsWith(`-${kind}.so`)) rmSync(path.join(`${copy}.part/node_modules`, file));
  renameSync(`${copy}.part`, copy);
  return copy;
}

function compare(name) {
  const file = prepare(name), hearth = [], peer = [];
  for (let round = 0; round < rounds; ++round) {
    peer.push(lastLine(run(process.execPath, [fileURLToPath(import.meta.url), "--llama-cpp", file, "--threads", threads,
      "--pp", pp, "--tg", tg, "--folder", peerFolder()])));
    hearth.push(JSON.parse(run(path.join(build, "hearth"),
      ["bench", file, "--threads", threads, "--pp", pp, "--tg", tg, "--runs", 1, "--json",
        ...(options.kernels === undefined ? [] : ["--kernels", options.kernels])])));
  }
  const speeds = { peerPp: peer.map((r) => r.pp), peerTg: peer.map((r) => r.tg),
    pp: hearth.map((r) => r.pp_tok_s[0]), tg: hearth.map((r) => r.tg_tok_s[0]) };
  const cell = (values) => `${median(values).toPrecision(3)} (${range(values)})`;
  const ratio = (ours, theirs) => median(ours.map((value, i) => value / theirs[i])).toFixed(2);
  const share = (key) => `${(100 * median(hearth.map((r) => r[key]))).toFixed(0)} %`;
  const roof = (key) => median(hearth.map((r) => r[key])).toPrecision(3);
  console.log(`| ${name.replace(":", " ")} | ${cell(speeds.peerPp)} | ${cell(speeds.pp)} | ${ratio(speeds.pp, speeds.peerPp)} | ` +
    `${share("pp_share")} | ${cell(speeds.peerTg)} | ${cell(speeds.tg)} | ${ratio(speeds.tg, speeds.peerTg)} | ` +
    `${share("tg_share")} | ${roof("read_gb_s")} | ${roof("int8_gops")} |`);
  return hearth[0].kernels;
}

if (options["llama-cpp"]) await timeLlamaCpp(options["llama-cpp"]);
mkdirSync(options.folder, { recursive: true });
if (!existsSync(path.join(options.folder, "node_modules", packageName)))
  run("npm", ["install", "--ignore-scripts", "--no-fund", "--no-audit", "--prefix", options.folder, `${packageName}@${packageVersion}`]);
console.log("| model | llama.cpp pp | Hearth pp | ratio | share | llama.cpp tg | Hearth tg | ratio | share | GB/s | int8 GOPS |");
console.log("|---|---|---|---|---|---|---|---|---|---|---|");
const kernels = options.models.split(",").map(compare);
console.log(`\n${os.cpus()[0].model.trim()}, ${threads} threads, ${kernels[0]}, ${rounds} rounds, pp${pp} and tg${tg} in tokens/s: ` +
  "medians (range); ratios are medians of the rounds.");
