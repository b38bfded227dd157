"""Templates to pages, with the headers that keep them from loading or running anything that is not ours."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes, select_autoescape

from api.inbox import wording
from api.inbox.i18n import LANGUAGES, N_, translations
from api.inbox.seat import Seat

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATIC = {
    "inbox.css": "text/css; charset=utf-8",
    "account.css": "text/css; charset=utf-8",
    "desk.css": "text/css; charset=utf-8",
    "inbox.js": "text/javascript; charset=utf-8",
    "ahead.json": "application/speculationrules+json",
    "reply.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "queue.js": "text/javascript; charset=utf-8",
    "knowledge.css": "text/css; charset=utf-8",
    "knowledge.js": "text/javascript; charset=utf-8",
    "insights.css": "text/css; charset=utf-8",
    "settings.css": "text/css; charset=utf-8",
    "settings.js": "text/javascript; charset=utf-8",
}
MISSING = {
    "conversation": N_("There is no such conversation here"),
    "draft": N_("There is no such draft here"),
    "message": N_("There is no such message here"),
    "article": N_("There is no such article here"),
    "customer": N_("There is no such customer here"),
    "attachment": N_("There is no such attachment here"),
    "agent": N_("There is no such agent here"),
}
_HERE = Path(__file__).parent
_IMPORTED = re.compile(rb'"\./([a-z]+\.js)"')


def page(
    name: str, seat: Seat | None, status: int = 200, *, language: str = LANGUAGES[0], **context: object
) -> HTMLResponse:
    """The template ``name`` as a page for ``seat``; None for who is not logged in, in ``language`` then."""
    language = seat.ui_language if seat else language
    html = _environment(language if language in LANGUAGES else LANGUAGES[0]).get_template(name).render(
        seat=seat, **context
    )  # fmt: skip
    return HTMLResponse(html, status_code=status, headers=HEADERS)


def missing(seat: Seat, what: str) -> HTMLResponse:
    """The page that says that something is not there; ``what`` is one of ``MISSING``."""
    return page("missing.html", seat, 404, words=MISSING.get(what, N_("This is not here")))


@cache
def static(name: str) -> bytes:
    """One of ``STATIC``. What a script imports is named with its hash too, for it is kept by browsers as long."""
    content = (_HERE / "static" / name).read_bytes()
    return _IMPORTED.sub(lambda found: f'"./{found[1].decode()}?{_stamp(found[1].decode())}"'.encode(), content)


def address_of(name: str) -> str:
    """Where browsers find one of ``STATIC``, for ever the same content."""
    return f"/static/{name}?{_stamp(name)}"


def _stamp(name: str) -> str:
    return hashlib.sha256(static(name)).hexdigest()[:12]


class _Templates(Environment):
    """Templates in which only what is written in them counts as markup.

    The i18n extension takes every string that ``_()`` is given for trusted HTML. A literal of a template is; a value that
    comes from Python is said by ``Wording.sentence`` instead, as text, and so escaped like any other.
    """

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for call in tree.find_all(nodes.Call):
            literal = bool(call.args) and isinstance(call.args[0], nodes.Const)
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and not literal:
                call.node.name = "sentence"
        return tree


@cache
def _environment(language: str) -> Environment:
    environment = _Templates(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape(), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    say = wording.wording(language)
    environment.filters.update(
        direction=wording.direction, marked=say.marked, words=say.words, language_name=say.language_name,
        own_name=say.own_name, percent=say.percent, number=say.number, money=say.money, size=say.size, day=say.day,
        utc=say.utc, local=say.local, age=say.age, span=say.span,
    )  # fmt: skip
    environment.globals.update(
        age=say.age, clock=say.clock, sentence=say.sentence, quoted_from=wording.quoted_from, cited=wording.cited,
        ui_language=language, ui_languages=LANGUAGES,
        stamp={name: _stamp(name) for name in STATIC},
    )  # fmt: skip
    return environment
