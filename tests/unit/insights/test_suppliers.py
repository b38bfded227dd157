from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tests.unit.insights.shops import MONDAY
from triage.insights.frame import PlacedOrder, Touch, pack_orders, together, unpack
from triage.insights.suppliers import suppliers
from triage.insights.types import Filters, Standing, SupplierRow

FILTERS = Filters(since=date(2026, 5, 4), until=date(2026, 5, 4))


def orders(product: str, supplier: str, count: int, contacted: int, *, each: int = 1, **more: str) -> list[PlacedOrder]:
    touch = Touch(channel="email", language="en", intent=more.pop("intent", "damaged_item"), urgency="low")
    return [
        PlacedOrder(
            placed_at=MONDAY, lines=((product, supplier),), touches=(touch,) * each * (number < contacted), **more
        )
        for number in range(count)
    ]


def compared(*groups: list[PlacedOrder], **narrowed: str) -> dict[str, SupplierRow]:
    frame = together([unpack(pack_orders(group)) for group in groups])
    filters = Filters(since=FILTERS.since, until=FILTERS.until, **narrowed)
    return {f"{row.product}/{row.supplier}": row for row in suppliers(frame, filters).rows}


def test_a_supplier_with_more_trouble_is_named_with_its_numbers() -> None:
    found = compared(orders("KT", "A", 400, 60, each=2), orders("KT", "B", 400, 20))
    assert (found["KT/A"].standing, found["KT/B"].standing) == (Standing.MORE, Standing.FEWER)
    one = found["KT/A"]
    assert (one.orders, one.contacted, one.contacts, one.per_100) == (400, 60, 120, 30.0)
    assert one.low is not None
    assert one.high is not None
    assert one.low < 30 < one.high
    assert (one.others.count, one.others.of) == (20, 400)
    assert one.adjusted == pytest.approx(2 * (one.p_value or 0))  # two tests, by Holm


@pytest.mark.parametrize(
    ("mine", "theirs", "standing"),
    [
        ((49, 49), (400, 4), Standing.TOO_FEW),  # all of 49 orders, and still not a word
        ((400, 200), (49, 0), Standing.TOO_FEW),
        ((60, 3), (60, 1), Standing.TOO_FEW),  # orders enough, contacts too few to tell
        ((400, 40), (400, 41), Standing.NO_DIFFERENCE),
    ],
)
def test_small_numbers_get_no_verdict(mine: tuple[int, int], theirs: tuple[int, int], standing: Standing) -> None:
    found = compared(orders("KT", "A", *mine), orders("KT", "B", *theirs))["KT/A"]
    assert found.standing is standing
    assert (found.p_value is None) == (standing is Standing.TOO_FEW)


def test_a_supplier_alone_is_compared_with_nobody() -> None:
    assert compared(orders("KT", "A", 900, 90))["KT/A"].standing is Standing.ALONE


def test_another_products_suppliers_are_no_comparison() -> None:
    found = compared(orders("KT", "A", 400, 60), orders("PA", "B", 400, 20))
    assert {row.standing for row in found.values()} == {Standing.ALONE}


def test_filters_choose_contacts_and_orders() -> None:
    groups = (orders("KT", "A", 300, 60, region="DE"), orders("KT", "A", 100, 10, intent="track_order", region="PL"))
    assert compared(*groups)["KT/A"].contacted == 70
    assert (
        compared(*groups, intent="damaged_item")["KT/A"].contacted,
        compared(*groups, intent="x")["KT/A"].contacted,
    ) == (60, 0)
    assert compared(*groups, region="PL")["KT/A"].orders == 100
    assert compared(*groups, product="XX") == {}


def test_equal_suppliers_are_seldom_told_apart() -> None:
    chance, wrong = np.random.default_rng(7), 0
    for _ in range(30):
        groups = [
            orders(f"P{product}", f"S{supplier}", 120, int(chance.binomial(120, 0.12)))
            for product in range(4) for supplier in range(3)
        ]  # fmt: skip
        found = compared(*groups).values()
        wrong += any(row.standing in (Standing.MORE, Standing.FEWER) for row in found)
    assert wrong <= 4  # 1.5 are to be expected at most, at a family-wise level of 5 %
