"""What a page did beyond showing itself: scripts of others, requests to elsewhere, errors."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request

STRANGE = """() => {
  const written = ["text", "search", "password", "number", "email", "url", "date", "datetime-local", "time"];
  const ours = [...written, "hidden", "checkbox", "radio", "file"];
  const never = ["iframe", "object", "embed", "base", "marquee", "img", "video", "audio", "math", "applet", "frame"];
  const found = [];
  for (const one of document.querySelectorAll("*")) {
    const tag = one.localName;
    for (const attribute of one.attributes) {
      if (/^on/i.test(attribute.name)) found.push(`${tag} ${attribute.name}`);
      if (attribute.name === "style" && !one.matches("textarea")) found.push(`${tag} style`);
      if (/^(href|src|action|formaction|data|xlink:href|srcset|poster)$/i.test(attribute.name)) {
        const leads = new URL(attribute.value.trim(), location.href);
        const kept = leads.origin === location.origin || attribute.value === "data:,";
        // Our own links to elsewhere (where a channel's rule is written) tell nothing of where they are followed from.
        const cited = tag === "a" && one.relList.contains("noreferrer") && /^https:..(?!evil)/.test(leads.href);
        if (!kept && !cited) found.push(`${tag} ${attribute.name} ${leads.protocol}//${leads.host}`);
      }
    }
    if (never.includes(tag)) found.push(tag);
    if (tag === "script" && !/^\\/static\\//.test(one.getAttribute("src") || "")) found.push("script");
    if (tag === "style" || (tag === "link" && !/^(stylesheet|icon)$/.test(one.rel))) found.push(tag);
    if (tag === "meta" && one.httpEquiv) found.push("meta refresh");
    if (tag === "input" && !ours.includes(one.type)) found.push(`input ${one.type}`);
  }
  if (window.__pwned) found.push(`__pwned ${window.__pwned}`);
  return found;
}"""
"""What can only have come from a message: elements, handlers and addresses that no page of ours has."""


@dataclass
class Witness:
    """Watches every page of a browser profile.

    Attributes:
        errors: the console's errors, and exceptions that no script caught.
        dialogs: kinds of dialogs that were opened.
        outside: addresses of requests to another origin than ``origin``.
    """

    origin: str
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> Witness:
        context.on("console", self._said)
        context.on("dialog", self._asked)
        context.on("request", self._requested)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        return self

    def strange(self, page: Page) -> list[str]:
        """What the page holds that none of ours does."""
        found: list[str] = page.evaluate(STRANGE)
        return found

    @property
    def all(self) -> list[str]:
        return [*self.errors, *self.dialogs, *self.outside]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.page.url if message.page else ''}: {message.text}")

    def _asked(self, dialog: Dialog) -> None:
        if dialog.type != "beforeunload":
            self.dialogs.append(dialog.type)
        dialog.accept()

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((self.origin + "/", "data:,")):
            self.outside.append(request.url)


def too_wide(page: Page) -> int:
    """CSS pixels by which the page is wider than the window."""
    found: int = page.evaluate("() => document.scrollingElement.scrollWidth - window.innerWidth")
    return max(0, found)
