// The npm package @anthropic-ai/sdk against a live server.
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { becomes, startServer } from "./server.mjs";

const baseURL = (await startServer()).replace(/\/v1$/, "");
const client = new Anthropic({ baseURL, apiKey: "unused", maxRetries: 0 });
const messages = [{ role: "user", content: "Read greet.js" }];
const ask = { model: "scripted", max_tokens: 256, messages };

test("a message", async () => {
  const message = await client.messages.create(ask);
  assert.equal(message.type, "message");
  assert.deepEqual(message.content, [{ type: "text", text: "Greet with a comma" }]);
  assert.equal(message.stop_reason, "end_turn");
  assert.equal(message.usage.output_tokens, 4);
});

test("a stream, raw and assembled", async () => {
  const types = [];
  for await (const event of await client.messages.create({ ...ask, stream: true })) types.push(event.type);
  assert.deepEqual([...new Set(types)],
    ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"]);
  const stream = client.messages.stream(ask);
  let text = "";
  stream.on("text", (piece) => { text += piece; });
  const final = await stream.finalMessage();
  assert.equal(text, "Greet with a comma");
  assert.equal(final.content[0].text, text);
  assert.equal(final.usage.output_tokens, 4);
  assert.ok(final.usage.input_tokens + final.usage.cache_read_input_tokens > 10);
});

test("stop sequences and a limit", async () => {
  const stopped = await client.messages.create({ ...ask, stop_sequences: [" a"] });
  assert.equal(stopped.stop_reason, "stop_sequence");
  assert.equal(stopped.content[0].text, "Greet with");
  const cut = await client.messages.create({ ...ask, max_tokens: 2 });
  assert.equal(cut.stop_reason, "max_tokens");
});

test("tools and their results are read", async () => {
  const message = await client.messages.create({
    ...ask,
    system: [{ type: "text", text: "Be kind.", cache_control: { type: "ephemeral" } }],
    tools: [{ name: "read", description: "Reads.", input_schema: { type: "object", properties: { path: { type: "string" } } } }],
    messages: [
      ...messages,
      { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "read", input: { path: "greet.js" } }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "text" }] },
    ],
  });
  assert.equal(message.content[0].text, "Greet with a comma");
});

test("count_tokens", async () => {
  const { input_tokens: tokens } = await client.messages.countTokens({ model: "scripted", messages });
  const { usage } = await client.messages.create(ask);
  assert.equal(tokens, usage.input_tokens + usage.cache_read_input_tokens);
});

test("models", async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.deepEqual(ids, ["scripted"]);
  assert.equal((await client.models.retrieve("scripted")).type, "model");
});

test("errors are of the right classes", async () => {
  const fails = (fields, check) =>
    assert.rejects(client.messages.create({ ...ask, ...fields }), (error) => (check(error), true));
  await fails({ model: "nope" }, (error) => assert.ok(error instanceof Anthropic.NotFoundError));
  await fails({ temperature: 9 }, (error) => {
    assert.ok(error instanceof Anthropic.BadRequestError);
    assert.match(error.message, /temperature/);
  });
  await fails({ messages: [{ role: "user", content: "x".repeat(70_000) }], stream: true }, (error) => {
    assert.ok(error instanceof Anthropic.BadRequestError);
    assert.match(error.message, /prompt is too long: \d+ tokens > 65536 maximum/);
  });
});

test("a key goes by both headers", async () => {
  const keyed = (await startServer("--api-key", "right")).replace(/\/v1$/, "");
  for (const options of [{ apiKey: "right" }, { authToken: "right", apiKey: null }]) {
    const message = await new Anthropic({ baseURL: keyed, maxRetries: 0, ...options }).messages.create(ask);
    assert.equal(message.role, "assistant");
  }
  await assert.rejects(new Anthropic({ baseURL: keyed, apiKey: "wrong", maxRetries: 0 }).messages.create(ask),
    Anthropic.AuthenticationError);
});

test("abort frees the place", async () => {
  const endless = [{ role: "user", content: "BCDFGHJKLNPQVXYZB" }];
  const stream = await client.messages.create({ ...ask, max_tokens: 60_000, messages: endless, stream: true });
  stream.controller.abort();
  assert.ok(await becomes(`${baseURL}/v1`, 'hearth_requests_running{model="scripted"}', 0));
});
