"""Queries and answers of ``/v1/insights``."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from api.problems import Problem
from triage.insights.definitions import DEFINITIONS
from triage.insights.tables import Figure, plain
from triage.insights.types import DIMENSIONS, Bucket, Filters

F = TypeVar("F")
Value = Annotated[str, Field(max_length=200)]
DEFAULT_DAYS = 30


class FilterQuery(BaseModel):
    """Which contacts count. Days are those of the shop's time zone, both included; where none are named the last 30, or those
    since the first contact.

    A value that is given but empty chooses the contacts without one.
    """

    model_config = ConfigDict(extra="forbid")

    since: Annotated[date | None, Field(alias="from", examples=["2026-11-01"])] = None
    until: Annotated[date | None, Field(alias="to", examples=["2026-11-30"])] = None
    channel: Value | None = None
    language: Value | None = None
    region: Annotated[
        Value | None, Field(description="The order's market, else the region of the customer's locale.")
    ] = None
    intent: Value | None = None
    urgency: Value | None = None
    product: Annotated[Value | None, Field(description="A SKU.")] = None
    supplier: Value | None = None
    bucket: Annotated[Bucket | None, Field(description="Chosen by the length of the time where none is named.")] = None

    def filters(self, today: date, first: date | None = None) -> Filters:
        """The filters, ``today`` being the last day where none is named; ``first``: that of the first contact.

        Raises:
            Problem: 422 with the field's name.
        """
        until = self.until or max(today, self.since or today)
        chosen: dict[str, Any] = {name: getattr(self, name) for name in DIMENSIONS}
        try:
            usual = until - timedelta(days=DEFAULT_DAYS - 1)
            since = self.since or min(max(usual, first or usual), until)
            return Filters(since=since, until=until, bucket=self.bucket, **chosen)
        except OverflowError:
            raise Problem(422, "invalid_field", "to: there is no time before it", field="to") from None
        except ValueError as error:
            field = str(error).partition(": ")[0]
            raise Problem(422, "invalid_field", str(error), field=field) from None


class FiltersOut(BaseModel):
    """The filters as they were used."""

    since: date = Field(serialization_alias="from")
    until: date = Field(serialization_alias="to")
    channel: str | None
    language: str | None
    region: str | None
    intent: str | None
    urgency: str | None
    product: str | None
    supplier: str | None
    bucket: Bucket


class FigureOut(BaseModel, Generic[F]):
    """A figure with what it says. Shares run from 0 to 1, spans are seconds, times are ISO 8601."""

    filters: FiltersOut
    definitions: dict[str, str]
    figures: F


def figure_json(name: str, filters: Filters, figure: Figure) -> dict[str, Any]:
    """A figure as answers show it."""
    used = {"from": filters.since.isoformat(), "to": filters.until.isoformat(), "bucket": filters.step.value}
    used |= {dimension: getattr(filters, dimension) for dimension in DIMENSIONS}
    return {"filters": used, "definitions": DEFINITIONS[name], "figures": plain(figure)}
