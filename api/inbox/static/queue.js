// The queue: what is chosen, which conversation comes next, and rows that change while nobody reloads.

const QUEUE = "triage-queue";
const PLACE = "0000";

export function stored(storage, name) {
  try {
    return JSON.parse(storage.getItem(name));
  } catch {
    return null;
  }
}

function rememberQueue() {
  const links = [...document.querySelectorAll("table.queue a.open")].map((link) => link.getAttribute("href"));
  sessionStorage.setItem(QUEUE, JSON.stringify({ address: location.pathname + location.search, links }));
}

export function offerNeighbours() {
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

function ticks() {
  return [...document.querySelectorAll("td.tick input")];
}

function showChosen() {
  const bar = document.getElementById("bulk-bar");
  if (!bar) return;
  const chosen = ticks().filter((tick) => tick.checked).length;
  const shown = document.getElementById("chosen-count");
  shown.textContent = shown.dataset.words.replace(PLACE, String(chosen));
  bar.classList.toggle("idle", !chosen);
  const all = document.getElementById("tick-all");
  if (all) {
    all.checked = chosen > 0 && chosen === ticks().length;
    all.indeterminate = chosen > 0 && !all.checked;
  }
}

function readyTable() {
  const all = document.getElementById("tick-all");
  if (all) all.closest("label").hidden = false;
  rememberQueue();
  showChosen();
}

// With no row chosen, `i` and `c` take the one that has the focus.
export function actOnFocused(id) {
  const row = document.activeElement.closest?.("tr[data-id]");
  const button = document.getElementById(id);
  if (!button) return;
  if (row && !ticks().some((tick) => tick.checked)) row.querySelector("td.tick input").checked = true;
  if (ticks().some((tick) => tick.checked)) button.click();
}

const live = () => document.getElementById("live");

// A row that changed is told from its old self by what stands in it; what the agent has ticked stays ticked.
function renew(old, found) {
  const ticked = old.querySelector("td.tick input").checked;
  const focused = old.contains(document.activeElement) && document.activeElement.matches("a.open");
  if (old.innerHTML === found.innerHTML) return;
  const written = old.dataset.seq !== found.dataset.seq;
  old.replaceChildren(...found.childNodes);
  Object.assign(old.dataset, found.dataset);
  old.querySelector("td.tick input").checked = ticked;
  if (focused) old.querySelector("a.open").focus();
  if (written) old.classList.add("renewed");
}

function swap(id, found) {
  const [old, fresh] = [document.getElementById(id), found.getElementById(id)];
  if (old && fresh && old.innerHTML !== fresh.innerHTML && !old.contains(document.activeElement)) old.replaceWith(fresh);
}

function title(found) {
  const open = document.getElementById("figures")?.dataset.open;
  const plain = document.title.replace(/^\(\d+\) /, "");
  if (open) document.title = `(${open}) ${plain}`;
}

function offer(number, found) {
  const words = live().dataset;
  const button = document.createElement("button");
  button.type = "button";
  button.id = "show-new";
  button.textContent = `${words.more.replace(PLACE, String(number))} · ${words.show}`;
  button.addEventListener("click", () => {
    live().replaceChildren();
    document.getElementById("queue").replaceWith(found.getElementById("queue"));
    readyTable();
    document.querySelector("table.queue a.open")?.focus();
  });
  const shown = document.getElementById("show-new");
  if (shown) shown.replaceWith(button);
  else live().append(button);
}

function announce(words) {
  const told = document.createElement("p");
  told.className = "notice trouble";
  told.textContent = words;
  live().prepend(told);
  setTimeout(() => told.remove(), 8000);
}

function put(found) {
  swap("figures", found);
  swap("view-list", found);
  title();
  const body = document.querySelector("table.queue tbody");
  const fresh = [...found.querySelectorAll("table.queue tbody tr")];
  if (!body) {
    if (fresh.length) offer(fresh.length, found);
    return;
  }
  const rows = new Map([...body.rows].map((row) => [row.dataset.id, row]));
  let waiting = 0;
  for (const row of fresh.reverse()) {
    const old = rows.get(row.dataset.id);
    if (old) {
      old.classList.remove("gone");
      const becameCritical = row.dataset.critical && !old.dataset.critical;
      renew(old, row.cloneNode(true));
      if (becameCritical) lift(body, old);
    } else if (row.dataset.critical && document.getElementById("queue").dataset.first) {
      lift(body, row.cloneNode(true));
    } else waiting += 1;
    rows.delete(row.dataset.id);
  }
  for (const row of rows.values()) {
    row.classList.add("gone");
    row.title = live().dataset.gone;
  }
  if (waiting) offer(waiting, found);
  else document.getElementById("show-new")?.remove();
  rememberQueue();
  showChosen();
}

// A critical message is worth a jump; the row says so, and who hears the page is told.
function lift(body, row) {
  const focused = document.activeElement;
  row.classList.add("arrived");
  body.prepend(row);
  if (focused?.isConnected && focused !== document.body) focused.focus({ preventScroll: true });
  announce(live().dataset.critical);
}

export async function refreshQueue() {
  const address = new URL(location.href);
  if (!document.getElementById("queue")) return;
  if (address.pathname !== "/") address.search = new URL(document.querySelector("[data-address]")?.dataset.address || "/", location).search;
  address.pathname = "/";
  address.searchParams.set("part", "rows");
  const answer = await fetch(address, { redirect: "error" });
  if (answer.ok) put(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

export function watchQueue() {
  const form = document.getElementById("bulk");
  if (!form) return;
  readyTable();
  title();
  form.addEventListener("change", (event) => {
    if (event.target.id === "tick-all") for (const tick of ticks()) tick.checked = event.target.checked;
    showChosen();
  });
  // What a POST answered must not be posted again by a reload.
  const table = document.querySelector("[data-address]");
  if (document.querySelector("[data-report]") && table) history.replaceState(null, "", table.dataset.address);
}
