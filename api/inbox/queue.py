"""``/``: the queue, narrowed, searched and saved as views by plain forms; and what is done to many conversations at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.inbox.conversation import REASONS
from api.inbox.i18n import N_
from api.inbox.rendering import page
from api.inbox.seat import Seat, SignedIn, posted_of
from triage.errors import Conflict, InvalidMessage, Unknown
from triage.models.taxonomy import INTENTS
from triage.storage import desk, drafts, first_steps, handling, presence, views
from triage.storage.columns import clean
from triage.storage.filters import Filter
from triage.storage.workspace import Workspace
from triage.types import URGENCIES

router = APIRouter(include_in_schema=False)

ROWS = 50
STATUSES = ("open", "waiting", "closed")
DUE = {"late": timedelta(0), "1h": timedelta(hours=1), "4h": timedelta(hours=4), "24h": timedelta(hours=24)}
"""What has to be answered within so long, late ones among them."""
AGES = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1), "3d": timedelta(days=3)}
"""What has waited for longer than this."""
DUE_WORDS = {
    "late": N_("late"), "1h": N_("within 1 hour"), "4h": N_("within 4 hours"), "24h": N_("within 24 hours"),
}  # fmt: skip
AGE_WORDS = {
    "1h": N_("over 1 hour"), "4h": N_("over 4 hours"), "1d": N_("over 1 day"), "3d": N_("over 3 days"),
}  # fmt: skip
ME, NOBODY = "me", "-"
FIELDS = (
    "status", "urgency", "channel", "language", "intent", "assignee", "due", "age", "unsure", "on", "q", "order",
    "customer",
)  # fmt: skip
KEPT = frozenset(FIELDS) - {"q", "order", "customer"}
"""What a saved view may hold: nothing that tells of a customer."""
STANDING = (
    (N_("Mine"), {"status": "open", "assignee": ME}),
    (N_("Unassigned"), {"status": "open", "assignee": NOBODY}),
    (N_("Late"), {"status": "open", "due": "late"}),
    (N_("Not sure"), {"status": "open", "unsure": "1"}),
)
MOST_FIELDS = ROWS + 20
OUTCOMES = {
    "done": N_("done"),
    "already": N_("was so already"),
    "none": N_("no draft waits here"),
    "already_decided": N_("somebody else decided a moment earlier"),
    "newer_message": N_("the customer has written again"),
    "unknown": N_("is not here any more"),
    "no_agent": N_("no such agent"),
}
ACTIONS = ("assign", "unassign", "close", "reopen", "reject")


@dataclass(frozen=True, kw_only=True)
class Link:
    """A view in the list beside the queue. ``count`` is None where counting would take too long."""

    name: str
    address: str
    current: bool
    count: int | None = None
    view: views.View | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What happened to each chosen conversation: its id, what people call it, the outcome."""

    rows: tuple[tuple[str, str, str], ...]

    @property
    def done(self) -> int:
        return sum(outcome == "done" for _, _, outcome in self.rows)


@router.get("/")
def show(
    request: Request, seat: SignedIn, cursor: Annotated[str, Query(max_length=500)] = "", part: str = ""
) -> Response:
    """Open conversations where nothing else is asked for; an empty field leaves the queue wide."""
    chosen = {name: clean(request.query_params.get(name, "").strip())[:200] for name in FIELDS}
    if "status" not in request.query_params:
        chosen["status"] = "open"
    return _page(request, seat, chosen, cursor=cursor, rows_alone=part == "rows")


async def _bulk_form(request: Request, seat: SignedIn) -> dict[str, str]:
    return await posted_of(request, seat, most_fields=MOST_FIELDS)


