// The npm package openai against a live server.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { becomes, startServer } from "./server.mjs";

const baseURL = await startServer();
const client = new OpenAI({ baseURL, apiKey: "unused", maxRetries: 0 });
const messages = [{ role: "user", content: "Read greet.js" }];

test("chat", async () => {
  const answer = await client.chat.completions.create({ model: "scripted", messages });
  assert.equal(answer.choices[0].message.content, "Greet with a comma");
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.equal(answer.usage.completion_tokens, 4);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + 4);
});

test("chat stream with usage", async () => {
  const stream = await client.chat.completions.create({
    model: "scripted",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "", usage, reason;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    reason = chunk.choices[0]?.finish_reason ?? reason;
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, "Greet with a comma");
  assert.equal(reason, "stop");
  assert.equal(usage.completion_tokens, 4);
});

test("the stream helper assembles the answer", async () => {
  const final = await client.chat.completions.stream({ model: "scripted", messages }).finalChatCompletion();
  assert.equal(final.choices[0].message.content, "Greet with a comma");
});

test("a second identical prompt is found in the cache", async () => {
  const long = [{ role: "user", content: "x".repeat(2000) }];
  await client.chat.completions.create({ model: "scripted", messages: long });
  const again = await client.chat.completions.create({ model: "scripted", messages: long });
  assert.ok(again.usage.prompt_tokens_details.cached_tokens > 1900, JSON.stringify(again.usage));
});

test("abort frees the place", async () => {
  const stream = await client.completions.create({ model: "scripted", prompt: "#", stream: true });
  let chunks = 0;
  for await (const _ of stream) if (++chunks === 3) stream.controller.abort();
  assert.ok(chunks < 1000);
  assert.ok(await becomes(baseURL, 'hearth_requests_running{model="scripted"}', 0));
});

test("abort of an answer that is not streamed frees the place", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(
    client.completions.create({ model: "scripted", prompt: "#" }, { signal: controller.signal }),
    OpenAI.APIUserAbortError,
  );
  assert.ok(await becomes(baseURL, 'hearth_requests_running{model="scripted"}', 0));
});

test("logprobs", async () => {
  const answer = await client.chat.completions.create({ model: "scripted", messages, logprobs: true, top_logprobs: 2 });
  const tokens = answer.choices[0].logprobs.content;
  assert.deepEqual(tokens.map((one) => one.token), ["Greet", " with", " a", " comma"]);
  assert.equal(tokens[0].top_logprobs.length, 2);
  const plain = await client.completions.create({ model: "scripted", prompt: "x", logprobs: 1 });
  assert.deepEqual(plain.choices[0].logprobs.tokens, [" Hello", ",", " world", "!"]);
});

test("n, stop, max_tokens and logit_bias", async () => {
  const several = await client.chat.completions.create({ model: "scripted", messages, n: 3 });
  assert.deepEqual(several.choices.map((one) => one.index), [0, 1, 2]);
  const stopped = await client.completions.create({ model: "scripted", prompt: "x", stop: [", wor"] });
  assert.equal(stopped.choices[0].text, " Hello");
  assert.equal(stopped.choices[0].finish_reason, "stop");
  const short = await client.chat.completions.create({ model: "scripted", messages, max_completion_tokens: 2 });
  assert.equal(short.choices[0].message.content, "Greet with");
  assert.equal(short.choices[0].finish_reason, "length");
  const biased = await client.completions.create({
    model: "scripted", prompt: "x", max_tokens: 1, temperature: 0, logit_bias: { 120: 100 },
  });
  assert.equal(biased.choices[0].text, "x");
});

test("completions: stream, echo, suffix, tokens", async () => {
  let text = "";
  for await (const chunk of await client.completions.create({ model: "scripted", prompt: "x", stream: true, echo: true }))
    text += chunk.choices[0].text;
  assert.equal(text, "x Hello, world!");
  const gap = await client.completions.create({ model: "scripted", prompt: "a", suffix: "b" });
  assert.equal(gap.choices[0].text, " gap");
  const tokens = await client.completions.create({ model: "scripted", prompt: [120], max_tokens: 1 });
  assert.equal(tokens.choices[0].text, " Hello");
});

test("models", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.deepEqual(names, ["scripted"]);
  assert.equal((await client.models.retrieve("scripted")).context_length, 65536);
  await assert.rejects(client.models.retrieve("no/such"), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
    return true;
  });
});

test("errors are of the right classes", async () => {
  const fails = (fields, check) =>
    assert.rejects(client.chat.completions.create({ model: "scripted", messages, ...fields }), (error) => {
      check(error);
      return true;
    });
  await fails({ model: "nope" }, (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
  });
  await fails({ temperature: 9 }, (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, "temperature");
  });
  await fails({ messages: [{ role: "user", content: "x".repeat(70_000) }] }, (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.code, "context_length_exceeded");
    assert.match(error.message, /65536/);
  });
});

test("embeddings are vectors of length one", async () => {
  const { data, usage } = await client.embeddings.create({ model: "scripted", input: ["Read greet.js", "x"] });
  assert.equal(data.length, 2);
  assert.ok(usage.prompt_tokens > 2);
  const length = Math.hypot(...data[1].embedding);
  assert.ok(Math.abs(length - 1) < 1e-3, `length ${length}`);
});

test("unknown fields are ignored and named", async () => {
  const { data, response } = await client.chat.completions
    .create({ model: "scripted", messages, store: true, verbosity: "low" })
    .withResponse();
  assert.equal(data.choices[0].message.content, "Greet with a comma");
  assert.equal(response.headers.get("x-hearth-ignored-fields"), "store, verbosity");
  assert.equal(response.headers.get("x-hearth-served-by"), "local");
});

test("ten at once", async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => client.chat.completions.create({ model: "scripted", messages })),
  );
  for (const answer of answers) assert.equal(answer.choices[0].message.content, "Greet with a comma");
});

test("a wrong key", async () => {
  const keyed = await startServer("--api-key", "right");
  const wrong = new OpenAI({ baseURL: keyed, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(wrong.models.list(), OpenAI.AuthenticationError);
  const right = new OpenAI({ baseURL: keyed, apiKey: "right", maxRetries: 0 });
  assert.equal((await right.models.list()).data.length, 1);
});
