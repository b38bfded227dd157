"""How a customer is known: addresses, numbers and handles in one normal form.

The address that a message came from is its key (``identities_of`` puts it first); what else a writer says of themselves is
attached where nobody has it yet, and otherwise only a suggestion, because families share phones and offices share mailboxes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers

from triage.types import Sender

_EMAIL = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,255}")
_BY_PHONE = ("sms", "whatsapp", "phone")
_BY_BUYER = ("amazon", "ebay", "walmart", "allegro", "tokopedia")


@dataclass(frozen=True, order=True)
class Identity:
    """``kind`` is email, phone, handle, buyer or helpdesk; ``value`` is in normal form."""

    kind: str
    value: str


def email_identity(address: str) -> Identity | None:
    """The mailbox, lower case; None where it is none. Dots and tags are kept: for most hosts they make another mailbox."""
    address = unicodedata.normalize("NFC", address).strip().strip("<>").lower()
    return Identity("email", address) if _EMAIL.fullmatch(address) else None


def phone_identity(number: str, *, region: str | None = None) -> Identity | None:
    """The number in E.164; None where it is no possible number. ``region``: ISO 3166 code for one without country code."""
    try:
        parsed = phonenumbers.parse(number[:40], region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return Identity("phone", phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def identities_of(sender: Sender, channel: str, *, region: str | None = None) -> tuple[Identity, ...]:
    """All that ``sender`` is known by, the channel's own key first; empty for an anonymous writer."""
    found = {
        "email": email_identity(sender.email) if sender.email else None,
        "phone": phone_identity(sender.phone, region=region) if sender.phone else None,
        "handle": _on(channel, "handle", sender.handle),
        "buyer": _on(channel, "buyer", sender.buyer_id),
        "helpdesk": Identity("helpdesk", helpdesk) if (helpdesk := (sender.helpdesk_id or "").strip()) else None,
    }
    order = ["email", "helpdesk", "buyer", "handle", "phone"]
    own = "phone" if channel in _BY_PHONE else "buyer" if channel in _BY_BUYER else None
    if own:
        order = [own, *(kind for kind in order if kind != own)]
    return tuple(identity for kind in order if (identity := found[kind]) is not None)


def _on(channel: str, kind: str, value: str | None) -> Identity | None:
    value = unicodedata.normalize("NFKC", value or "").strip().removeprefix("@").casefold()
    return Identity(kind, f"{channel}:{value}") if value else None


def region_of(locale: str | None) -> str | None:
    """The region of a language tag, as an ISO 3166 code; None where it names none."""
    parts = (locale or "").replace("_", "-").split("-")
    return next((part.upper() for part in parts[1:] if len(part) == 2 and part.isalpha()), None)
