// The audit trail: what was decided and what left, with filters, and whether the log is whole.
import { call } from "./api.js";

const by = (id) => document.getElementById(id);
const element = (name, properties = {}) => Object.assign(document.createElement(name), properties);
const filters = ["route", "task", "client", "rule"];
let looks = 0;  // an answer to an earlier question is dropped

const whole = (value) => Number(value ?? 0).toLocaleString("en");

function redacted(row) {
  const counts = Object.entries(row.redactions ?? {});
  return counts.length > 0 ? counts.map(([rule, count]) => `${count} ${rule}`).join(", ") : "";
}

function line(row) {
  const outcome = row.outcome ?? {};
  const leaves = row.route === "remote";
  const cells = [
    row.time.replace("T", " ").replace(/\.\d+Z$/, ""),
    leaves ? `${row.remote} ${row.model}` : `here ${row.local_model}`,
    row.rule, row.task, row.client,
    leaves ? whole(row.bytes) : "0", redacted(row),
    outcome.result ?? "open", whole((outcome.prompt_tokens ?? 0) + (outcome.answer_tokens ?? 0)),
    outcome.cost ? outcome.cost.toFixed(4) : "", outcome.seconds !== undefined ? outcome.seconds.toFixed(2) : "",
  ];
  const line = element("tr", { className: leaves ? "left" : "" });
  line.append(...cells.map((text, i) => element("td", { textContent: text, className: [5, 8, 9, 10].includes(i) ? "number" : "" })));
  if (leaves) line.title = `row ${row.n}, SHA-256 of what was sent ${row.sha256}`;
  return line;
}

async function show() {
  const mine = ++looks;
  const asked = new URLSearchParams({ last: "200" });
  for (const name of filters) if (by(`audit-${name}`).value.trim() !== "") asked.set(name, by(`audit-${name}`).value.trim());
  try {
    const { data } = await (await call(`v1/hearth/audit?${asked}`)).json();
    if (mine !== looks) return;
    document.querySelector("#trail tbody").replaceChildren(...data.map(line));
    const left = data.filter((row) => row.route === "remote");
    by("audit-said").textContent = `${data.length} decisions, ${left.length} of them to send ${whole(left.reduce((sum, row) => sum + row.bytes, 0))} bytes off this machine.`;
  } catch (error) {
    by("audit-said").textContent = error.message;
  }
}

async function verify() {
  const state = by("audit-verdict");
  state.textContent = "Checking…";
  try {
    const verdict = await (await call("v1/hearth/verify")).json();
    state.className = verdict.whole ? "good" : "wrong";
    state.textContent = verdict.whole
      ? `The log is whole: ${whole(verdict.rows)} rows, the last one ${verdict.last.slice(0, verdict.last.indexOf(":") + 13)}…`
      : `The log is not whole: ${verdict.faults.join("; ")}`;
    state.title = verdict.last;
  } catch (error) {
    state.className = "";
    state.textContent = error.message;
  }
}

/** Whether the server keeps a log at all. */
export async function keepsLog() {
  return (await (await call("v1/hearth/budgets")).json()).log;
}

let ready = false;
export async function startAudit() {
  if (!ready) {
    ready = true;
    by("audit-filters").addEventListener("submit", (event) => { event.preventDefault(); show(); });
    for (const name of filters) by(`audit-${name}`).addEventListener("change", show);
    by("audit-verify").addEventListener("click", verify);
  }
  if (!await keepsLog().catch(() => false)) {
    by("audit-said").textContent = "This server keeps no audit log; hearth.toml can name one: [audit] path.";
    return;
  }
  show();
  verify();
}
