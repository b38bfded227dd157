// Hears what changed and lets the page say so: a stream while it is seen, now and then a question where no stream gets through.

import { refreshQueue } from "./queue.js";
import { isEdited } from "./reply.js";

const ASK = 15000;
const TOGETHER = 700;
const TURN = 60000;

const box = document.getElementById("live");
const conversation = box?.dataset.conversation || "";
let since = box?.dataset.since || document.getElementById("queue")?.dataset.since || "";
let stream = null;
let timer = 0;
let waiting = 0;
let busy = false;
let again = false;

function ended() {
  stop();
  const told = document.createElement("p");
  const link = document.createElement("a");
  told.className = "notice trouble";
  link.href = "/login";
  link.textContent = box.dataset.enter;
  told.append(`${box.dataset.out} `, link);
  box.replaceChildren(told);
}

function notice(words, kind) {
  if (box.querySelector(`[data-kind="${kind}"]`)) return;
  const told = document.createElement("p");
  const link = document.createElement("a");
  told.className = "notice";
  told.dataset.kind = kind;
  link.href = location.pathname;
  link.textContent = box.dataset.show;
  told.append(`${words} `, link);
  box.append(told);
}

function showViewers(names) {
  const shown = document.getElementById("viewers");
  if (!shown) return;
  shown.hidden = !names.length;
  shown.textContent = shown.dataset.words.replace("0000", names.join(", "));
}

// Nothing that was typed, opened or chosen is lost by a reload where there is nothing to decide yet.
function isUntouched() {
  const reply = document.getElementById("reply");
  return (!reply || !isEdited(reply)) && !document.activeElement?.matches("input, select, textarea") && !document.querySelector("dialog[open]");
}

async function refreshConversation() {
  const answer = await fetch(`/conversations/${encodeURIComponent(conversation)}/state`, { redirect: "error" });
  if (answer.status === 401) return ended();
  if (answer.status === 404) return notice(box.dataset.lost, "lost");
  if (!answer.ok) return;
  const now = await answer.json();
  const before = box.dataset;
  showViewers(now.viewers);
  if (before.reading && !now.reading && isUntouched()) {
    location.reload();
    return;
  }
  const [draft, revision] = before.draft.split(" ");
  const [newDraft, newRevision] = now.draft.split(" ");
  if (String(now.asked) !== before.asked) notice(before.newer, "newer");
  else if (newDraft && newDraft !== draft) notice(before.ready, "ready");
  else if (now.state !== before.state && now.state === "sent") notice(before.replied, "replied");
  else if (now.state !== before.state) notice(before.decided, "decided");
  else if (newRevision !== revision) notice(before.edited, "edited");
  else if (now.status !== before.status || now.assignee !== before.assignee) notice(before.handled, "handled");
}

async function refresh() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    await (conversation ? refreshConversation() : refreshQueue());
  } catch {
    // The server is away, or says that nobody is logged in; the stream or the next question finds out which.
  }
  busy = false;
  if (again) {
    again = false;
    soon();
  }
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(refresh, TOGETHER);
}

function heard(told) {
  since = told.id;
  const named = told.conversations;
  if (!conversation || named === null || named.includes(conversation)) soon();
}

function parameters() {
  return new URLSearchParams({ on: document.hidden ? "" : conversation, since });
}

function listen() {
  stream = new EventSource(`/live?${parameters()}`);
  stream.addEventListener("change", (event) => heard(JSON.parse(event.data)));
  stream.addEventListener("end", ended);
  stream.addEventListener("error", () => {
    if (stream?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    stop();
    timer = setInterval(ask, ASK);
    ask();
  });
}

async function ask() {
  try {
    const answer = await fetch(`/live/changes?${parameters()}`, { redirect: "error" });
    if (answer.status === 401) ended();
    else if (answer.ok) {
      const told = await answer.json();
      if (told.conversations === null || told.conversations.length) heard(told);
      else since = told.id;
    }
  } catch {
    // Away for now.
  }
}

function stop() {
  stream?.close();
  stream = null;
  clearInterval(timer);
}

// A browser has six lines to a server (HTTP/1.1): a page that nobody sees must not hold one.
function begin() {
  stop();
  if (document.hidden) timer = setInterval(ask, ASK);
  else listen();
}

export function watchChanges() {
  if (!box) return;
  begin();
  document.addEventListener("visibilitychange", begin);
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) begin();
  });
  if (!conversation) setInterval(() => document.hidden || refresh(), TURN); // due times and ages go on
}
