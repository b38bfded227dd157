// Keys, and the parts of the pages that live. The pages work without it.

import { watchChanges } from "./live.js";
import { actOnFocused, offerNeighbours, stored, watchQueue } from "./queue.js";
import { editReply, watchReply } from "./reply.js";

const KEYS = "triage-keys";
const PLACE = "0000";

// A second click while the first is under way would only be told that it came too late.
function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => delete form.dataset.sent);
}

function countDown(shown) {
  const ends = performance.now() + Number(shown.dataset.seconds) * 1000;
  const timer = setInterval(() => {
    const left = Math.ceil((ends - performance.now()) / 1000);
    if (left > 0) shown.textContent = shown.dataset.words.replace(PLACE, String(left));
    else {
      clearInterval(timer);
      document.getElementById("undo").disabled = true;
      shown.textContent = shown.dataset.gone;
      setTimeout(() => location.replace(location.pathname), 1500);
    }
  }, 250);
}

// Asked for when it is wanted: the model is run once more for it.
function explain(details) {
  details.addEventListener("toggle", async () => {
    if (!details.open || details.dataset.loaded) return;
    details.dataset.loaded = "1";
    try {
      const answer = await fetch(details.dataset.address, { redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      details.replaceChildren(details.querySelector("summary"), ...found.body.childNodes);
    } catch {
      delete details.dataset.loaded; // the link to the page of its own stays
    }
  });
}

function move(step) {
  const links = [...document.querySelectorAll("table.queue a.open")];
  if (links.length) {
    const at = links.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step;
    links[Math.min(Math.max(next, 0), links.length - 1)].focus();
    return;
  }
  const link = document.getElementById(step > 0 ? "next" : "previous");
  if (link && !link.hidden) link.click();
}

function press(id, elsewhere) {
  const found = document.getElementById(id);
  if (found) found.click();
  else if (elsewhere) actOnFocused(elsewhere);
}

const ACTIONS = {
  j: () => move(1),
  k: () => move(-1),
  a: () => press("approve"),
  u: () => press("undo"),
  e: editReply,
  i: () => press("assign-me", "bulk-assign"),
  c: () => press("close", "bulk-close"),
  r: () => {
    const details = document.getElementById("reject");
    if (!details) return;
    details.open = true;
    details.querySelector("select").focus();
  },
  "/": () => {
    const search = document.getElementById("search");
    if (search) search.focus();
    else document.querySelector("a[data-queue]")?.click();
  },
  "?": () => document.getElementById("keys")?.showModal(),
};
const GO = { i: "a[data-queue]", k: 'nav a[href="/knowledge"]' };
let going = 0;

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const typing = event.target.closest?.("textarea, select, dialog, [contenteditable], input:not([type=checkbox])");
  if (typing) {
    if (event.key === "Escape" && !event.target.closest("dialog")) event.target.blur();
    return;
  }
  if (event.repeat && !"jk".includes(event.key)) return;
  const off = stored(localStorage, KEYS) === false;
  const goes = event.timeStamp - going < 1500 && !off;
  going = event.key === "g" ? event.timeStamp : -Infinity;
  if (goes && Object.hasOwn(GO, event.key)) {
    event.preventDefault();
    document.querySelector(GO[event.key])?.click();
    return;
  }
  const act = Object.hasOwn(ACTIONS, event.key) ? ACTIONS[event.key] : null;
  if (!act || (event.key !== "?" && off)) return;
  event.preventDefault();
  act();
}

going = -Infinity;
document.documentElement.classList.add("script");
document.addEventListener("keydown", onKey);
document.querySelectorAll("form[data-once]").forEach(sendOnce);
watchReply();
if (document.getElementById("bulk")) watchQueue();
else offerNeighbours();
watchChanges();
const leaves = document.getElementById("leaves");
if (leaves) countDown(leaves);
const details = document.getElementById("explain");
if (details) explain(details);
const help = document.getElementById("show-keys");
if (help) {
  help.hidden = false;
  help.addEventListener("click", ACTIONS["?"]);
  const on = document.getElementById("keys-on");
  on.checked = stored(localStorage, KEYS) !== false;
  on.addEventListener("change", () => localStorage.setItem(KEYS, JSON.stringify(on.checked)));
}
