"""Charts as SVG that a server writes: shapes stretch with the page, words keep their size.

No style attribute and no script: classes, and presentation attributes with shares of the width. Whatever is told by colour
is told by a pattern, a dash, a size or a number too. In a right-to-left page time and bars run from right to left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from markupsafe import Markup

from api.inbox.insights.scales import spread

T = TypeVar("T")
HEIGHT, TOP, BOTTOM = 190, 22, 24
"""Of a chart over time, in CSS pixels; ``TOP`` leaves room for a number above the highest point, ``BOTTOM`` for the days."""
MOST_LABELS = 4
_WIDE = 1000


@dataclass(frozen=True, kw_only=True)
class Line:
    """One series of a chart over time. ``kind`` is a class: ``first`` (with the area under it) or ``second`` (dashed)."""

    name: str
    values: Sequence[float | None]
    kind: str = "first"


@dataclass(frozen=True, kw_only=True)
class Times:
    """What all series of a chart share.

    Attributes:
        labels: what stands below each bucket; ``titles``: what is shown for it under a pointer.
        running: whether the last bucket with a value is not over; ``short``: whether the first is shorter than the others.
            Counts of such buckets are dotted, for less of them is no fall.
    """

    labels: Sequence[str]
    titles: Sequence[str]
    running: bool = False
    short: bool = False


class Drawing:
    """Charts of one page; every one gets ids of its own.

    Args:
        mirrored: for a page that is read from right to left.
    """

    def __init__(self, *, mirrored: bool = False) -> None:
        self._mirrored, self._numbers = mirrored, count(1)

    def lines(
        self, lines: Sequence[Line], times: Times, ticks: Sequence[float], *, title: str, says: str,
        write: Callable[[float], str],
    ) -> Markup:  # fmt: skip
        """One or two series over time, with the ticks' numbers in the plot; the highest and the last whole value are told."""
        top = ticks[-1] or 1.0
        places = [self._x((number + 0.5) / len(times.labels)) for number in range(len(times.labels))]
        plot = HEIGHT - TOP - BOTTOM

        def y(value: float) -> float:
            return TOP + plot * (1 - min(value / top, 1.0))

        shapes = Markup("").join(self._shape(line, times, places, top, plot) for line in lines)
        inner = Markup(
            '<svg y="{}" width="100%" height="{}" viewBox="0 0 {} {}" preserveAspectRatio="none" class="stretch">{}</svg>'
        ).format(TOP, plot, _WIDE, plot, shapes)
        parts = [self._grid(ticks, y), inner, self._ticks(ticks, y, write)]
        parts += [self._marks(line, times, places, y, write, lonely=len(lines) == 1) for line in lines]
        parts += [self._days(times, places), self._pointed(lines, times, places, write)]
        return self._image(parts, height=HEIGHT, title=title, says=says, kind="plot")

    def bar(self, share: float) -> Markup:
        """A bar of ``share`` of the width. The number stands beside it."""
        width = max(0.0, min(share, 1.0)) * 100
        x = 100 - width if self._mirrored else 0.0
        rect = Markup('<rect class="bar" x="{:.2f}%" width="{:.2f}%" height="12" rx="2"/>').format(x, width)
        return self._beside(Markup('<rect class="track" width="100%" height="12" rx="2"/>') + rect)

    def stack(self, parts: Sequence[tuple[str, float]]) -> Markup:
        """A bar of parts that add up to one; of each its pattern (``accepted``, ``edited``, ``rejected``) and its share."""
        drawn, begin = [], 0.0
        for kind, share in parts:
            if share <= 0:
                continue
            x = 1 - begin - share if self._mirrored else begin
            rect = Markup('<rect class="part" x="{:.2f}%" width="{:.2f}%" height="14" fill="url(#fill-{})"/>')
            drawn.append(rect.format(x * 100, share * 100, kind))
            begin += share
        return self._beside(Markup("").join(drawn), height=14)

    def interval(self, low: float, value: float, high: float, *, ends: tuple[float, float], kind: str = "") -> Markup:
        """A value with what it may as well be, on a scale between ``ends``. ``kind`` ``unsure`` is drawn hollow and dashed,
        ``more`` and ``fewer`` as a diamond."""
        length = ends[1] - ends[0] or 1.0
        left, at, right = (self._x(min(max((end - ends[0]) / length, 0.0), 1.0)) for end in (low, value, high))
        shape = Markup('<line class="axis" x1="0" x2="100%" y1="9" y2="9"/>')
        shape += Markup('<line class="range" x1="{:.2f}%" x2="{:.2f}%" y1="9" y2="9"/>').format(left, right)
        for end in (left, right):
            shape += Markup('<line class="range" x1="{0:.2f}%" x2="{0:.2f}%" y1="5" y2="13"/>').format(end)
        if kind in ("more", "fewer"):
            diamond = Markup('<svg x="{:.2f}%" class="stretch"><path class="dot" d="M0 3 6 9 0 15 -6 9Z"/></svg>')
            shape += diamond.format(at)
        else:
            shape += Markup('<circle class="dot" cx="{:.2f}%" cy="9" r="4.5"/>').format(at)
        return self._beside(shape, height=18, kind=f"interval {kind}".strip())

    def heat(self, rows: Sequence[Sequence[int]], titles: Sequence[Sequence[str]], *, title: str, says: str) -> Markup:
        """A square for each cell: the more, the larger and the darker. What stands beside and below it is the page's."""
        most, size = max((max(row) for row in rows), default=0) or 1, 20
        wide = len(rows[0]) if rows else 0
        drawn = []
        for down, (row, said) in enumerate(zip(rows, titles, strict=True)):
            for across, (value, words) in enumerate(zip(row, said, strict=True)):
                left = (wide - 1 - across if self._mirrored else across) * size
                side = 0.0 if value == 0 else 4 + (size - 6) * (value / most) ** 0.5
                step = 0 if value == 0 else 1 + round(3 * value / most)
                offset = (size - side) / 2
                drawn.append(
                    Markup('<g><title>{}</title><rect class="cell" x="{}" y="{}" width="{}" height="{}"/>').format(
                        words, left + 1, down * size + 1, size - 2, size - 2
                    )
                    + Markup(
                        '<rect class="heat-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"/></g>'
                    ).format(step, left + offset, down * size + offset, side, side)
                )
        number = next(self._numbers)
        return Markup(
            '<svg class="heat" viewBox="0 0 {} {}" role="img" aria-labelledby="chart-{}-title chart-{}-says">'
            '<title id="chart-{}-title">{}</title><desc id="chart-{}-says">{}</desc>{}</svg>'
        ).format(wide * size, len(rows) * size, number, number, number, title, number, says, Markup("").join(drawn))

    def days(
        self, values: Sequence[int], titles: Sequence[str], *, expected: float, high: float, seen: str, ends: tuple[str, str],
        title: str, says: str,
    ) -> Markup:  # fmt: skip
        """A column a day, the last one with ``seen`` above it; there a frame reaches from nothing to the most that was to be
        expected, and a line stands where the day was expected."""
        height, head, foot = 124, 20, 20
        room, ground = height - head - foot, height - foot
        top, wide = max(*values, high, 1.0), 100 / len(values)
        drawn = []
        for number, (value, said) in enumerate(zip(values, titles, strict=True)):
            tall, last = room * value / top, number == len(values) - 1
            x = 100 - (number + 1) * wide if self._mirrored else number * wide
            rect = Markup(
                '<g><title>{}</title><rect class="day{}" x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}"/></g>'
            )
            drawn.append(rect.format(said, " last" if last else "", x + wide * 0.12, ground - tall, wide * 0.76, tall))
        x = 0.0 if self._mirrored else 100 - wide
        reach, level = room * high / top, ground - room * expected / top
        frame = Markup('<rect class="frame" x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}"/>')
        usual = Markup('<line class="usual" x1="{0:.2f}%" x2="{1:.2f}%" y1="{2:.1f}" y2="{2:.1f}"/>')
        drawn += [
            frame.format(x, ground - reach, wide, reach),
            usual.format(x, x + wide, level),
            Markup('<line class="base" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(ground),
            self._text(self._x(1.0), ground - room * max(values[-1], high) / top - 6, "end", "value", seen),
            self._text(self._x(0.0), height - 5, "start", "tick", ends[0]),
            self._text(self._x(1.0), height - 5, "end", "tick", ends[1]),
        ]
        return self._image(drawn, height=height, title=title, says=says, kind="plot days")

    def _x(self, share: float) -> float:
        """A place from the reader's first side, in per cent of the width from the left."""
        return 100 * (1 - share if self._mirrored else share)

    def _shape(self, line: Line, times: Times, places: Sequence[float], top: float, plot: int) -> Markup:
        """Areas and lines of one series; it is interrupted where it has no value."""
        drawn = []
        end = max((number for number, value in enumerate(line.values) if value is not None), default=-1)
        for run in _runs([
            None if value is None else (number, place * _WIDE / 100, plot * (1 - min(value / top, 1.0)))
            for number, (place, value) in enumerate(zip(places, line.values, strict=True))
        ]):  # fmt: skip
            if len(run) < 2:
                continue
            if line.kind == "first":
                closed = f"{_path(run)}L{run[-1][1]:.1f} {plot}L{run[0][1]:.1f} {plot}Z"
                drawn.append(Markup('<path class="area" d="{}"/>').format(closed))
            head = times.short and run[0][0] == 0
            tail = times.running and run[-1][0] == end
            solid = run[int(head) : len(run) - int(tail)]
            parts = [("", solid), (" so-far", run[:2] if head else []), (" so-far", run[-2:] if tail else [])]
            path = Markup('<path class="line {}{}" vector-effect="non-scaling-stroke" d="{}"/>')
            drawn += [path.format(line.kind, dots, _path(part)) for dots, part in parts if len(part) > 1]
        return Markup("").join(drawn)

    def _marks(
        self, line: Line, times: Times, places: Sequence[float], y: Callable[[float], float], write: Callable[[float], str],
        *, lonely: bool,
    ) -> Markup:  # fmt: skip
        """Dots where a value stands alone, and at the last whole and the highest value, with their numbers."""
        known = [(number, value) for number, value in enumerate(line.values) if value is not None]
        if not known:
            return Markup("")
        last, highest = known[-2 if times.running and len(known) > 1 else -1], max(known, key=lambda pair: pair[1])
        told = [last]
        if lonely and abs(highest[0] - last[0]) > len(places) * 0.12 and highest[1] > last[1]:
            told.append(highest)
        alone = [
            run[0] for run in _runs([None if v is None else (n, v) for n, v in enumerate(line.values)]) if len(run) == 1
        ]
        dot = Markup('<circle class="point {}" cx="{:.2f}%" cy="{:.1f}" r="3.5"/>')
        drawn = [dot.format(line.kind, places[number], y(value)) for number, value in dict.fromkeys([*told, *alone])]
        for number, value in told:
            share = (number + 0.5) / len(places)
            side = "end" if share > 0.85 else "start" if share < 0.15 else "middle"
            above = y(value) - 8 if line.kind == "first" or y(value) > HEIGHT - BOTTOM - 18 else y(value) + 16
            drawn.append(self._text(places[number], above, side, f"value {line.kind}", write(value)))
        return Markup("").join(drawn)

    def _grid(self, ticks: Sequence[float], y: Callable[[float], float]) -> Markup:
        line = Markup('<line class="{}" x1="0" x2="100%" y1="{:.1f}" y2="{:.1f}"/>')
        drawn = [line.format("grid" if number else "base", y(tick), y(tick)) for number, tick in enumerate(ticks)]
        return Markup("").join(drawn)

    def _ticks(self, ticks: Sequence[float], y: Callable[[float], float], write: Callable[[float], str]) -> Markup:
        return Markup("").join(
            self._text(self._x(0.0), y(tick) - 4, "start", "tick", write(tick)) for tick in ticks[1:]
        )

    def _days(self, times: Times, places: Sequence[float]) -> Markup:
        drawn, many = [], len(times.labels)
        for number in spread(many, MOST_LABELS):
            share = (number + 0.5) / many
            side = "start" if share < 0.08 else "end" if share > 0.92 else "middle"
            at = self._x(0.0) if side == "start" and many > 1 else places[number]
            drawn.append(self._text(at, HEIGHT - 6, side, "tick", times.labels[number]))
        return Markup("").join(drawn)

    def _pointed(
        self, lines: Sequence[Line], times: Times, places: Sequence[float], write: Callable[[float], str]
    ) -> Markup:  # fmt: skip
        """What a pointer is shown over each bucket."""
        wide, drawn = 100 / len(places), []
        for number, (place, title) in enumerate(zip(places, times.titles, strict=True)):
            values = [
                f"{line.name}: {write(value)}" for line in lines if (value := line.values[number]) is not None
            ] or ["–"]  # fmt: skip
            rect = Markup('<rect class="hit" x="{:.2f}%" y="0" width="{:.2f}%" height="{}"><title>{}</title></rect>')
            drawn.append(rect.format(place - wide / 2, wide, HEIGHT - BOTTOM, "\n".join([title, *values])))
        return Markup("").join(drawn)

    def _text(self, x: float, y: float, anchor: str, kind: str, words: str) -> Markup:
        """``anchor`` is the reader's: SVG too begins a line of a right-to-left page on the right."""
        text = Markup('<text class="{}" x="{:.2f}%" y="{:.1f}" text-anchor="{}">{}</text>')
        return text.format(kind, x, y, anchor, words)

    def _image(self, parts: Sequence[Markup], *, height: int, title: str, says: str, kind: str) -> Markup:
        number = next(self._numbers)
        head = Markup(
            '<svg class="{}" width="100%" height="{}" role="img" aria-labelledby="chart-{}-title chart-{}-says">'
            '<title id="chart-{}-title">{}</title><desc id="chart-{}-says">{}</desc>'
        ).format(kind, height, number, number, number, title, number, says)
        return Markup("").join([head, *parts, Markup("</svg>")])

    def _beside(self, body: Markup, *, height: int = 12, kind: str = "in-row") -> Markup:
        """A drawing of a number that stands in the same row, so it is not read out."""
        head = Markup('<svg class="{}" width="100%" height="{}" aria-hidden="true" focusable="false">')
        return head.format(kind if kind == "in-row" else f"in-row {kind}", height) + body + Markup("</svg>")


def _runs(points: Sequence[T | None]) -> list[list[T]]:
    """The stretches without a gap."""
    found: list[list[T]] = [[]]
    for point in points:
        if point is None:
            found.append([])
        else:
            found[-1].append(point)
    return [run for run in found if run]


def _path(run: Sequence[tuple[int, float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for _, x, y in run)
