"""The figures, as people and programs see them. Definitions, with sources: docs/insights.md.

A *contact* is one message that a customer wrote; auto-replies and bounces are none. Shares and p-values run from 0 to 1, spans
are seconds, days are the shop's (the time zone of its calendar; UTC without one). None stands where there is nothing to measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

DIMENSIONS = ("channel", "language", "region", "intent", "urgency", "product", "supplier")
"""What contacts are counted and narrowed by."""
LONGEST = timedelta(days=3660)
NOTHING = ""
"""The value of a contact without one: an order that nobody named has no product, an unread message no intent."""


class Bucket(StrEnum):
    """How long a stretch one point of a series stands for."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which contacts count: those received from the day ``since`` to the day ``until``, both included.

    Attributes:
        region: the order's market (ISO 3166), else the region of the customer's locale; ``""`` for contacts without one, as
            with all others.
        product: the SKU.
        bucket: None chooses by the length of the time: hours up to 2 days, days up to 92, else weeks.

    Raises:
        ValueError: the time ends before it begins, is longer than ten years, or has too many buckets; ``field: why``.
    """

    since: date
    until: date
    channel: str | None = None
    language: str | None = None
    region: str | None = None
    intent: str | None = None
    urgency: str | None = None
    product: str | None = None
    supplier: str | None = None
    bucket: Bucket | None = None

    def __post_init__(self) -> None:
        if self.until < self.since:
            raise ValueError("to: the last day is before the first")
        if self.until - self.since > LONGEST or self.since.year < 1971 or self.until.year > 9998:
            raise ValueError("from: at most ten years, after 1970")
        if self.bucket is Bucket.HOUR and self.days > 31:
            raise ValueError("bucket: at most 31 days by the hour")

    @property
    def days(self) -> int:
        """How many days."""
        return (self.until - self.since).days + 1

    @property
    def step(self) -> Bucket:
        """The bucket that is used."""
        if self.bucket is not None:
            return self.bucket
        return Bucket.HOUR if self.days <= 2 else Bucket.DAY if self.days <= 92 else Bucket.WEEK

    @property
    def narrowed(self) -> Mapping[str, str]:
        """The dimensions that are narrowed, with their values."""
        return {name: value for name in DIMENSIONS if (value := getattr(self, name)) is not None}

    @property
    def before(self) -> Filters:
        """The same stretch of time just before this one, to compare with."""
        since = self.since - timedelta(days=self.days)
        return replace(self, since=since, until=self.since - timedelta(days=1))


@dataclass(frozen=True, kw_only=True)
class Share:
    """``count`` of ``of``, with the 95 % Wilson interval. ``value``, ``low``, ``high`` are None where ``of`` is 0."""

    count: int
    of: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Point:
    """One bucket of a series; ``at``: when it begins (aware, in the shop's zone). ``value`` is None where nothing was there."""

    at: datetime
    value: float | None


@dataclass(frozen=True, kw_only=True)
class Count:
    """Contacts with one value of a dimension; ``share`` of all that are counted.

    A contact about an order of two products counts for each of them, so shares of products and suppliers can add up to more
    than 1. ``title``: what the shop calls a product, where an order says.
    """

    value: str
    contacts: int
    share: float
    title: str | None = None


@dataclass(frozen=True, kw_only=True)
class Volume:
    """How many contacts came, when, and about what.

    Attributes:
        contacts, conversations: messages of customers; conversations that they opened.
        before: contacts of the same stretch of time just before.
        unread: contacts that the assistant has not read (yet, or could not).
        series: contacts a bucket.
        by: for each dimension its most frequent values, most first; ``others`` counts what is not listed.
        week: contacts by weekday (7, Monday first) and hour (24) of the shop's clock.
        deflection: contacts that need no reply, of those that were read.
    """

    contacts: int
    conversations: int
    before: int
    unread: int
    series: tuple[Point, ...]
    by: Mapping[str, tuple[Count, ...]]
    others: Mapping[str, int]
    week: tuple[tuple[int, ...], ...]
    deflection: Share


@dataclass(frozen=True, kw_only=True)
class Span:
    """Seconds from a conversation's first contact to the first reply, of those that were answered.

    ``working_median`` and ``working_p90`` count only the working time of the shop's calendar; None without a calendar.
    """

    answered: int
    unanswered: int
    median: float | None
    p90: float | None
    working_median: float | None = None
    working_p90: float | None = None


@dataclass(frozen=True, kw_only=True)
class Attainment:
    """What became of contacts that were due an answer.

    Attributes:
        met, late: answered by the due time, or after it.
        open_late: unanswered, and the due time has passed.
        open: unanswered, not due yet; not part of the share.
        closed: the conversation was closed without a reply; not part of the share.
        share: met of met, late and open_late.
    """

    met: int
    late: int
    open_late: int
    open: int
    closed: int
    share: Share


@dataclass(frozen=True, kw_only=True)
class ResponseRow:
    """First response and attainment of one value of a dimension."""

    value: str
    span: Span
    attainment: Attainment


@dataclass(frozen=True, kw_only=True)
class Response:
    """How soon customers were answered. ``series``: median seconds to the first response by the bucket of the first contact."""

    span: Span
    attainment: Attainment
    series: tuple[Point, ...]
    attained: tuple[Point, ...]
    by: Mapping[str, tuple[ResponseRow, ...]]


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Conversations that waited for a reply at the end of each bucket; ``late``: those of them past their due time then.

    ``waiting`` and ``overdue`` are now's; ``oldest`` is the age in seconds of what waits longest.
    """

    series: tuple[Point, ...]
    late: tuple[Point, ...]
    waiting: int
    overdue: int
    oldest: float | None


@dataclass(frozen=True, kw_only=True)
class DraftCounts:
    """What people did with drafts.

    Attributes:
        drafts: all that the assistant wrote.
        accepted: approved as they were; ``edited``: approved with other words; ``rejected``.
        superseded: the customer wrote again before anybody decided; ``pending``: nobody decided yet.
        accepted_share: accepted of accepted, edited and rejected.
        distance: mean normalised edit distance of what was approved, from 0 (as is) to 1 (nothing left); ``edited_distance``:
            median of the edited alone.
    """

    drafts: int
    accepted: int
    edited: int
    rejected: int
    superseded: int
    pending: int
    accepted_share: Share
    distance: float | None
    edited_distance: float | None


@dataclass(frozen=True, kw_only=True)
class DraftRow:
    """One value of a dimension (or one model version) and its drafts."""

    value: str
    counts: DraftCounts


@dataclass(frozen=True, kw_only=True)
class Drafts:
    """``by``: ``intent``, ``language``, ``channel``, ``model``. ``series``: accepted as is of decided, a bucket."""

    counts: DraftCounts
    series: tuple[Point, ...]
    by: Mapping[str, tuple[DraftRow, ...]]


@dataclass(frozen=True, kw_only=True)
class ModelCounts:
    """How much the model says, and how often people agree.

    Attributes:
        coverage: contacts for which it named an intent, of those that it read (else it abstained).
        with_draft, with_article: of those that it read and that need a reply, those with a draft; with one that cites an article.
        precision: of contacts whose intent the model named and that somebody judged, those where it stood: a correction that
            repeats the intent, or an approved draft without a correction, counts as agreement. Rejected drafts without a
            correction are not judged.
        corrected: of contacts whose intent the model named and that somebody corrected or confirmed by a label, those where it
            stood. People label what is wrong, so this lies below the truth; ``precision`` may lie above it.
        urgency, language: the same as ``precision`` for the other two labels.
    """

    read: int
    coverage: Share
    with_draft: Share
    with_article: Share
    precision: Share
    corrected: Share
    urgency: Share
    language: Share


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One value of a dimension (or one model version), and the model there. Intents are what the model said."""

    value: str
    counts: ModelCounts


@dataclass(frozen=True, kw_only=True)
class Model:
    """``by``: ``intent``, ``language``, ``channel``, ``model``. ``series``: precision a bucket."""

    counts: ModelCounts
    series: tuple[Point, ...]
    by: Mapping[str, tuple[ModelRow, ...]]


@dataclass(frozen=True, kw_only=True)
class RepeatCounts:
    """Customers who had to write more than once for one matter.

    Attributes:
        asked_before: contacts about a matter of which the customer had written in another conversation.
        chasing: contacts that came before the one before them was answered.
        customers: customers who did either, of all who wrote.
    """

    asked_before: Share
    chasing: Share
    customers: Share


@dataclass(frozen=True, kw_only=True)
class RepeatRow:
    """One value of a dimension and its repeats."""

    value: str
    counts: RepeatCounts


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """``by``: ``intent``, ``channel``, ``language``. ``series``: contacts asked before or chasing, a bucket."""

    counts: RepeatCounts
    series: tuple[Point, ...]
    by: Mapping[str, tuple[RepeatRow, ...]]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What an anomaly is about; None means all."""

    product: str | None = None
    intent: str | None = None
    region: str | None = None
    supplier: str | None = None


@dataclass(frozen=True, kw_only=True)
class Anomaly:
    """A day on which far more contacts came than the cell's own season and trend let expect.

    Attributes:
        first_day, last_day: the days in a row (gaps of up to two days) on which it stood out; the figures are of ``last_day``.
        observed, expected, high: contacts, their expected number, and the most that 99 of 100 such days would have.
        p_value: of so many or more by chance; ``adjusted``: corrected for all cells that were looked at (Benjamini-Hochberg).
        examples: ids of up to five of the contacts, newest first.
        history: (day, contacts) of the eight weeks before, oldest first, and of the day itself.
    """

    id: str
    cell: Cell
    first_day: date
    last_day: date
    observed: int
    expected: float
    high: int
    p_value: float
    adjusted: float
    examples: tuple[str, ...]
    history: tuple[tuple[date, int], ...]
    detected_at: datetime
    title: str | None = None


@dataclass(frozen=True, kw_only=True)
class Anomalies:
    """Newest first. ``ready``: there is enough history to look at all; ``history_days``, ``needed_days``: how much, and of
    how much. ``looked_at``: when the last look was."""

    anomalies: tuple[Anomaly, ...]
    ready: bool
    history_days: int
    needed_days: int
    looked_at: datetime | None


class Standing(StrEnum):
    """What can be said of a supplier against the others of the same product."""

    TOO_FEW = "too_few"
    ALONE = "alone"
    MORE = "more"
    FEWER = "fewer"
    NO_DIFFERENCE = "no_difference"


@dataclass(frozen=True, kw_only=True)
class SupplierRow:
    """One supplier of one product.

    Attributes:
        orders: orders of the product from this supplier that were placed in the time.
        contacted: those of them that a customer wrote about (with the intent, where one is given), until now.
        contacts: how many messages these were.
        per_100: contacts per 100 orders, with ``low`` and ``high``: the 95 % interval of Byar (None without orders).
        share: contacted of orders, with Wilson's interval; this is what is compared.
        others: contacted of orders of all other suppliers of the product.
        p_value: Fisher's exact test, two-sided; ``adjusted``: by Holm, over every comparison that was made; None for too few.
        standing: ``more`` and ``fewer`` only where ``adjusted`` is below 0.05; never below the smallest numbers.
    """

    product: str
    supplier: str
    orders: int
    contacted: int
    contacts: int
    per_100: float | None
    low: float | None
    high: float | None
    share: Share
    others: Share
    p_value: float | None
    adjusted: float | None
    standing: Standing
    title: str | None = None


@dataclass(frozen=True, kw_only=True)
class Suppliers:
    """Products with the most orders first, their suppliers by contacts per 100 orders. ``compared``: how many tests were made.
    ``listed`` is fewer than ``products`` where there are too many."""

    rows: tuple[SupplierRow, ...]
    products: int
    listed: int
    compared: int
    least_orders: int


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the figures can be narrowed to: values that occur in the time, most frequent first. ``titles``: by product.

    ``waiting``: days that are still to be counted anew (after an import, or at the first start).
    """

    values: Mapping[str, tuple[str, ...]]
    titles: Mapping[str, str]
    first_day: date | None
    zone: str
    waiting: int


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What an owner asks for first; of the volume only intents and channels, of the others no dimension."""

    volume: Volume
    response: Response
    backlog: Backlog
    drafts: Drafts
    anomalies: Anomalies
