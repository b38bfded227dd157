"""Figures as one flat table each, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any

from triage.insights.types import (
    Anomalies,
    Backlog,
    Drafts,
    Model,
    Point,
    Repeats,
    Response,
    Share,
    Suppliers,
    Volume,
)

Figure = Volume | Response | Backlog | Drafts | Model | Repeats | Anomalies | Suppliers
Row = dict[str, Any]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def rows_of(figure: Figure) -> list[Row]:
    """Rows with the same columns. ``by`` says what a row is of (``all``, a dimension, ``time``, ``week``), ``value`` which."""
    if isinstance(figure, Suppliers):
        found: list[Row] = [_flat(row) for row in figure.rows]
    elif isinstance(figure, Anomalies):
        found = [_anomaly(row) for row in map(_flat, figure.anomalies)]
    else:
        found = list(_rows(figure))
    columns = dict.fromkeys(name for row in found for name in row)
    return [{name: row.get(name) for name in columns} for row in found]


def csv_text(figure: Figure) -> str:
    """The table as CSV (RFC 4180). A text that a spreadsheet would take for a formula begins with an apostrophe instead
    (OWASP, CSV injection)."""
    rows, out = rows_of(figure), io.StringIO()
    writer = csv.writer(out)
    if rows:
        writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return out.getvalue()


def plain(value: Any) -> Any:
    """A figure as JSON values: times in ISO 8601."""
    if is_dataclass(value):
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value


def _rows(figure: Volume | Response | Backlog | Drafts | Model | Repeats) -> Iterator[Row]:
    whole: Row = {"by": "all", "value": ""}
    for part in fields(figure):
        value = getattr(figure, part.name)
        if part.name == "counts" or (is_dataclass(value) and not isinstance(value, Share)):
            whole |= _flat(value)
        elif isinstance(value, Share):
            whole |= _share(part.name, value)
        elif not isinstance(value, tuple | Mapping):
            whole[part.name] = value
    yield whole
    for name, listed in getattr(figure, "by", {}).items():
        for row in listed:
            yield {"by": name, **_flat(row)}
    if isinstance(figure, Volume):
        yield from (
            {"by": name, "value": "(others)", "contacts": count} for name, count in figure.others.items() if count
        )
        for weekday, hours in zip(WEEKDAYS, figure.week, strict=True):
            yield from (
                {"by": "week", "value": f"{weekday} {hour:02}:00", "contacts": count}
                for hour, count in enumerate(hours)
            )
    yield from _series(figure)


def _series(figure: Any) -> Iterator[Row]:
    """One row a bucket, with a column for each series."""
    names = [
        part.name for part in fields(figure)
        if isinstance(found := getattr(figure, part.name), tuple) and found and isinstance(found[0], Point)
    ]  # fmt: skip
    for points in zip(*(getattr(figure, name) for name in names), strict=True):
        yield {"by": "time", "value": points[0].at.isoformat()} | {
            name: point.value for name, point in zip(names, points, strict=True)
        }


def _flat(value: Any) -> Row:
    """A record's own columns, those of a record within it beside them."""
    row: Row = {}
    for part in fields(value):
        found = getattr(value, part.name)
        if isinstance(found, Share):
            row |= _share(part.name, found)
        elif is_dataclass(found):
            row |= _flat(found)
        elif isinstance(found, tuple):
            row[part.name] = " ".join(str(item) for item in found if not isinstance(item, tuple))
        else:
            row[part.name] = found
    return row


def _anomaly(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "history"}


def _share(name: str, share: Share) -> Row:
    return {name: share.value, f"{name}_count": share.count, f"{name}_of": share.of, f"{name}_low": share.low,
            f"{name}_high": share.high}  # fmt: skip


def _cell(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str):
        text = str(value)
        return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
    return "" if value is None else value
