"""What a page of figures consists of: numbers, and sections with a chart and the table behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_skeleton, get_day_names
from babel.numbers import format_decimal
from markupsafe import Markup

from api.inbox.i18n import N_, RIGHT_TO_LEFT, Sentence, locale
from api.inbox.insights.asked import Asked
from api.inbox.insights.charts import Drawing, Line, Times
from api.inbox.insights.scales import SHARES, counts, spans
from api.inbox.wording import Wording
from triage.insights.types import NOTHING, Bucket, Choices, Point, Share

SHOWN_ROWS = 8
"""Of a long table; the others are behind a word."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """One figure to read. ``label``, ``says`` and ``note`` are marked strings; ``value`` is written already."""

    label: str
    value: str
    says: str
    note: str | Sentence = ""
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """``href`` narrows the figures to this row, ``queue`` shows the conversations; ``cells`` are written already."""

    label: str
    cells: Sequence[str]
    drawn: Markup | None = None
    href: str | None = None
    queue: str | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """``first`` heads the labels, ``head`` the cells: marked strings. ``drawn``: the heading of the drawn column,
    ``scale``: where its drawings begin and end."""

    name: str
    caption: str
    first: str
    head: Sequence[str]
    rows: Sequence[Row]
    drawn: str = ""
    scale: tuple[str, str] | None = None

    @property
    def shown(self) -> Sequence[Row]:
        return self.rows if len(self.rows) <= SHOWN_ROWS + 2 else self.rows[:SHOWN_ROWS]

    @property
    def further(self) -> Sequence[Row]:
        return self.rows[len(self.shown) :]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One question and its answer.

    Attributes:
        title, says: marked strings; ``says`` defines the figure in a sentence.
        chart: None where the table is what people read.
        legend: (class of the sample, marked string).
        note: what to see in it.
        empty: what is missing and when it will be there, instead of chart and table.
        wide: takes the whole width of the page.
        href: the page with more of it.
    """

    title: str
    says: str
    chart: Markup | None = None
    legend: Sequence[tuple[str, str]] = ()
    note: str | Sentence = ""
    table: Table | None = None
    empty: str = ""
    wide: bool = False
    href: str = ""


