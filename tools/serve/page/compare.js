// Requests that both sides answered, side by side, to be judged.
import { call } from "./api.js";
import { keepsLog } from "./audit.js";

const element = (name, properties = {}) => Object.assign(document.createElement(name), properties);
const words = { local: "Local is better", same: "Both will do", remote: "Remote is better" };

/** Sends a verdict; `buttons` shows which one holds. */
export async function judge(request, verdict, buttons) {
  await call("v1/hearth/feedback", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ request, verdict }),
  });
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.verdict === verdict));
}

/** Buttons for verdicts: {verdict: label}. */
export function verdictButtons(request, labels, chosen) {
  const row = element("div", { className: "row verdicts" });
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "Your verdict");
  row.append(...Object.entries(labels).map(([verdict, label]) => {
    const button = element("button", { type: "button", textContent: label });
    button.dataset.verdict = verdict;
    button.setAttribute("aria-pressed", String(verdict === chosen));
    button.addEventListener("click", () => judge(request, verdict, row.children).catch(() => {}));
    return button;
  }));
  return row;
}

function side(name, text, seconds) {
  const box = element("div");
  const said = element("pre", { textContent: text ?? "" });
  said.tabIndex = 0;
  box.append(element("h3", { textContent: `${name}, ${seconds.toFixed(2)} s` }), said);
  return box;
}

/** The last thing that a user says in a body or a conversation; nothing where it cannot be told. */
function question(prompt) {
  try {
    const last = JSON.parse(prompt).messages.findLast((message) => message.role === "user");
    return typeof last.content === "string" ? last.content : last.content.map((part) => part.text ?? "").join("");
  } catch { return ""; }
}

function card(row) {
  const article = element("article", { className: "pair" });
  const kept = row.local_text !== undefined;
  const likeness = [row.exact ? "the same" : `distance ${row.distance.toFixed(2)}`];
  if (row.similarity !== undefined) likeness.push(`similarity ${row.similarity.toFixed(2)}`);
  const title = element("h2", { textContent: `${row.task} · ${row.rule} · ${likeness.join(" · ")}` });
  article.setAttribute("aria-label", title.textContent);
  article.append(title, element("p", { className: "quiet", textContent: `${row.time.replace("T", " ").slice(0, 19)} · ${row.escalated ? "the remote's answer was given" : "the local answer was given"}` }));
  const asked = question(row.prompt);
  if (asked) article.append(element("p", { className: "asked", textContent: asked }));
  if (kept) {
    const sides = element("div", { className: "sides" });
    sides.append(side(`Local, ${row.local_model}`, row.local_text, row.local_seconds),
      side(`${row.remote}, ${row.model}`, row.remote_text, row.remote_seconds));
    article.append(sides);
  } else {
    article.append(element("p", { className: "quiet", textContent: "The texts were not kept: [audit] bodies = true keeps them." }));
  }
  article.append(verdictButtons(row.request, words, row.verdict));
  return article;
}

let newest = 0;  // an older answer must not replace what a newer one has shown

export async function startCompare() {
  const mine = ++newest;
  const list = document.getElementById("pairs"), said = document.getElementById("compare-said");
  try {
    if (!await keepsLog()) {
      said.textContent = "This server keeps no audit log, and so compares nothing.";
      return;
    }
    const { data } = await (await call("v1/hearth/comparisons?last=50")).json();
    if (mine !== newest) return;
    list.replaceChildren(...data.map(card));
    said.textContent = data.length > 0 ? `${data.length === 1 ? "One request" : `${data.length} requests`} that both sides answered, the newest first. hearth compare counts your verdicts.`
      : "No request was answered by both sides yet: [shadow] escalated = 0.2 answers a fifth of those that leave here too.";
  } catch (error) {
    said.textContent = error.message;
  }
}
