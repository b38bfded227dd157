// Typed text is not lost by a link. The pages work without this script.

const form = document.querySelector("form[data-guard]");

// What is chosen only to look at something is no change of the article.
const LOOKING = new Set(["question", "channel", "beside", "token", "stamp"]);

function changed(field) {
  if (!field.name || LOOKING.has(field.name)) return false;
  if (field.type === "checkbox") return field.checked !== field.defaultChecked;
  if (field.options) {
    // Without a default the first option is shown.
    const standard = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(0, standard);
  }
  return field.value !== field.defaultValue;
}

if (form) {
  let leaving = false;
  form.addEventListener("submit", () => (leaving = true));
  window.addEventListener("pageshow", () => (leaving = false));
  window.addEventListener("beforeunload", (event) => {
    const typed = Boolean(form.dataset.kept) || [...form.elements].some(changed);
    if (!leaving && typed) event.preventDefault();
  });
}
