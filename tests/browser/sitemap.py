"""Every kind of page that links lead to, one address of each."""

from __future__ import annotations

import re
from collections import deque
from urllib.parse import urlsplit

from playwright.sync_api import Page

LINKS = """([html, base]) => [...new DOMParser().parseFromString(html, "text/html").querySelectorAll("a[href]:not([download])")]
  .map(a => new URL(a.getAttribute("href"), base)).filter(url => /^https?:$/.test(url.protocol)).map(url => url.href)"""
"""Read by the browser's own parser, without loading anything."""
ENTRIES = ("/", "/knowledge", "/insights", "/try", "/settings", "/account", "/welcome", "/settings/agents")
_ID = re.compile(r"^[a-z]{2,4}_[0-9A-Za-z]{20,}$")
_NO_PAGE = re.compile(r"(^/static/|\.csv$|/file$|^/login/company|^/attachments/)")
SHOWN_PARAMETERS = {"/": ("status", "cursor"), "/conversations/*": ("all",), "/knowledge/articles/*": ("from",)}
"""Parameters that make another kind of page; others only narrow one."""


def kind_of(address: str) -> str:
    """The address without what tells one record from another."""
    parts = urlsplit(address)
    steps = parts.path.strip("/").split("/")
    if steps[0] == "knowledge" and len(steps) > 1:  # articles have ids that their writers choose
        own = steps[1] in ("stale", "coverage", "import", "try", "new", "articles")
        steps = [steps[0], *([steps[1]] if own else ["*"]), *["*" for _ in steps[2:]]]
    path = "/" + "/".join("*" if _ID.match(step) else step for step in steps)
    kept = sorted(name for name in SHOWN_PARAMETERS.get(path, ()) if f"{name}=" in parts.query)
    return path + ("?" + "&".join(kept) if kept else "")


def walk(page: Page, origin: str, *, most: int = 120) -> dict[str, str]:
    """An address of each kind of page that can be reached from the navigation."""
    found: dict[str, str] = {}
    waiting = deque(f"{origin}{entry}" for entry in ENTRIES)
    while waiting and len(found) < most:
        address = waiting.popleft().split("#")[0]
        kind = kind_of(address)
        if not address.startswith(origin + "/") or kind in found or _NO_PAGE.search(urlsplit(address).path):
            continue
        answer = page.request.get(address, max_retries=3)
        if answer.ok and "text/html" not in answer.headers.get("content-type", ""):
            continue
        found[kind] = address  # also what answers with an error, which is for its visitor to say
        links: list[str] = page.evaluate(LINKS, [answer.text(), address])
        waiting.extend(links)
    return found