@router.post("/bulk")
def bulk(request: Request, seat: SignedIn, form: Annotated[dict[str, str], Depends(_bulk_form)]) -> Response:
    """Does one thing to each chosen conversation, and tells what became of each. Replies are never approved here."""
    chosen = {name: clean(value)[:200] for name, value in parse_qsl(form.get("filter", "")[:4000]) if name in FIELDS}
    ids = [name[2:] for name in form if name.startswith("c.")][:ROWS]
    report = (
        seat.write(lambda w: _done_to(w, sorted(ids), form, seat)) if form.get("action") in ACTIONS and ids else None
    )
    chosen = {name: chosen.get(name, "") for name in FIELDS}
    return _page(request, seat, chosen, report=report, nothing_chosen=report is None)


@router.post("/views")
def save_view(request: Request, seat: SignedIn, form: Annotated[dict[str, str], Depends(_bulk_form)]) -> Response:
    """Keeps the queue's filters under a name; for all where a lead says so."""
    given = dict(parse_qsl(form.get("filter", "")[:4000]))
    filters = {name: clean(value)[:200] for name, value in given.items() if name in KEPT and value}
    shared = form.get("shared") == "1" and seat.may("lead")

    def work(workspace: Workspace) -> str:
        return views.save(
            workspace, name=form.get("name", ""), filters=filters, login=seat.login, shared=shared, actor=seat.actor,
            now=seat.now,
        )  # fmt: skip

    with suppress(InvalidMessage):  # the form asks for a name, and the list shows that there are many
        seat.write(work)
    return RedirectResponse(_address(filters), 303)


@router.post("/views/{view_id}/delete")
def delete_view(view_id: str, seat: SignedIn, form: Annotated[dict[str, str], Depends(_bulk_form)]) -> Response:

    def work(workspace: Workspace) -> None:
        views.remove(workspace, view_id, login=seat.login, lead=seat.may("lead"), actor=seat.actor, now=seat.now)

    with suppress(Unknown):  # somebody else deleted it, which is what was asked for
        seat.write(work)
    return RedirectResponse("/", 303)


def filter_of(chosen: Mapping[str, str], *, login: str, now: datetime) -> Filter:
    """The queue's fields as a filter; what they do not know leaves it wide."""
    same = {
        name: chosen.get(name) or None
        for name in ("status", "urgency", "channel", "language", "intent", "customer", "q")
    }
    assignee, due, age = chosen.get("assignee", ""), DUE.get(chosen.get("due", "")), AGES.get(chosen.get("age", ""))
    attended = {"nobody": False, "somebody": True}.get(chosen.get("on", ""))
    return Filter(
        **same, assignee=(login if assignee == ME else assignee) if assignee not in ("", NOBODY) else None,
        unassigned=assignee == NOBODY, due_before=None if due is None else now + due,
        asked_before=None if age is None else now - age, unsure=chosen.get("unsure") == "1",
        order=chosen.get("order") or None, attended=attended, attended_after=now - presence.FRESH,
    )  # fmt: skip


def _page(
    request: Request, seat: Seat, chosen: Mapping[str, str], *, cursor: str = "", report: Report | None = None,
    nothing_chosen: bool = False, rows_alone: bool = False,
) -> Response:  # fmt: skip
    def read(workspace: Workspace) -> dict[str, Any]:
        wanted = filter_of(chosen, login=seat.login, now=seat.now)
        queue = desk.queue(workspace, wanted, limit=ROWS, cursor=cursor or None)
        ids = [row.conversation["id"] for row in queue.rows]
        figures = desk.figures(workspace, now=seat.now)
        return {
            "queue": queue, "figures": figures, "viewers": presence.viewers(workspace, now=seat.now, among=ids),
            "links": _links(workspace, seat, chosen, figures), "colleagues": handling.colleagues(workspace),
            "first_steps": seat.may("admin") and first_steps.untouched(workspace),
        }  # fmt: skip

    address = _address(chosen)
    try:
        found = seat.read(read)
    except ValueError:  # an old bookmark: the list begins anew
        return RedirectResponse(address, 303)
    cursor_of_next = found["queue"].cursor
    following = f"{address}&{urlencode({'cursor': cursor_of_next})}" if cursor_of_next else None
    return page(
        "queue_rows.html" if rows_alone else "queue.html", seat, **found, chosen=chosen, address=address,
        filter=address.removeprefix("/?"), following=following, later=bool(cursor), statuses=STATUSES,
        urgencies=[str(level) for level in reversed(URGENCIES)], channels=request.app.state.channels, intents=INTENTS,
        due_words=DUE_WORDS, age_words=AGE_WORDS, reasons=REASONS, now=seat.now, report=report, outcomes=OUTCOMES,
        nothing_chosen=nothing_chosen, since=int(seat.now.timestamp() * 1000),
        narrowed=any(value for name, value in chosen.items() if name != "status"),
        keepable=any(value for name, value in chosen.items() if name in KEPT and name != "status"),
    )  # fmt: skip


