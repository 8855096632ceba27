// A conversation with one model, streamed, kept in this tab alone.
import { call, events } from "./api.js";
import { keepsLog } from "./audit.js";
import { verdictButtons } from "./compare.js";

const by = (id) => document.getElementById(id);
const element = (name, properties = {}) => Object.assign(document.createElement(name), properties);

let turns = [];
let judged = false;  // the server keeps what is thought of answers
let running;  // the AbortController of the answer that is being written

/** Text with its fenced code as code. Nothing in it is taken for markup. */
function render(text) {
  return text.split(/^```/m).map((part, i) => {
    if (i % 2 === 0) return element("p", { textContent: part.replace(/^\n+|\s+$/g, "") });
    const code = element("code", { textContent: part.replace(/^[^\n]*\n/, "") });
    const block = element("pre");
    block.tabIndex = 0;  // so that the keyboard can scroll it
    block.append(code);
    return block;
  }).filter((part) => part.textContent !== "");
}

function bubble(role) {
  by("messages").querySelector(".empty")?.remove();
  const article = element("article", { className: role });
  article.setAttribute("aria-label", role === "user" ? "You" : "Model");
  by("messages").append(article);
  return article;
}

function scroll() {
  const list = by("messages");
  if (list.scrollHeight - list.scrollTop - list.clientHeight < 120) list.scrollTop = list.scrollHeight;
}

/** Where the messages of the chosen model go; nothing while the models are not known. */
function place() {
  const chosen = by("model").selectedOptions[0];
  if (!chosen) return "";
  const { provider, chooses } = chosen.dataset;
  if (chooses !== undefined) return "What you write here may leave this machine: the policy decides for each request.";
  return provider ? `This model is not here: what you write goes to ${provider}.` : "What you write here stays on this machine.";
}

/** A new conversation. What was still to come belongs to the one before. */
function begin() {
  running?.abort();
  ended();
  turns = [];
  by("messages").replaceChildren(element("p", { className: "empty", textContent: place() }));
}

function ended() {
  running = undefined;
  by("send").hidden = false;
  by("stop").hidden = true;
}

/** Shows an answer as it grows; returns what is to be called with each change of it. */
function show(article) {
  const thoughts = element("details"), thought = element("p"), body = element("div"), foot = element("footer");
  thoughts.append(element("summary", { textContent: "Reasoning" }), thought);
  thoughts.hidden = true;
  article.append(thoughts, body, foot);
  return ({ text, reasoning, note }) => {
    thoughts.hidden = reasoning === "";
    thought.textContent = reasoning;
    body.replaceChildren(...render(text));
    if (note !== undefined) foot.textContent = note;
    scroll();
  };
}

function note(usage, began, first, reason, served) {
  const seconds = (performance.now() - began) / 1e3;
  const parts = [`${usage?.completion_tokens ?? "?"} tokens`];
  if (first !== undefined) parts.push(`first after ${((first - began) / 1e3).toFixed(2)} s`);
  if (usage && first !== undefined && usage.completion_tokens > 1)
    parts.push(`${((usage.completion_tokens - 1) / Math.max(seconds - (first - began) / 1e3, 1e-3)).toFixed(1)} tokens/s`);
  if (served && served !== "local") parts.push(`answered by ${served}`);
  if (reason === "length") parts.push("cut at the limit");
  if (reason === "stopped") parts.push("stopped");
  return parts.join(" · ");
}

async function answer() {
  const article = bubble("assistant");
  const update = show(article);
  const said = { text: "", reasoning: "" };
  const began = performance.now();
  let first, usage, reason, served, request;
  const conversation = turns, own = new AbortController();
  running = own;
  by("send").hidden = true;
  by("stop").hidden = false;
  try {
    const response = await call("v1/chat/completions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      signal: own.signal,
      body: JSON.stringify({
        model: by("model").value, messages: conversation, stream: true, stream_options: { include_usage: true },
        temperature: Number(by("temperature").value), max_tokens: Number(by("most").value),
      }),
    });
    served = response.headers.get("X-Hearth-Served-By");
    request = response.headers.get("X-Request-Id");
    for await (const event of events(response)) {
      if (event.error) throw new Error(event.error.message);
      usage = event.usage ?? usage;
      const choice = event.choices?.[0];
      if (!choice) continue;
      reason = choice.finish_reason ?? reason;
      if (first === undefined && (choice.delta.content || choice.delta.reasoning_content)) first = performance.now();
      said.text += choice.delta.content ?? "";
      said.reasoning += choice.delta.reasoning_content ?? "";
      update(said);
    }
  } catch (error) {
    if (error.name !== "AbortError" && conversation === turns) {
      bubble("assistant").append(element("p", { className: "wrong", textContent: error.message }));
      scroll();
    }
    reason = "stopped";
  }
  update({ ...said, note: note(usage, began, first, reason, served) });
  if (judged && request && reason !== "stopped")
    article.append(verdictButtons(request, { up: "Good answer", down: "Bad answer" }));
  conversation.push({ role: "assistant", content: said.text });
  if (running === own) ended();
}

function send() {
  const text = by("text").value.trim();
  if (text === "" || running) return;
  by("text").value = "";
  turns.push({ role: "user", content: text });
  bubble("user").append(...render(text));
  by("messages").scrollTop = by("messages").scrollHeight;
  answer();
}

export async function startChat() {
  begin();
  by("ask").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  by("settings").addEventListener("submit", (event) => event.preventDefault());
  by("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  by("model").addEventListener("change", begin);
  by("stop").addEventListener("click", () => running?.abort());
  by("fresh").addEventListener("click", () => { begin(); by("text").focus(); });
  const { data } = await (await call("v1/models")).json();
  judged = await keepsLog().catch(() => false);
  by("model").replaceChildren(...data.map((model) => {
    const option = element("option", { value: model.id, textContent: model.id });
    const meant = data.find((other) => other.id === model.alias_of) ?? model;
    if (meant.id === "auto" && meant.owned_by === "hearth") option.dataset.chooses = "";
    else if (meant.owned_by !== "local" && meant.owned_by !== "hearth") option.dataset.provider = meant.owned_by;
    return option;
  }));
  if (turns.length === 0) begin();
}
