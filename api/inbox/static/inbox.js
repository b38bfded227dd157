// Keys, counter and text size. The pages work without it; nothing is loaded or sent from here.

const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿" +
    "abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENDED = new Set("^{}\\[~]|€\f");
const QUEUE = "triage-queue";
const KEYS = "triage-keys";

// As triage/drafting/segments.py counts them (3GPP TS 23.038).
function segments(text) {
  const letters = [...text];
  const plain = letters.every((letter) => BASIC.has(letter) || EXTENDED.has(letter));
  const units = plain ? letters.reduce((sum, letter) => sum + (EXTENDED.has(letter) ? 2 : 1), 0) : text.length;
  const [single, joined] = plain ? [160, 153] : [70, 67];
  return units <= single ? 1 : Math.ceil(units / joined);
}

function count(reply, counter, rest) {
  const length = [...reply.value].length;
  const { limit, segments: most } = reply.dataset;
  const needed = most ? segments(reply.value) : 0;
  const over = (limit && length > Number(limit)) || (most && needed > Number(most));
  const parts = [`${length}${limit ? ` of ${limit}` : ""} characters`];
  if (most) parts.push(`${needed} of ${most} SMS segments`);
  counter.textContent = (over ? "Too long: " : "") + parts.join(", ") + rest;
  counter.classList.toggle("over", Boolean(over));
}

function fit(reply) {
  reply.style.height = "auto";
  reply.style.height = `${reply.scrollHeight + 4}px`;
}

function watchReply(reply) {
  const counter = document.getElementById("counter");
  const rest = counter ? counter.textContent.slice(counter.textContent.indexOf(" · ")) : "";
  const update = () => {
    fit(reply);
    if (counter) count(reply, counter, rest);
  };
  reply.addEventListener("input", update);
  window.addEventListener("resize", () => fit(reply));
  update();
  // What was typed must not be lost by a key or a link.
  let leaving = false;
  document.addEventListener("submit", () => (leaving = true));
  window.addEventListener("pageshow", () => (leaving = false));
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && (reply.value !== reply.defaultValue || reply.dataset.kept)) event.preventDefault();
  });
}

// A second click while the first is under way would only be told that it came too late.
function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => delete form.dataset.sent);
}

function stored(storage, name) {
  try {
    return JSON.parse(storage.getItem(name));
  } catch {
    return null;
  }
}

function rememberQueue(table) {
  const links = [...table.querySelectorAll("a.open")].map((link) => link.getAttribute("href"));
  sessionStorage.setItem(QUEUE, JSON.stringify({ address: location.pathname + location.search, links }));
}

function offerNeighbours() {
  const queue = stored(sessionStorage, QUEUE);
  if (!queue || !Array.isArray(queue.links)) return;
  for (const link of document.querySelectorAll("a[data-queue]")) link.href = queue.address;
  const at = queue.links.indexOf(location.pathname);
  if (at < 0) return;
  for (const [id, href] of [["previous", queue.links[at - 1]], ["next", queue.links[at + 1]]]) {
    const link = document.getElementById(id);
    if (link && href) {
      link.href = href;
      link.hidden = false;
    }
  }
}

function countDown(shown) {
  const ends = performance.now() + Number(shown.dataset.seconds) * 1000;
  const timer = setInterval(() => {
    const left = Math.ceil((ends - performance.now()) / 1000);
    if (left > 0) shown.textContent = `leaves in ${left} s`;
    else {
      clearInterval(timer);
      document.getElementById("undo").disabled = true;
      shown.textContent = "is leaving";
      setTimeout(() => location.replace(location.pathname), 1500);
    }
  }, 250);
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

function press(id) {
  const found = document.getElementById(id);
  if (found) found.click();
}

function focusEnd(reply) {
  if (!reply) return;
  reply.focus();
  reply.setSelectionRange(reply.value.length, reply.value.length);
}

const ACTIONS = {
  j: () => move(1),
  k: () => move(-1),
  a: () => press("approve"),
  u: () => press("undo"),
  e: () => focusEnd(document.getElementById("reply")),
  r: () => {
    const details = document.getElementById("reject");
    if (!details) return;
    details.open = true;
    details.querySelector("select").focus();
  },
  "/": () => document.getElementById("search")?.focus(),
  "?": () => document.getElementById("keys")?.showModal(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const typing = event.target.closest?.("input, textarea, select, dialog, [contenteditable]");
  if (typing) {
    if (event.key === "Escape" && !event.target.closest("dialog")) event.target.blur();
    return;
  }
  if (event.repeat && !"jk".includes(event.key)) return;
  const act = Object.hasOwn(ACTIONS, event.key) ? ACTIONS[event.key] : null;
  if (!act || (event.key !== "?" && stored(localStorage, KEYS) === false)) return;
  event.preventDefault();
  act();
}

document.documentElement.classList.add("script");
document.addEventListener("keydown", onKey);
document.querySelectorAll("form[data-once]").forEach(sendOnce);
const reply = document.getElementById("reply");
if (reply) watchReply(reply);
const table = document.querySelector("[data-queue-rows]");
if (table) rememberQueue(table);
else offerNeighbours();
const leaves = document.getElementById("leaves");
if (leaves) countDown(leaves);
const help = document.getElementById("show-keys");
if (help) {
  help.hidden = false;
  help.addEventListener("click", ACTIONS["?"]);
  const on = document.getElementById("keys-on");
  on.checked = stored(localStorage, KEYS) !== false;
  on.addEventListener("change", () => localStorage.setItem(KEYS, JSON.stringify(on.checked)));
}
