"""Tables with a drawing in each row: what pages compare the values of a dimension by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor
from typing import Any, Protocol

from markupsafe import Markup

from api.inbox.i18n import N_
from api.inbox.insights import says
from api.inbox.insights.sections import NOT_YET, Row, Section, Table, Writing
from triage.insights.types import DIMENSIONS, DraftCounts, Share

ACCEPTED, EDITED, REJECTED = N_("sent as written"), N_("sent with changes"), N_("rejected")
STACK = (("accepted", ACCEPTED), ("edited", EDITED), ("rejected", REJECTED))
FEW = 20
"""Of what a share is of; below it the dot is hollow."""


class Valued(Protocol):
    """A row of a figure: one value of a dimension."""

    @property
    def value(self) -> str: ...


def section_of(
    title: str, says_: str, name: str, rows: Sequence[Row], head: Sequence[str], *, legend: Sequence[tuple[str, str]] = (),
    empty: str = NOT_YET, drawn: str = "", scale: tuple[str, str] | None = None, wide: bool = False,
) -> Section:  # fmt: skip
    """A section that is its table, with a drawing in each row."""
    if not rows:
        return Section(title=title, says=says_, empty=empty)
    drawn = (drawn or says.BY[name]) if len(rows) > 1 else ""  # one row is read, there is nothing to compare
    table = Table(name=name, caption=title, first=says.DIMENSIONS[name], head=head, rows=rows, drawn=drawn, scale=scale)
    return Section(title=title, says=says_, table=table, legend=legend, wide=wide)


def dots(
    name: str, found: Sequence[Valued], to: Writing, *, title: str, says_: str, section: str, head: Sequence[str], drawn: str,
    share_of: Callable[[Any], Share], cells: Callable[[Any], Sequence[str]],
) -> Section:  # fmt: skip
    """Shares with their intervals."""
    shares = [share_of(row) for row in found]
    ends = _ends(shares)
    rows = []
    for row, part in zip(found, shares, strict=True):
        drawing = Markup("")
        if part.value is not None and part.low is not None and part.high is not None:
            kind = "unsure" if part.of < FEW else ""
            drawing = to.draw.interval(part.low, part.value, part.high, ends=ends, kind=kind)
        rows.append(row_of(name, row.value, to, section, drawing, cells(row)))
    scale = (to.percent(ends[0]), to.percent(ends[1]))
    return section_of(title, says_, name, rows, head, drawn=drawn, scale=scale, wide=True)


def _ends(shares: Sequence[Share]) -> tuple[float, float]:
    """Where a scale begins and ends, in tenths, so that what differs is seen to differ; of few nothing is made much."""
    solid = [part for part in shares if part.of >= FEW] or [part for part in shares if part.of]
    least = min((part.low or 0.0 for part in solid), default=0.0)
    most = max((part.high or 0.0 for part in solid), default=1.0)
    begin, end = max(0.0, floor(least * 10) / 10), min(1.0, ceil(most * 10) / 10)
    return (begin, end) if end > begin else (0.0, 1.0)


def row_of(name: str, value: str, to: Writing, section: str, drawing: Markup, cells: Sequence[str]) -> Row:
    narrows = name in DIMENSIONS
    return Row(
        label=to.label(name, value), cells=cells, drawn=drawing,
        href=to.asked.address(section, **{name: value}) if narrows else None, queue=to.asked.queue(name, value),
    )  # fmt: skip


def is_narrowed(section: Section, to: Writing) -> bool:
    """Of a dimension that is narrowed to one value there is nothing to compare."""
    return section.table is not None and section.table.name in to.asked.filters.narrowed


def stacks(name: str, found: Sequence[Any], to: Writing) -> Section:
    rows = []
    for row in found:
        counts: DraftCounts = row.counts
        of = counts.accepted_share.of
        if not of:
            continue
        parts = [("accepted", counts.accepted / of), ("edited", counts.edited / of), ("rejected", counts.rejected / of)]
        cells = (to.percent(counts.accepted / of), to.percent(counts.edited / of), to.percent(counts.rejected / of),
                 to.count(of), to.percent(counts.edited_distance))  # fmt: skip
        rows.append(row_of(name, row.value, to, "drafts", to.draw.stack(parts), cells))
    head = (N_("As written"), N_("Changed"), N_("Rejected"), N_("Decided"), N_("Rewritten"))
    return section_of(
        says.BY[name], says.DECIDED, name, rows, head, legend=STACK, empty=says.NO_DECISION, wide=True
    )  # fmt: skip