class Writing:
    """What all parts of one page share: its words, its drawings, what it was asked for."""

    def __init__(self, asked: Asked, choices: Choices, say: Wording, *, now: datetime) -> None:
        self.asked, self.choices, self.say, self.now = asked, choices, say, now
        self.draw = Drawing(mirrored=say.language in RIGHT_TO_LEFT)
        self._locale = locale(say.language)

    def label(self, dimension: str, value: str, title: str | None = None) -> str:
        """What people call one value of a dimension."""
        if value == NOTHING:
            return self.say.sentence(WITHOUT.get(dimension, N_("none")))
        if dimension == "language":
            return self.say.language_name(value)
        if dimension == "region":
            return str(self._locale.territories.get(value.upper(), value))
        if dimension == "product":
            title = title or self.choices.titles.get(value)
            return f"{title} · {value}" if title else value
        return value if dimension in ("supplier", "model") else self.say.words(value)

    def count(self, value: float) -> str:
        return self.say.number(round(value))

    def decimal(self, value: float | None) -> str:
        """With one digit behind the point."""
        return "–" if value is None else format_decimal(value, "#,##0.0", locale=self._locale)

    def chance(self, value: float) -> str:
        """A p-value."""
        if value < 1e-4:
            return f"p < {format_decimal(0.0001, '0.0000', locale=self._locale)}"
        return f"p = {format_decimal(float(f'{value:.1g}'), '0.####', locale=self._locale)}"

    def percent(self, value: float | None) -> str:
        return "–" if value is None else self.say.percent(value)

    def span(self, seconds: float | None) -> str:
        return "–" if seconds is None else self.say.span(timedelta(seconds=seconds))

    def likely(self, share: Share) -> str:
        """The interval."""
        if share.low is None or share.high is None:
            return "–"
        return f"{self.percent(share.low)} – {self.percent(share.high)}"

    def of(self, share: Share) -> str | Sentence:
        """What a share is of, and what it may as well be."""
        if share.value is None:
            return NOT_YET
        text = N_("%(count)s of %(of)s; likely between %(low)s and %(high)s")
        return Sentence(
            text, count=share.count, of=share.of, low=self.percent(share.low), high=self.percent(share.high)
        )  # fmt: skip

    def moment(self, at: datetime) -> str:
        """A bucket, short: below an axis."""
        skeleton = "Hm" if self.asked.filters.step is Bucket.HOUR else "MMMd"
        return str(format_skeleton(skeleton, at.replace(tzinfo=None), locale=self._locale))

    def moment_in_full(self, at: datetime) -> str:
        """A bucket, as a table and a pointer tell it."""
        step = self.asked.filters.step
        if step is Bucket.HOUR:
            return f"{self.say.day(at)}, {self.moment(at)}"
        if step is Bucket.DAY:
            return str(format_skeleton("yMMMEd", at.replace(tzinfo=None), locale=self._locale))
        return self.say.sentence(N_("week of %(day)s"), day=self.say.day(at))

    def weekdays(self) -> list[str]:
        """Monday first."""
        names = get_day_names("abbreviated", context="stand-alone", locale=self._locale)
        return [str(names[number]) for number in range(7)]

    def over_time(
        self, title: str, says: str, named: Sequence[tuple[str, Sequence[Point]]], *, unit: str = "count",
        empty: str = "",
    ) -> Section:  # fmt: skip
        """A chart over time, of one or two series of the same buckets; ``unit`` is count, level (a count that a
        stretch which is not over does not make smaller), share or span."""
        values = [point.value for _, points in named for point in points if point.value is not None]
        if not values or (unit in ("count", "level") and not any(values)):
            return Section(title=title, says=says, empty=empty or NOTHING_HERE, wide=True)
        kinds = ("first", "second")
        write = {"count": self.count, "level": self.count, "share": self.percent, "span": self.span}[unit]
        ticks = SHARES[::2] if unit == "share" else (spans if unit == "span" else counts)(max(values))
        at = [point.at for point in named[0][1]]
        ahead = sum(moment > self.now for moment in at)  # buckets that nothing can have come in yet
        lines = [
            Line(
                name=self.say.sentence(name),
                values=[None if point.at > self.now else point.value for point in points],
                kind=kind,
            )
            for kind, (name, points) in zip(kinds, named, strict=False)
        ]
        note, counted = "", unit == "count"
        current = len(at) - 1 - ahead
        reached = current > 0 and lines[0].values[current] is not None
        times = Times(
            labels=[self.moment(moment) for moment in at], titles=[self.moment_in_full(moment) for moment in at],
            running=counted and reached and self.asked.is_running, short=counted and self._begins_short(at),
        )  # fmt: skip
        chart = self.draw.lines(
            lines, times, ticks, title=self.say.sentence(title), says=self._summary(lines, times, write), write=write
        )
        rows = [
            Row(label=times.titles[number], cells=[
                "–" if points[number].value is None else write(points[number].value or 0.0) for _, points in named
            ])
            for number in reversed(range(len(at) - ahead))
        ]  # fmt: skip
        table = Table(name="time", caption=title, first=N_("When"), head=[name for name, _ in named], rows=rows)
        legend = [(kind, name) for kind, (name, _) in zip(kinds, named, strict=False)] if len(named) > 1 else []
        if times.running or times.short:
            note = UNFINISHED[times.running, times.short]
        return Section(title=title, says=says, chart=chart, legend=legend, note=note, table=table, wide=True)

    def _begins_short(self, at: Sequence[datetime]) -> bool:
        return self.asked.filters.step is Bucket.WEEK and len(at) > 2 and at[0].weekday() != 0

    def _summary(self, lines: Sequence[Line], times: Times, write: object) -> str:
        assert callable(write)
        said = []
        for line in lines:
            known = [(number, value) for number, value in enumerate(line.values) if value is not None]
            (least, low), (most, high) = min(known, key=lambda p: p[1]), max(known, key=lambda p: p[1])
            text = N_("%(name)s: highest %(high)s (%(most)s), lowest %(low)s (%(least)s), last %(last)s.")
            said.append(
                self.say.sentence(text, name=line.name, high=write(high), most=times.titles[most], low=write(low),
                                  least=times.titles[least], last=write(known[-1][1]))
            )  # fmt: skip
        return " ".join(said)


WITHOUT = {
    "intent": N_("not recognised"), "urgency": N_("not read yet"), "region": N_("unknown market"),
    "language": N_("unknown language"), "product": N_("no product"), "supplier": N_("no supplier"),
    "model": N_("no model"),
}  # fmt: skip
"""What contacts without a value of a dimension are called."""
UNFINISHED = {
    (True, False): N_("Dotted: the last stretch is not over yet."),
    (False, True): N_("Dotted: the first week is not whole."),
    (True, True): N_("Dotted: the first week is not whole, the last one is not over yet."),
}
"""By whether the last bucket still runs, and whether the first is short."""
NOT_YET = N_("Nothing to count yet.")
NOTHING_HERE = N_("Nothing in these days.")
