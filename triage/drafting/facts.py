"""Order facts as sentences: status, dates, carrier, refund, in the customer's own formats."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency

from triage.drafting.phrases import Phrases
from triage.types import ChannelPolicy, Order


def locale_for(language: str, preferred: str | None) -> Locale:
    """The customer's own locale where it is of the draft's language, else the language's plain one."""
    for candidate in (preferred, language, "en"):
        if not candidate:
            continue
        try:
            locale = Locale.parse(candidate.replace("-", "_"))
        except (ValueError, UnknownLocaleError):
            continue
        if candidate == "en" or locale.language == language:
            return locale
    return Locale("en")


def order_facts(
    order: Order, phrases: Phrases, *, locale: Locale, policy: ChannelPolicy, now: datetime
) -> tuple[str, ...]:
    """Sentences that state what is known of ``order``; a public channel repeats nothing of it."""
    if policy.public:
        return ()
    facts: list[str] = []
    if order.status and order.status in phrases.status:
        facts.append(phrases.status[order.status].format(order=order.id))
    under_way = order.status in {"placed", "paid", "dispatched", "in_transit"}
    if order.promised_by and under_way:
        key = "promised_passed" if _utc(order.promised_by) < now else "promised"
        facts.append(phrases.facts[key].format(date=format_date(order.promised_by.date(), "long", locale=locale)))
    if order.carrier and order.tracking_number and order.status in {"dispatched", "in_transit", "delivered"}:
        facts.append(phrases.facts["carrier"].format(carrier=order.carrier, tracking=order.tracking_number))
        if order.tracking_url and policy.links:
            facts.append(phrases.facts["tracking_link"].format(url=order.tracking_url))
    if order.refund:
        facts.append(_refund(order, phrases, locale))
    return tuple(fact for fact in facts if fact)


def _refund(order: Order, phrases: Phrases, locale: Locale) -> str:
    assert order.refund is not None  # the caller asks only for an order that has one
    amount = money(order.refund.amount, order.currency, locale)
    if amount is None:
        return ""
    if order.refund.issued_at is None:
        return phrases.facts["refund_undated"].format(amount=amount)
    date = format_date(order.refund.issued_at.date(), "long", locale=locale)
    return phrases.facts["refund"].format(amount=amount, date=date)


def money(amount: str, currency: str | None, locale: Locale) -> str | None:
    """``amount`` in the locale's form; None where it is no number or has no currency, for a wrong sum is worse than none."""
    try:
        value = Decimal(amount)
    except InvalidOperation:
        return None
    if not currency or not value.is_finite():
        return None
    return str(format_currency(value, currency, locale=locale))


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
