// The draft: read as it will be sent, edited in place, counted and checked while it is written.

const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿" +
    "abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENDED = new Set("^{}\\[~]|€\f");
const PAUSE = 600;
const PLACE = "0000";

// As triage/drafting/segments.py counts them (3GPP TS 23.038).
function segments(text) {
  const letters = [...text];
  const plain = letters.every((letter) => BASIC.has(letter) || EXTENDED.has(letter));
  const units = plain ? letters.reduce((sum, letter) => sum + (EXTENDED.has(letter) ? 2 : 1), 0) : text.length;
  const [single, joined] = plain ? [160, 153] : [70, 67];
  return units <= single ? 1 : Math.ceil(units / joined);
}

const SINGLE = [[0, 4351], [8192, 8205], [8208, 8223], [8242, 8247]];

// As triage/drafting/length.py counts them.
const LENGTHS = {
  characters: (text) => [...text].length,
  bytes: (text) => new TextEncoder().encode(text).length,
  "weighted characters": (text) => {
    let links = 0;
    const bare = text.replace(/https?:\/\/\S+|www\.\S+/g, () => ((links += 1), ""));
    const weight = (letter) => (SINGLE.some(([low, high]) => low <= letter.codePointAt(0) && letter.codePointAt(0) <= high) ? 1 : 2);
    return 23 * links + [...bare].reduce((sum, letter) => sum + weight(letter), 0);
  },
};

function count(text, shown) {
  const { unit, limit, segments: most, words, joined, over, locale } = shown.dataset;
  const written = (number) => number.toLocaleString(locale, { numberingSystem: "latn" });
  const length = (LENGTHS[unit] || LENGTHS.characters)(text);
  const needed = most ? segments(text) : 0;
  const tooLong = (limit && length > Number(limit)) || (most && needed > Number(most));
  const parts = [words.replace(PLACE, written(length))];
  if (most) parts.push(joined.replace(PLACE, written(needed)));
  shown.textContent = (tooLong ? `${over} ` : "") + parts.join(", ");
  shown.classList.toggle("over", Boolean(tooLong));
}

function fit(reply) {
  reply.style.height = "auto";
  reply.style.height = `${reply.scrollHeight + 4}px`;
}

export function isEdited(reply) {
  return reply.value !== reply.defaultValue || Boolean(reply.dataset.kept);
}

// The text as the server reads it: citations, breaches and what is missing, marked anew after each pause in typing.
function recheck(reply, preview) {
  let timer = 0;
  let asked = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const number = (asked += 1);
      const form = new URLSearchParams(new FormData(reply.form));
      try {
        const answer = await fetch(preview.dataset.address, { method: "POST", body: form, redirect: "error" });
        if (!answer.ok || number !== asked) return;
        const found = new DOMParser().parseFromString(await answer.text(), "text/html");
        preview.replaceChildren(...found.body.childNodes);
      } catch {
        // What was marked before stays; the server checks again when it is sent.
      }
    }, PAUSE);
  };
}

function openSource(event) {
  const link = event.target.closest("a.ref");
  const source = link && document.querySelector(link.getAttribute("href"));
  if (!source) return;
  const details = source.querySelector("details");
  if (details) details.open = true;
  document.querySelectorAll(".sources .pointed").forEach((old) => old.classList.remove("pointed"));
  source.classList.add("pointed");
}

export function watchReply() {
  const reply = document.getElementById("reply");
  if (!reply) return;
  const shown = document.getElementById("count");
  const preview = document.getElementById("preview");
  const check = preview ? recheck(reply, preview) : () => {};
  const update = () => {
    fit(reply);
    if (shown) count(reply.value, shown);
  };
  reply.addEventListener("input", () => {
    update();
    check();
  });
  window.addEventListener("resize", () => fit(reply));
  if (preview) {
    preview.addEventListener("click", openSource);
    document.getElementById("edit").addEventListener("click", editReply);
    setMode(isEdited(reply) ? "edit" : "read");
  }
  update();
  // What was typed must not be lost by a key or a link.
  let leaving = false;
  document.addEventListener("submit", (event) => (leaving = event.target.contains(reply) || !isEdited(reply)));
  window.addEventListener("pageshow", () => (leaving = false));
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && isEdited(reply)) event.preventDefault();
  });
}

function setMode(mode) {
  document.getElementById("decision").dataset.mode = mode;
  document.getElementById("preview").dataset.mode = mode;
  document.getElementById("edit").hidden = mode === "edit";
}

export function editReply() {
  const reply = document.getElementById("reply");
  if (!reply) return;
  if (document.getElementById("preview")) setMode("edit");
  fit(reply);
  reply.focus();
  reply.setSelectionRange(reply.value.length, reply.value.length);
}
