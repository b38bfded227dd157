"""Anomalies: what was expected, what was seen, how sure it is, and messages that show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from babel.dates import format_skeleton
from markupsafe import Markup

from api.inbox.i18n import N_, locale
from api.inbox.insights.sections import Writing
from triage.insights.types import Anomaly
from triage.storage import schema
from triage.storage.belongings import listed
from triage.storage.workspace import Workspace

PREVIEW = 160
SURE = (
    (0.001, N_("very sure"), N_("Chance alone would hardly ever do this.")),
    (0.01, N_("sure"), N_("Of a hundred findings as clear as this, at most one is chance.")),
    (1.0, N_("fairly sure"), N_("Of twenty findings as clear as this, at most one is chance.")),
)
"""By the corrected p-value."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A message that shows what stands out, and where it stands."""

    conversation: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Standout:
    """One anomaly as the page tells it.

    Attributes:
        about: what it is about: (name of the dimension, value as people read it); empty for all messages.
        times: how many times as many as expected.
        sure, why_sure: marked strings.
        volume: address of the page that shows these contacts over time.
    """

    about: Sequence[tuple[str, str]]
    days: str
    observed: str
    expected: str
    high: str
    times: str
    sure: str
    why_sure: str
    level: str
    chart: Markup
    examples: Sequence[Example]
    volume: str


def standouts(found: Sequence[Anomaly], examples: dict[str, Example], to: Writing) -> list[Standout]:
    """Anomalies with those of their examples that are still there."""
    return [_told(one, [examples[key] for key in one.examples if key in examples], to) for one in found]


def examples_of(workspace: Workspace, found: Sequence[Anomaly]) -> dict[str, Example]:
    """The messages that show what stands out, by id; those of an erased customer are gone."""
    wanted = sorted({key for one in found for key in one.examples})
    return {
        row["id"]: Example(conversation=row["conversation_id"], text=" ".join(row["text"].split())[:PREVIEW])
        for row in listed(workspace, schema.messages, schema.messages.c.id, wanted)
    }


def _told(one: Anomaly, examples: Sequence[Example], to: Writing) -> Standout:
    sure, why = next((name, says) for limit, name, says in SURE if one.adjusted < limit or limit == 1.0)
    cell = {
        name: value
        for name in ("intent", "product", "supplier", "region")
        if (value := getattr(one.cell, name)) is not None
    }
    titles = {"product": one.title}
    return Standout(
        about=[(name, to.label(name, value, titles.get(name))) for name, value in cell.items()], days=_days(one, to),
        observed=to.count(one.observed), expected=to.decimal(one.expected), high=to.count(one.high),
        times=to.decimal(one.observed / one.expected) if one.expected >= 0.1 else "", sure=sure, why_sure=why,
        level=to.chance(one.adjusted),
        chart=_chart(one, to) if one.history else Markup(""), examples=examples,
        volume=to.asked.address("volume", **cell),
    )  # fmt: skip


def _days(one: Anomaly, to: Writing) -> str:
    if one.first_day == one.last_day:
        return to.say.day(one.last_day)
    text = N_("%(first)s to %(last)s")
    return to.say.sentence(text, first=to.say.day(one.first_day), last=to.say.day(one.last_day))


def _chart(one: Anomaly, to: Writing) -> Markup:
    text = N_("%(day)s: %(count)s")
    titles = [to.say.sentence(text, day=to.say.day(day), count=seen) for day, seen in one.history]
    says = to.say.sentence(
        N_("%(seen)s on %(day)s; %(expected)s were to be expected, and at most %(high)s on 99 of 100 such days."),
        seen=one.observed, day=to.say.day(one.last_day), expected=to.decimal(one.expected), high=one.high,
    )  # fmt: skip
    ends = (_short(one.history[0][0], to), _short(one.history[-1][0], to))
    return to.draw.days(
        [seen for _, seen in one.history], titles, expected=one.expected, high=one.high, seen=to.count(one.observed), ends=ends,
        title=to.say.sentence(N_("Customers a day, in the weeks before")), says=says,
    )  # fmt: skip


def _short(day: date, to: Writing) -> str:
    return str(format_skeleton("MMMd", day, locale=locale(to.say.language)))
