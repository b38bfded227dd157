"""What the settings pages share: a form with repeated fields, the frame around each page, and what went wrong in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from api.inbox.i18n import N_, Sentence
from api.inbox.knowledge.forms import check_token, read_body
from api.inbox.rendering import page
from api.inbox.seat import FORM_LIMIT, Seat, SignedIn
from api.problems import Problem, field_name

MOST_FIELDS = 200
Words = str | Sentence

SECTIONS: tuple[tuple[str, str], ...] = (
    ("workspace", N_("Brand and voice")),
    ("agents", N_("Agents and roles")),
    ("channels", N_("Channels")),
    ("quarantine", N_("Unreadable deliveries")),
    ("sla", N_("Answer times")),
    ("rules", N_("Channel rules")),
    ("thresholds", N_("Confidence")),
    ("language-model", N_("Language model")),
    ("keys", N_("API keys")),
    ("webhooks", N_("Webhooks")),
    ("system", N_("System")),
)
"""The pages below ``/settings``, in the order of their navigation."""

DONE = {
    "saved": N_("Saved."),
    "closed": N_("Closed. Nothing comes in there any more; what came stays."),
    "revoked": N_("The key is revoked. Nobody can use it any more."),
    "disabled": N_("Switched off. Nothing more is sent there; the log stays."),
    "tested": N_("A test event is on its way. It is in the log below."),
    "replayed": N_("The event is sent again."),
    "released": N_("Noted: it has been dealt with."),
    "discarded": N_("Deleted for good."),
    "read": N_("Read again: its messages are in the inbox now."),
}
"""What a page says after a change, by the word in its address."""


class Fields:
    """A form's fields; the same name may come several times."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = list(pairs)

    def raw(self, name: str) -> str:
        """The last value as it was sent, with line breaks as ``\\n``."""
        found = [value for key, value in self._pairs if key == name]
        return found[-1].replace("\r\n", "\n").replace("\r", "\n") if found else ""

    def text(self, name: str) -> str:
        """The last value without space around it."""
        return self.raw(name).strip()

    def every(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def __contains__(self, name: object) -> bool:
        return any(key == name for key, _ in self._pairs)


async def sent(request: Request, seat: SignedIn) -> Fields:
    """The form that this agent was given, filled in.

    Raises:
        Problem: 403 where it does not carry their token, 413 where it is too large.
    """
    body = await read_body(request, FORM_LIMIT)
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Problem(422, "invalid_field", "the form has too many fields", field="body") from None
    fields = Fields(pairs)
    check_token(seat, fields.raw("token"))
    return fields


Sent = Annotated[Fields, Depends(sent)]


def show(
    name: str, seat: Seat, *, section: str, status: int = 200, done: str = "", trouble: Words | None = None, **context: Any
) -> HTMLResponse:  # fmt: skip
    """A page of the settings; ``trouble`` says why nothing was changed."""
    return page(
        f"settings/{name}", seat, 422 if trouble and status == 200 else status, section=section, sections=SECTIONS,
        may_change=seat.role == "admin", done=DONE.get(done), trouble=trouble, now=seat.now, **context,
    )  # fmt: skip


def back(address: str, done: str = "") -> Response:
    """303: a reload shows the page again and changes nothing twice."""
    return RedirectResponse(f"{address}?done={done}" if done else address, 303)


def complaint(error: Problem | ValidationError | Exception) -> Words:
    """What the API would answer, for a person."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        detail = f"{field_name(first['loc'])}: {first['msg']}"
    else:
        detail = error.detail if isinstance(error, Problem) else str(error)
    return Sentence(N_("Nothing was changed: %(detail)s"), detail=detail)
