// Calls of tools by all npm packages, against a live server whose model thinks, says a word and calls.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { startCaller } from "./server.mjs";

const baseURL = await startCaller();
const origin = new URL(baseURL).origin;
const openai = new OpenAI({ baseURL, apiKey: "unused", maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: origin, apiKey: "unused", maxRetries: 0 });
const schema = { type: "object", properties: { path: { type: "string" } }, required: ["path"], additionalProperties: false };
const messages = [{ role: "user", content: "Read a.js" }];
const temperature = 0;

test("openai chat, whole, streamed and gone on with", async () => {
  const ask = {
    model: "caller", temperature, messages,
    tools: [{ type: "function", function: { name: "read", parameters: schema } }],
  };
  const { message, finish_reason: reason } = (await openai.chat.completions.create(ask)).choices[0];
  assert.equal(reason, "tool_calls");
  assert.equal(message.content, "I look.");
  assert.equal(message.reasoning_content, "Which file?");
  assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), { path: "a.js" });
  const final = await openai.chat.completions.stream(ask).finalChatCompletion();
  assert.deepEqual(JSON.parse(final.choices[0].message.tool_calls[0].function.arguments), { path: "a.js" });
  const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "text" };
  const next = await openai.chat.completions.create({ ...ask, messages: [...messages, message, result] });
  assert.ok(next.usage.prompt_tokens > 50);
});

test("openai responses, with a function and free text", async () => {
  const tools = [{ type: "function", name: "read", parameters: schema, strict: true }];
  const response = await openai.responses.create({ model: "caller", temperature, input: "Read a.js", tools });
  const call = response.output.find((item) => item.type === "function_call");
  assert.deepEqual(JSON.parse(call.arguments), { path: "a.js" });
  assert.equal(response.output[0].summary[0].text, "Which file?");
  const stream = openai.responses.stream({ model: "caller", temperature, input: "Read a.js", tools });
  const final = await stream.finalResponse();
  assert.deepEqual(JSON.parse(final.output.find((item) => item.type === "function_call").arguments), { path: "a.js" });
  const next = await openai.responses.create({
    model: "caller", temperature, tools, previous_response_id: response.id,
    input: [{ type: "function_call_output", call_id: call.call_id, output: "text" }],
  });
  assert.equal(next.status, "completed");
});

test("anthropic, whole, streamed and gone on with", async () => {
  const ask = { model: "caller", temperature, max_tokens: 500, messages, tools: [{ name: "read", input_schema: schema }] };
  const message = await anthropic.messages.create(ask);
  assert.equal(message.stop_reason, "tool_use");
  assert.deepEqual(message.content.map((block) => block.type), ["thinking", "text", "tool_use"]);
  assert.deepEqual(message.content[2].input, { path: "a.js" });
  const final = await anthropic.messages.stream(ask).finalMessage();
  assert.deepEqual(final.content.map((block) => block.type), ["thinking", "text", "tool_use"]);
  assert.deepEqual(final.content[2].input, { path: "a.js" });
  const next = await anthropic.messages.create({
    ...ask,
    messages: [...messages, { role: "assistant", content: message.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: message.content[2].id, content: "text" }] }],
  });
  assert.equal(next.role, "assistant");
});

test("ollama", async () => {
  const client = new Ollama({ host: origin });
  const ask = {
    model: "caller", messages, options: { temperature },
    tools: [{ type: "function", function: { name: "read", description: "Reads.", parameters: schema } }],
  };
  const { message } = await client.chat(ask);
  assert.equal(message.thinking, "Which file?");
  assert.deepEqual(message.tool_calls[0].function.arguments, { path: "a.js" });
  let calls = 0;
  for await (const part of await client.chat({ ...ask, stream: true })) calls += part.message.tool_calls?.length ?? 0;
  assert.equal(calls, 1);
  const next = await client.chat({ ...ask, messages: [...messages, message, { role: "tool", tool_name: "read", content: "text" }] });
  assert.equal(next.done, true);
});

test("ai: a loop of tools", async () => {
  const model = createOpenAICompatible({ name: "hearth", baseURL, apiKey: "unused" }).chatModel("caller");
  const read = [];
  const tools = {
    read: tool({ description: "Reads.", inputSchema: jsonSchema(schema), execute: async ({ path }) => { read.push(path); return "text"; } }),
  };
  const { steps } = await generateText({ model, temperature, prompt: "Read a.js", tools, stopWhen: stepCountIs(2) });
  assert.equal(steps.length, 2);
  assert.equal(steps[0].reasoningText, "Which file?");
  const streamed = streamText({ model, temperature, prompt: "Read a.js", tools, stopWhen: stepCountIs(1) });
  for await (const _ of streamed.fullStream);
  assert.equal((await streamed.toolCalls)[0].toolName, "read");
  assert.deepEqual(read, ["a.js", "a.js", "a.js"]);
});
