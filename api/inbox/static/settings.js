// Settings and the first steps: copying, samples while somebody types, and waiting for what comes in.
// The pages work without it.

const LIVE_PAUSE = 500;
const LOOK_PAUSE = 2000;

function offerCopy(button) {
  const source = document.getElementById(button.dataset.copy);
  if (!navigator.clipboard || !source) return;
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = label), 2000);
  });
}

// The server answers with a part of a page, escaped as the page itself is; scripts in it would not run.
async function replaceBy(target, answer) {
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  target.replaceChildren(...parsed.body.childNodes);
}

function showWhileTyping(form) {
  const target = document.getElementById(form.dataset.into);
  let timer = 0;
  let round = 0;
  const update = async () => {
    const mine = ++round;
    const answer = await fetch(form.dataset.live, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.ok && mine === round) await replaceBy(target, answer);
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => update().catch(() => {}), LIVE_PAUSE);
  });
}

// Only the languages that are ticked, and those that have a signature, offer a signature of their own.
function showSignatures(form) {
  const labels = [...form.querySelectorAll("[data-language]")];
  const update = () => {
    const ticked = new Set([...form.querySelectorAll("input[name=language]:checked")].map((box) => box.value));
    for (const label of labels)
      label.hidden = ticked.size > 0 && !ticked.has(label.dataset.language) && !label.querySelector("textarea").value.trim();
  };
  form.addEventListener("change", update);
  update();
}

// Looks until the server says that nothing more is awaited.
function lookAgain(target) {
  const look = async () => {
    if (document.visibilityState === "visible") {
      const answer = await fetch(target.dataset.look);
      if (answer.ok) {
        await replaceBy(target, answer);
        if (answer.headers.get("x-settled")) {
          if (target.dataset.then) location.assign(target.dataset.then);
          return;
        }
      }
    }
    setTimeout(() => look().catch(() => {}), LOOK_PAUSE);
  };
  setTimeout(() => look().catch(() => {}), LOOK_PAUSE);
}

document.querySelector(".sections [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
document.querySelectorAll("[data-copy]").forEach(offerCopy);
document.querySelectorAll("form[data-live]").forEach(showWhileTyping);
document.querySelectorAll("form[data-live]").forEach(showSignatures);
document.querySelectorAll("[data-look]").forEach(lookAgain);
