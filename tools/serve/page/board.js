// What the server is doing: figures, lines over time and tables, from its metrics.
import { call } from "./api.js";
import { labelValues, parseMetrics, total } from "./metrics.js";
import { plot } from "./plot.js";

const period = 2000, slots = 300;  // ten minutes
const history = [];                // of all samples, the newest last
let watch = 0;  // counts the times that the board was opened or left; odd while it is open

const whole = (value) => Math.round(value).toLocaleString("en");
const seconds = (value) => (value < 1 ? `${Math.round(value * 1e3)} ms` : `${value.toFixed(1)} s`);
const percent = (value) => `${Math.round(value * 100)} %`;

/** From one look to the next: how much a count grew, for each second. */
function rates(name) {
  return history.slice(1).map((now, i) => (total(now.samples, name) - total(history[i].samples, name)) / (now.time - history[i].time));
}
/** The mean of a histogram's values between two looks; NaN where there were none. */
function means(name) {
  return history.slice(1).map((now, i) => {
    const grown = (part) => total(now.samples, `${name}_${part}`) - total(history[i].samples, `${name}_${part}`);
    return grown("count") > 0 ? grown("sum") / grown("count") : NaN;
  });
}
const gauges = (name) => history.map((one) => total(one.samples, name));
const share = (samples, name, of) => total(samples, of) > 0 ? total(samples, name) / total(samples, of) : 0;

/** The share of requests answered here, where any were decided. */
const localShare = (samples) => samples.find((one) => one.name === "hearth_local_share" && one.labels.task === "all")?.value;
function answeredHere(samples) {
  const value = localShare(samples);
  return value === undefined ? [] : [["Answered here", percent(value)]];
}

/** What was spent today, as bars against the limits. */
function budgets(list) {
  const box = document.getElementById("budgets");
  box.hidden = list.length === 0;
  const bars = list.flatMap(({ account, money, tokens, money_per_day, tokens_per_day }) => {
    const bar = (used, most, text) => {
      const label = document.createElement("label");
      label.append(Object.assign(document.createElement("span"), { textContent: `${account}: ${text}` }));
      if (most > 0) label.append(Object.assign(document.createElement("meter"), { min: 0, max: most, value: used, high: most * 0.8 }));
      return label;
    };
    const shown = [];
    if (money_per_day > 0 || tokens_per_day === 0)
      shown.push(bar(money, money_per_day, `${money.toFixed(2)}${money_per_day > 0 ? ` of ${money_per_day}` : ""} spent today`));
    if (tokens_per_day > 0) shown.push(bar(tokens, tokens_per_day, `${whole(tokens)} of ${whole(tokens_per_day)} tokens today`));
    return shown;
  });
  box.replaceChildren(Object.assign(document.createElement("h2"), { textContent: "Spent at remotes" }), ...bars);
}

function figures(samples) {
  const shown = [
    ["Requests running", whole(total(samples, "hearth_requests_running"))],
    ["Requests waiting", whole(total(samples, "hearth_requests_waiting"))],
    ["Tokens written", whole(total(samples, "hearth_generated_tokens_total"))],
    ["Prompt from cache", percent(share(samples, "hearth_cached_tokens_total", "hearth_prompt_tokens_total"))],
    ["Cache in use", percent(share(samples, "hearth_cache_used_tokens", "hearth_cache_tokens"))],
    ["Connections", whole(total(samples, "hearth_connections"))],
    ...answeredHere(samples),
  ];
  return shown.map(([name, value]) => {
    const box = document.createElement("div");
    box.append(Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: value }));
    return box;
  });
}

function plots() {
  return [
    plot("Tokens written a second", [{ values: rates("hearth_generated_tokens_total") }], slots, (value) => value.toFixed(1)),
    plot("Requests", [{ name: "running", values: gauges("hearth_requests_running") },
      { name: "waiting", values: gauges("hearth_requests_waiting") }], slots, whole),
    plot("Time to first token", [{ values: means("hearth_time_to_first_token_seconds") }], slots, seconds),
    plot("Time of a token", [{ values: means("hearth_time_per_token_seconds") }], slots, seconds),
    plot("Cache in use", [{ values: history.map((one) => share(one.samples, "hearth_cache_used_tokens", "hearth_cache_tokens")) }],
      slots, percent),
    plot("Answered here", [{ values: history.map((one) => localShare(one.samples) ?? NaN) }], slots, percent),
    plot("Prompt tokens read a second", [{ values: rates("hearth_prompt_tokens_total") }], slots, (value) => value.toFixed(0)),
  ];
}

function fill(id, rows) {
  document.querySelector(`#${id} tbody`).replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map((cell) => Object.assign(document.createElement("td"), { textContent: cell })));
    return row;
  }));
}

function tables(samples) {
  fill("models", labelValues(samples, "hearth_model_loaded", "model").map((model) => {
    const of = (name) => total(samples, name, { model });
    const answered = of("hearth_time_to_first_token_seconds_count");
    const place = of("hearth_cache_tokens");
    return [model, of("hearth_model_loaded") ? "yes" : "no", whole(of("hearth_requests_running")), whole(of("hearth_requests_waiting")),
      whole(of("hearth_generated_tokens_total")), answered > 0 ? seconds(of("hearth_time_to_first_token_seconds_sum") / answered) : "–",
      place > 0 ? percent(of("hearth_cache_used_tokens") / place) : "–"];
  }));
  fill("requests", samples.filter((one) => one.name === "hearth_requests_total")
    .sort((a, b) => b.value - a.value).map((one) => [one.labels.endpoint, one.labels.status, whole(one.value)]));
}

async function look(mine) {
  try {
    const samples = parseMetrics(await (await call("metrics")).text());
    history.push({ time: performance.now() / 1e3, samples });
    if (history.length > slots) history.shift();
    document.getElementById("figures").replaceChildren(...figures(samples));
    document.getElementById("plots").replaceChildren(...plots());
    tables(samples);
    budgets((await (await call("v1/hearth/budgets")).json()).data);
  } catch { /* the line at the top says it */ }
  setTimeout(() => { if (mine === watch) look(mine); }, period);
}

export function startBoard() {
  if (watch % 2 === 0) look(++watch);
}

export function stopBoard() {
  if (watch % 2 === 1) ++watch;
}
