from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date

import pytest

from tests.unit.insights.shops import MONDAY, contact, frame_of
from tests.unit.insights.test_suppliers import orders
from triage.insights import drafts, repeats, response, volume
from triage.insights.frame import pack_orders, together, unpack
from triage.insights.periods import buckets
from triage.insights.suppliers import suppliers
from triage.insights.tables import Figure, csv_text, plain, rows_of
from triage.insights.types import Filters

FILTERS = Filters(since=date(2026, 5, 4), until=date(2026, 5, 5))
EDGES = buckets(FILTERS, UTC)
FRAME = frame_of([contact(1, lines=(("=cmd|' /C calc'!A0", "+SUM(A1)"),), channel="@x"), contact(30, language="-2+3")])
EVIL = together([unpack(pack_orders(orders("\tKT", "\rA", 3, 1)))])
FIGURES: list[Figure] = [
    volume.volume(FRAME, EDGES, UTC, before=1),
    response.response(FRAME, EDGES, now=MONDAY, calendar=None),
    response.backlog(FRAME, EDGES, now=MONDAY),
    drafts.drafts(FRAME, EDGES),
    drafts.model(FRAME, EDGES),
    repeats.repeats(FRAME, EDGES),
    suppliers(EVIL, FILTERS),
]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: type(figure).__name__)
def test_no_cell_begins_a_formula(figure: Figure) -> None:
    cells = [cell for row in csv.reader(io.StringIO(csv_text(figure), newline="")) for cell in row]
    assert cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: type(figure).__name__)
def test_every_row_has_the_same_columns_and_the_json_is_plain(figure: Figure) -> None:
    rows = rows_of(figure)
    assert len({tuple(row) for row in rows}) == 1
    json.dumps(plain(figure), allow_nan=False)


def test_a_table_holds_totals_values_hours_and_buckets() -> None:
    rows = rows_of(FIGURES[0])
    kinds = [row["by"] for row in rows]
    assert kinds[0] == "all"
    assert kinds.count("week") == 7 * 24
    assert kinds.count("time") == 48
    (found,) = [row for row in rows if row["by"] == "channel" and row["value"] == "@x"]
    assert (found["contacts"], found["share"]) == (1, 0.5)
