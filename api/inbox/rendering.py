"""Templates to pages, with the headers that keep them from loading or running anything that is not ours."""

from __future__ import annotations

import hashlib
from functools import cache
from gettext import NullTranslations
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from api.inbox import wording
from api.inbox.seat import Seat

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATIC = {"inbox.css": "text/css; charset=utf-8", "inbox.js": "text/javascript; charset=utf-8"}
_HERE = Path(__file__).parent


def page(name: str, seat: Seat | None, status: int = 200, **context: object) -> HTMLResponse:
    """The template ``name`` as a page for ``seat``, None for who is not logged in."""
    html = _environment(seat.ui_language if seat else "en").get_template(name).render(seat=seat, **context)
    return HTMLResponse(html, status_code=status, headers=HEADERS)


def missing(seat: Seat, what: str) -> HTMLResponse:
    """The page that says that something is not there."""
    return page("missing.html", seat, 404, what=what)


@cache
def static(name: str) -> bytes:
    """One of ``STATIC``."""
    return (_HERE / "static" / name).read_bytes()


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape(), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    environment.install_gettext_translations(NullTranslations(), newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(
        direction=wording.direction, marked=wording.marked, words=wording.words, language_name=wording.language_name,
        percent=lambda value: f"{value:.0%}", utc=lambda moment: moment.strftime("%d %b %Y %H:%M UTC"),
    )  # fmt: skip
    environment.globals.update(
        age=wording.age, clock=wording.clock, quoted_from=wording.quoted_from, cited=wording.cited,
        stamp={name: hashlib.sha256(static(name)).hexdigest()[:12] for name in STATIC},
    )  # fmt: skip
    return environment
