// The npm packages ai and @ai-sdk/openai-compatible against a live server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, jsonSchema, streamText, tool } from "ai";
import { becomes, startServer } from "./server.mjs";

const baseURL = await startServer();
const provider = createOpenAICompatible({ name: "hearth", baseURL, apiKey: "unused", includeUsage: true });
const model = provider.chatModel("scripted");

test("generateText", async () => {
  const { text, finishReason, usage } = await generateText({ model, prompt: "Read greet.js" });
  assert.equal(text, "Greet with a comma");
  assert.equal(finishReason, "stop");
  assert.equal(usage.outputTokens, 4);
});

test("streamText", async () => {
  const result = streamText({ model, prompt: "Read greet.js" });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  assert.equal(text, "Greet with a comma");
  assert.equal(await result.finishReason, "stop");
  assert.equal((await result.usage).outputTokens, 4);
});

test("completions", async () => {
  const { text } = await generateText({ model: provider.completionModel("scripted"), prompt: "hello" });
  assert.equal(text, " Hello, world!");
});

test("abort frees the place", async () => {
  const controller = new AbortController();
  const result = streamText({
    model: provider.completionModel("scripted"),
    messages: [{ role: "user", content: "#" }],
    prompt: undefined,
    abortSignal: controller.signal,
    onError: () => {},
  });
  for await (const _ of result.textStream) controller.abort();
  assert.ok(await becomes(baseURL, 'hearth_requests_running{model="scripted"}', 0));
});

test("errors carry status and words", async () => {
  await assert.rejects(generateText({ model: provider.chatModel("nope"), prompt: "x", maxRetries: 0 }), (error) => {
    assert.ok(APICallError.isInstance(error));
    assert.equal(error.statusCode, 404);
    assert.match(error.message, /nope/);
    return true;
  });
});

test("a tool is handed to the template", async () => {
  const { text } = await generateText({
    model,
    prompt: "Read greet.js",
    tools: { read: tool({ description: "reads", inputSchema: jsonSchema({ type: "object", properties: {} }) }) },
  });
  assert.equal(text, "Greet with a comma");
});
