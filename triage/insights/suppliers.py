"""Suppliers of the same product, by how many of their orders customers write about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from triage.insights.frame import Frame, Mask
from triage.insights.grouping import distinct, numbered
from triage.insights.intervals import byar, fisher, holm, log_factorials, share
from triage.insights.types import NOTHING, Filters, Share, Standing, SupplierRow, Suppliers

LEAST_ORDERS = 50
"""Orders that a supplier, and all others of the product together, must have before anything is said of them."""
LEAST_EXPECTED = 5.0
"""Contacted orders that a supplier would have where it were like the others; with fewer, nothing is said (Cochran 1954)."""
LEVEL = 0.05
MOST_PRODUCTS = 100


@dataclass(frozen=True, kw_only=True)
class _Line:
    """What is counted of one supplier of one product."""

    product: str
    supplier: str
    orders: int
    contacted: int
    contacts: int


def suppliers(frame: Frame, filters: Filters) -> Suppliers:
    """Compares each supplier with all others of the product, over the orders of the frame.

    Of the filters, product, supplier and region choose orders; channel, language, intent and urgency choose which contacts
    about them count. A supplier is compared with all others of the product, whether they are shown or not.
    """
    products = _products(frame, filters)
    logs = log_factorials(max((sum(line.orders for line in lines) for lines in products.values()), default=0))
    tested: list[tuple[_Line, Share, float]] = []
    rows: list[tuple[_Line, Share, Standing | None]] = []
    for lines in products.values():
        contacted, ordered = sum(line.contacted for line in lines), sum(line.orders for line in lines)
        for line in lines:
            others = share(contacted - line.contacted, ordered - line.orders)
            standing = _untested(line, others)
            if standing is None:
                tested.append((line, others, fisher(line.contacted, line.orders, others.count, others.of, logs=logs)))
            rows.append((line, others, standing))
    adjusted = {id(line): pair for (line, _, p), pair in zip(tested, _paired(tested), strict=True)}
    shown = [_row(line, others, standing, adjusted.get(id(line))) for line, others, standing in rows]
    kept = list(products)[:MOST_PRODUCTS]
    listed = [row for row in shown if row.product in set(kept) and filters.supplier in (None, row.supplier)]
    place = {product: number for number, product in enumerate(kept)}
    listed.sort(key=lambda row: (place[row.product], -(row.per_100 or 0), row.supplier))
    return Suppliers(
        rows=tuple(listed),
        products=len(products),
        listed=len({row.product for row in listed}),
        compared=len(tested),
        least_orders=LEAST_ORDERS,
    )


def _paired(tested: list[tuple[_Line, Share, float]]) -> list[tuple[float, float]]:
    values = [p for _, _, p in tested]
    return list(zip(values, holm(values), strict=True))


def _untested(line: _Line, others: Share) -> Standing | None:
    """Why nothing can be said; None where it can."""
    if others.of == 0:
        return Standing.ALONE
    expected = line.orders * (line.contacted + others.count) / (line.orders + others.of)
    enough = min(line.orders, others.of) >= LEAST_ORDERS and expected >= LEAST_EXPECTED
    return None if enough else Standing.TOO_FEW


def _row(line: _Line, others: Share, standing: Standing | None, values: tuple[float, float] | None) -> SupplierRow:
    own = share(line.contacted, line.orders)
    if standing is None:
        assert values is not None
        assert own.value is not None
        assert others.value is not None
        more = Standing.MORE if own.value > others.value else Standing.FEWER
        standing = more if values[1] < LEVEL else Standing.NO_DIFFERENCE
    low, high = byar(line.contacts)
    hundred = 100 / line.orders
    return SupplierRow(
        product=line.product, supplier=line.supplier, orders=line.orders, contacted=line.contacted, contacts=line.contacts,
        per_100=line.contacts * hundred, low=low * hundred, high=high * hundred, share=own, others=others,
        p_value=values and values[0], adjusted=values and values[1], standing=standing,
    )  # fmt: skip


def _products(frame: Frame, filters: Filters) -> Mapping[str, list[_Line]]:
    """What is counted, by product, those with the most orders first."""
    contacts = np.bincount(frame["touch_row"][_counting(frame, filters)].astype(np.int64), minlength=frame.rows)
    products, names = frame.words["line_product"], frame.words["line_supplier"]
    width = len(names) + 1
    wanted = _wanted(frame, filters)
    rows = frame["line_row"][wanted].astype(np.int64)
    pair = frame["line_product"][wanted].astype(np.int64) * width + frame["line_supplier"][wanted]
    place = numbered(pair)
    found = distinct(pair)
    orders = np.bincount(place, minlength=len(found))
    contacted = np.bincount(place, weights=contacts[rows] > 0, minlength=len(found))
    written = np.bincount(place, weights=contacts[rows], minlength=len(found))
    lines: dict[str, list[_Line]] = {}
    for number, key in enumerate(found):
        product = products[key // width]
        lines.setdefault(product, []).append(
            _Line(
                product=product, supplier=names[key % width], orders=int(orders[number]), contacted=int(contacted[number]),
                contacts=int(written[number]),
            )
        )  # fmt: skip
    return dict(sorted(lines.items(), key=lambda item: (-sum(line.orders for line in item[1]), item[0])))


def _counting(frame: Frame, filters: Filters) -> Mask:
    """The contacts that count."""
    mask: Mask = np.ones(len(frame["touch_row"]), dtype=bool)
    for name in ("channel", "language", "intent", "urgency"):
        wanted = getattr(filters, name)
        if wanted is not None:
            mask &= frame[f"touch_{name}"] == frame.code(f"touch_{name}", wanted)
    return mask


def _wanted(frame: Frame, filters: Filters) -> Mask:
    """The items of orders that count: of a known product and supplier, in the region."""
    named = [frame.code(f"line_{name}", NOTHING) for name in ("product", "supplier")]
    mask: Mask = (frame["line_product"] != named[0]) & (frame["line_supplier"] != named[1])
    if filters.product is not None:
        mask &= frame["line_product"] == frame.code("line_product", filters.product)
    if filters.region is not None:
        mask &= (frame["region"] == frame.code("region", filters.region))[frame["line_row"]]
    return mask
