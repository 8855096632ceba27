// Requests to the server that this page came from.

const state = document.getElementById("state");
const dialog = document.getElementById("key-dialog");
let asking;  // the promise of the key dialog while it is open

/** Asks for the key once, however many requests want it. */
function askForKey() {
  asking ??= new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      sessionStorage.setItem("key", document.getElementById("key").value);
      asking = undefined;
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

/** fetch() of a path of this server, with the key where one was given. Throws an Error with the server's own words. */
export async function call(path, init = {}) {
  for (;;) {
    const key = sessionStorage.getItem("key");
    const headers = { ...init.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
    let response;
    try {
      response = await fetch(path, { ...init, headers });
    } catch (error) {
      if (error.name !== "AbortError") state.textContent = "The server does not answer.";
      throw error;
    }
    state.textContent = "";
    if (response.ok) return response;
    if (response.status === 401) {
      await askForKey();
      continue;
    }
    const text = await response.text();
    let message = text;
    try { message = JSON.parse(text).error.message; } catch { /* it is no JSON */ }
    throw new Error(message || `the server answered ${response.status}`);
  }
}

/** The payloads of a stream of server-sent events, parsed, without the last, [DONE]. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held += value;
    const lines = held.split("\n");
    held = lines.pop();
    for (const line of lines)
      if (line.startsWith("data: ") && line !== "data: [DONE]") yield JSON.parse(line.slice(6));
  }
}
