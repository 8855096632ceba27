// The views and how one gets from one to another.
import { startAudit } from "./audit.js";
import { startBoard, stopBoard } from "./board.js";
import { startChat } from "./chat.js";
import { startCompare } from "./compare.js";

const views = ["chat", "board", "audit", "compare"];
const tab = (view) => document.getElementById(`tab-${view}`);

function show(view) {
  for (const one of views) {
    const shown = one === view;
    document.getElementById(one).hidden = !shown;
    tab(one).setAttribute("aria-selected", String(shown));
    tab(one).tabIndex = shown ? 0 : -1;
  }
  if (view === "board") startBoard();
  else stopBoard();
  if (view === "audit") startAudit();
  if (view === "compare") startCompare();
  if (location.hash.slice(1) !== view) history.replaceState(null, "", `#${view}`);
}

for (const [i, view] of views.entries()) {
  tab(view).addEventListener("click", () => show(view));
  tab(view).addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: views.length - 1 }[event.key];
    if (step === undefined) return;
    const next = views[(i + step) % views.length];
    show(next);
    tab(next).focus();
  });
}
window.addEventListener("hashchange", () => { if (views.includes(location.hash.slice(1))) show(location.hash.slice(1)); });

startChat();
show(views.includes(location.hash.slice(1)) ? location.hash.slice(1) : "chat");
