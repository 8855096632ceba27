// The npm package ollama against a live server, on the port where Ollama's clients look.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ollama } from "ollama";
import { becomes, startServer } from "./server.mjs";

const baseURL = await startServer("--ollama-port", "0");
const host = new URL(baseURL).origin;
const client = new Ollama({ host });
const messages = [{ role: "user", content: "Read greet.js" }];

test("what there is", async () => {
  assert.deepEqual((await client.list()).models.map((one) => one.name), ["scripted:latest"]);
  assert.equal((await client.ps()).models[0].context_length, 65536);
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+$/);
  const shown = await client.show({ model: "scripted" });
  assert.ok(shown.capabilities.includes("insert"));
  assert.match(shown.template, /\.Suffix/);
  await assert.rejects(client.show({ model: "nope" }), (error) => (assert.equal(error.status_code, 404), true));
});

test("chat, whole and streamed", async () => {
  const answer = await client.chat({ model: "scripted:latest", messages });
  assert.equal(answer.message.content, "Greet with a comma");
  assert.equal(answer.done_reason, "stop");
  assert.equal(answer.eval_count, 4);
  let text = "", last;
  for await (const part of await client.chat({ model: "scripted", messages, stream: true })) {
    text += part.message.content;
    last = part;
  }
  assert.equal(text, "Greet with a comma");
  assert.equal(last.done, true);
});

test("generate, with options, a suffix and raw", async () => {
  const chat = await client.generate({ model: "scripted", prompt: "hello" });
  assert.equal(chat.response, "Greet with a comma");
  const raw = await client.generate({ model: "scripted", prompt: "x", raw: true, options: { num_predict: 2, num_ctx: 512 } });
  assert.equal(raw.response, " Hello,");
  assert.equal(raw.done_reason, "length");
  assert.equal((await client.generate({ model: "scripted", prompt: "a", suffix: "b" })).response, " gap");
});

test("embed", async () => {
  const { embeddings } = await client.embed({ model: "scripted", input: ["a", "b"] });
  assert.equal(embeddings.length, 2);
  assert.ok(Math.abs(Math.hypot(...embeddings[0]) - 1) < 1e-3);
  const { embedding } = await client.embeddings({ model: "scripted", prompt: "a" });
  assert.deepEqual(embedding, embeddings[0]);
});

test("pull finds what is here and fetches nothing", async () => {
  assert.equal((await client.pull({ model: "scripted" })).status, "success");
  await assert.rejects(client.pull({ model: "nope" }), /fetches none/);
});

test("errors", async () => {
  await assert.rejects(client.chat({ model: "nope", messages }), (error) => {
    assert.equal(error.status_code, 404);
    assert.match(error.message, /nope/);
    return true;
  });
  await assert.rejects(client.chat({ model: "scripted", messages, options: { temperature: 9 } }), /temperature/);
});

test("abort frees the place", async () => {
  const stream = await client.generate({ model: "scripted", prompt: "#", raw: true, stream: true });
  let parts = 0;
  try {
    for await (const _ of stream) if (++parts === 3) stream.abort();
  } catch (error) {
    assert.equal(error.name, "AbortError");
  }
  assert.ok(await becomes(baseURL, 'hearth_requests_running{model="scripted"}', 0));
});
