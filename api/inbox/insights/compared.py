"""Suppliers of the same product side by side; where numbers are too small, that is all that is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from api.inbox.i18n import N_
from api.inbox.insights.sections import Writing
from triage.insights.types import Standing, SupplierRow, Suppliers

STANDINGS = {
    Standing.MORE: N_("more than the others"),
    Standing.FEWER: N_("fewer than the others"),
    Standing.NO_DIFFERENCE: N_("no difference to be seen"),
    Standing.TOO_FEW: N_("too few orders to say"),
    Standing.ALONE: N_("the only supplier"),
}
SIGNS = {Standing.MORE: "▲", Standing.FEWER: "▼"}


@dataclass(frozen=True, kw_only=True)
class Supplier:
    """One row. ``standing`` is a marked string, ``kind`` a class; ``sure``: the corrected p-value, where there is one."""

    name: str
    href: str
    orders: str
    contacts: str
    per_100: str
    likely: str
    drawn: Markup
    standing: str
    kind: str
    sign: str
    sure: str


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product and its suppliers; ``top``: what the scale of their drawings ends at, written."""

    name: str
    rows: Sequence[Supplier]
    top: str


def products(found: Suppliers, to: Writing) -> list[Product]:
    """Products in their order."""
    return [_product(list(rows), found, to) for _, rows in groupby(found.rows, key=lambda row: row.product)]


def _product(rows: Sequence[SupplierRow], found: Suppliers, to: Writing) -> Product:
    # Of few orders the interval is so wide that it would press the others together.
    solid = [row.high for row in rows if row.high is not None and row.standing is not Standing.TOO_FEW]
    top = max(solid or [row.high for row in rows if row.high is not None], default=1.0) * 1.05
    first = rows[0]
    shown = [_supplier(row, top, to, least=found.least_orders) for row in rows]
    return Product(name=to.label("product", first.product, first.title), rows=shown, top=to.decimal(top))


def _supplier(row: SupplierRow, top: float, to: Writing, *, least: int) -> Supplier:
    kinds = {Standing.TOO_FEW: "unsure", Standing.MORE: "more", Standing.FEWER: "fewer"}
    kind, drawn = kinds.get(row.standing, "unsure" if row.orders < least else ""), Markup("")
    if row.per_100 is not None and row.low is not None and row.high is not None:
        drawn = to.draw.interval(row.low, row.per_100, row.high, ends=(0.0, top), kind=kind)
    return Supplier(
        name=row.supplier, href=to.asked.address("volume", product=row.product, supplier=row.supplier),
        orders=to.count(row.orders), contacts=to.count(row.contacts), per_100=to.decimal(row.per_100),
        likely=f"{to.decimal(row.low)} – {to.decimal(row.high)}" if row.low is not None else "–", drawn=drawn,
        standing=STANDINGS[row.standing], kind=kind, sign=SIGNS.get(row.standing, ""),
        sure="" if row.adjusted is None else to.chance(row.adjusted),
    )  # fmt: skip