def _address(chosen: Mapping[str, str]) -> str:
    status = {"status": chosen.get("status", "")}
    return "/?" + urlencode(status | {name: value for name, value in chosen.items() if value and name in FIELDS})


def _links(workspace: Workspace, seat: Seat, chosen: Mapping[str, str], figures: desk.Figures) -> list[Link]:
    """Standing views and saved ones, with how many conversations each holds."""
    own = views.listed(workspace, seat.login)
    wanted = [filter_of(filters, login=seat.login, now=seat.now) for _, filters in STANDING]
    saved = [filter_of(view.filters, login=seat.login, now=seat.now) for view in own]
    mine, unassigned = (desk.counts(workspace, [one])[0] for one in wanted[:2])  # each from an index of its own
    here = _address(chosen)
    counted = (mine, unassigned, figures.late, None)
    standing = [
        Link(name=name, address=_address(filters), current=_address(filters) == here, count=count)
        for (name, filters), count in zip(STANDING, counted, strict=True)
    ]
    return standing + [
        Link(name=v.name, address=_address(v.filters), current=_address(v.filters) == here, count=count, view=v)
        for v, count in zip(own, desk.counts(workspace, saved), strict=True)
    ]


def _done_to(workspace: Workspace, ids: Sequence[str], form: Mapping[str, str], seat: Seat) -> Report:
    act = _act(form, seat)
    names = desk.titles(workspace, ids)
    rows = []
    for key in ids:
        try:
            outcome = "done" if act(workspace, key) else "already"
        except Unknown:
            outcome = "none" if key in names else "unknown"
        except InvalidMessage:
            outcome = "no_agent"
        except Conflict as error:
            outcome = error.reason if error.reason in OUTCOMES else "already"
        rows.append((key, names.get(key, ""), outcome))
    return Report(rows=tuple(rows))


def _act(form: Mapping[str, str], seat: Seat) -> Callable[[Workspace, str], bool]:
    whose, action = form.get("assignee") or seat.login, form["action"]
    reason, comment = form.get("reason", ""), form.get("comment", "").strip()[:2000] or None

    def reject(workspace: Workspace, key: str) -> bool:
        draft = desk.pending_draft(workspace, key)
        if draft is None:
            raise Unknown("draft", key)
        drafts.reject(
            workspace,
            draft,
            reason=reason if reason in REASONS else "other",
            comment=comment,
            actor=seat.actor,
            now=seat.now,
        )
        return True

    acts: dict[str, Callable[[Workspace, str], bool]] = {
        "assign": lambda w, key: handling.assign(w, key, whose, actor=seat.actor, now=seat.now),
        "unassign": lambda w, key: handling.assign(w, key, None, actor=seat.actor, now=seat.now),
        "close": lambda w, key: handling.close(w, key, actor=seat.actor, now=seat.now),
        "reopen": lambda w, key: handling.reopen(w, key, actor=seat.actor, now=seat.now),
        "reject": reject,
    }
    return acts[action]
