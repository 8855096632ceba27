// Stands between a client and a server: passes all on as it is, and remembers what was asked.
import http from "node:http";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export class Recorder {
  requests = [];  // {method, path, headers, body, status}

  /** Listens on a free port, for the server at `url`. */
  static async start(url) {
    const recorder = new Recorder();
    recorder.server = http.createServer((request, response) => recorder.#pass(new URL(url), request, response));
    await new Promise((resolve) => recorder.server.listen(0, "127.0.0.1", resolve));
    recorder.url = `http://127.0.0.1:${recorder.server.address().port}`;
    return recorder;
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }

  #pass(to, request, response) {
    const pieces = [];
    const one = { method: request.method, path: request.url, headers: request.headers, body: null, status: 0 };
    this.requests.push(one);
    const onward = http.request({ host: to.hostname, port: to.port, method: one.method, path: one.path, headers: one.headers });
    onward.on("response", (answer) => {
      one.status = answer.statusCode;
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.on("data", (piece) => { pieces.push(piece); onward.write(piece); });
    request.on("end", () => { one.body = Buffer.concat(pieces).toString(); onward.end(); });
  }

  /**
   * Writes the requests to a folder, as small as they can be while they still say what a client sends: without long
   * texts and without what is of this machine alone. `words`: pairs of what is written and what is put in its place.
   */
  save(folder, script, words) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const plain = (text) => words.reduce((done, [from, to]) => done.replaceAll(from, to), text)
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "00000000-0000-0000-0000-000000000000")
      .replace(/[0-9a-f]{40,64}/g, (id) => "0".repeat(id.length));
    const write = (name, value) => writeFileSync(join(folder, name), plain(JSON.stringify(value, shorten)) + "\n");
    write("script.json", script);
    this.requests.forEach(({ method, path, headers, body }, index) => {
      const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => /^(anthropic|content-type|user-agent)/.test(name)));
      const name = `${String(index + 1).padStart(2, "0")}-${method}-${path.replace(/\?.*/, "").slice(1).replaceAll("/", "_")}.json`;
      write(name, { method, path, headers: kept, body: body ? JSON.parse(body) : null });
    });
  }
}

/** Calls come back word for word, other long texts only by their length, descriptions not at all. */
function shorten(key, value) {
  if (typeof value !== "string" || ["arguments", "input"].includes(key)) return value;
  if (key === "description") return value === "" ? "" : "...";
  return value.length > 160 ? `[text, ${value.length} characters]` : value;
}
