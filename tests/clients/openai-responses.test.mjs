// The Responses API by the npm package openai against a live server.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { startServer } from "./server.mjs";

const baseURL = await startServer();
const client = new OpenAI({ baseURL, apiKey: "unused", maxRetries: 0 });

test("a response", async () => {
  const response = await client.responses.create({ model: "scripted", input: "hello" });
  assert.equal(response.output_text, "Greet with a comma");
  assert.equal(response.status, "completed");
  assert.equal(response.usage.output_tokens, 4);
});

test("a stream, raw and assembled", async () => {
  const types = [];
  for await (const event of await client.responses.create({ model: "scripted", input: "hello", stream: true }))
    types.push(event.type);
  assert.equal(types[0], "response.created");
  assert.equal(types.at(-1), "response.completed");
  const final = await client.responses.stream({ model: "scripted", input: "hello" }).finalResponse();
  assert.equal(final.output_text, "Greet with a comma");
});

test("a conversation goes on from a response", async () => {
  const first = await client.responses.create({ model: "scripted", input: "hello" });
  const second = await client.responses.create({ model: "scripted", input: "again", previous_response_id: first.id });
  assert.ok(second.usage.input_tokens > first.usage.input_tokens + 10);
  assert.equal((await client.responses.retrieve(first.id)).output_text, "Greet with a comma");
  await client.responses.delete(first.id);
  await assert.rejects(client.responses.retrieve(first.id), OpenAI.NotFoundError);
  await assert.rejects(
    client.responses.create({ model: "scripted", input: "again", previous_response_id: first.id }),
    (error) => (assert.equal(error.code, "previous_response_not_found"), true),
  );
});

test("tools of all kinds are taken, those that cannot run here with a warning", async () => {
  const { data, response } = await client.responses
    .create({
      model: "scripted",
      input: "hello",
      tools: [
        { type: "function", name: "f", strict: true, parameters: { type: "object", properties: {}, additionalProperties: false } },
        { type: "custom", name: "apply_patch", format: { type: "grammar", syntax: "lark", definition: "start: x" } },
        { type: "web_search" },
      ],
    })
    .withResponse();
  assert.equal(data.output_text, "Greet with a comma");
  assert.match(response.headers.get("x-hearth-warning"), /web_search/);
});

test("input tokens are counted", async () => {
  const { input_tokens: tokens } = await client.responses.inputTokens.count({ model: "scripted", input: "hello" });
  assert.equal(tokens, (await client.responses.create({ model: "scripted", input: "hello" })).usage.input_tokens);
});

test("errors", async () => {
  await assert.rejects(client.responses.create({ model: "nope", input: "x" }), OpenAI.NotFoundError);
  await assert.rejects(client.responses.create({ model: "scripted", input: "x".repeat(70_000) }), (error) => {
    assert.equal(error.code, "context_length_exceeded");
    return true;
  });
  const cut = await client.responses.create({ model: "scripted", input: "hello", max_output_tokens: 2 });
  assert.equal(cut.status, "incomplete");
  assert.equal(cut.incomplete_details.reason, "max_output_tokens");
});
