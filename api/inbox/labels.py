"""What the domain calls things, as people read it: English here, the other languages in the catalogues.

Names of intents, states, channels and the like are looked up with gettext's context ``label``. Some sentences the domain
writes itself, in English and with values in them; ``SENTENCES`` lists them, so that they can be said in another language.
"""

from __future__ import annotations

import re
from functools import cache

from api.inbox.i18n import N_
from triage.channels.policies import ChannelPolicies
from triage.conversations.approval import DraftState
from triage.models.taxonomy import INTENTS, REASONS
from triage.storage.keys import SCOPES
from triage.types import URGENCIES, ArrivalKind, Band

ENGLISH = {
    "out_of_scope": "something else",
    "email": "e-mail",
    "sms": "SMS",
    "whatsapp": "WhatsApp",
    "amazon": "Amazon",
    "ebay": "eBay",
    "walmart": "Walmart",
    "allegro": "Allegro",
    "tokopedia": "Tokopedia",
    "messenger": "Messenger",
    "instagram": "Instagram",
    "telegram": "Telegram",
    "slack": "Slack",
    "x": "X",
    "iban": "IBAN",
    "llm": "language model",
}
"""Where people read something else than the name with its underscores as spaces."""

_STATES = (
    "open", "waiting", "closed", "received", "triaged", "ignored", "queued", "running", "done", "delivered", "recalled",
)  # fmt: skip
_ROLES = ("agent", "lead", "admin")
_IDENTITIES = ("phone", "handle", "buyer", "helpdesk", "email")
_ENTITIES = (
    "amount", "card_number", "date", "iban", "name", "order_number", "person", "phone", "postal_code", "product",
    "quantity", "tracking_number", "address",
)  # fmt: skip
_ORDERS = (
    "placed", "paid", "dispatched", "in_transit", "delivered", "cancelled", "refunded", "returned", "out_for_delivery",
    "lost", "delayed",
)  # fmt: skip
_RULES = (
    "too_long", "link", "contact_details", "marketing", "attachment", "auto_reply", "needs_translation", "needs_person_now",
    "other_buyer", "ungrounded",
)  # fmt: skip
_REJECTIONS = ("wrong_answer", "wrong_language", "wrong_tone", "facts_missing", "no_reply_needed", "other")
_ARTICLES = ("article", "macro")
_METHODS = ("template", "llm")

SENTENCES = (
    N_("%(channel)s allows no links"),
    N_("%(channel)s allows no contact details"),
    N_("%(channel)s allows no marketing: %(kind)s"),
    N_("it says that something is attached, but a draft carries no attachment"),
    N_("it reads as if nobody had written it, but a person approves every reply"),
    N_("%(length)s of %(limit)s characters"),
    N_("%(length)s of %(limit)s bytes"),
    N_("%(length)s of %(limit)s weighted characters"),
    N_("%(length)s of %(limit)s SMS segments"),
    N_("the reply should be in %(language)s; parts are in %(languages)s"),
    N_("critical: a person should act on this at once"),
    N_("order %(order)s was bought by somebody else, so nothing of it is told; check who is writing"),
    N_("promised date passed"),
    N_("second contact without an answer"),
    N_("third contact without an answer"),
    N_("fourth contact without an answer"),
    N_("fifth contact without an answer"),
    N_("%(number)sth contact without an answer"),
    N_("the message holds no text that a person could read"),
)
"""By the text that ``triage`` writes; what stands for a placeholder there is read off it."""

_POLICY = re.compile(r"(?P<whose>\w+)_(?P<hours>\d+(?:\.\d+)?)h(?P<working>_working)?")


def names() -> tuple[str, ...]:
    """Every name that the pages may show, in the order of the list that it belongs to."""
    found = (
        *INTENTS, *REASONS.values(), *map(str, URGENCIES), *map(str, Band), *map(str, DraftState), *map(str, ArrivalKind),
        *ChannelPolicies().channels, *SCOPES, *_STATES, *_ROLES, *_IDENTITIES, *_ENTITIES, *_ORDERS, *_RULES, *_REJECTIONS,
        *_ARTICLES, *_METHODS,
    )  # fmt: skip
    return tuple(dict.fromkeys(found))


def english(name: str) -> str:
    """``delivery_late`` is ``delivery late``; also the catalogues' name for it."""
    return ENGLISH.get(name, name.replace("_", " "))


def policy_parts(name: str) -> tuple[str, str, bool] | None:
    """Of a clock's name such as ``amazon_24h`` or ``critical_1h_working``: whose, hours, whether working hours count."""
    found = _POLICY.fullmatch(name)
    return (found["whose"], found["hours"], found["working"] is not None) if found else None


def sentence_parts(text: str) -> tuple[str, dict[str, str]] | None:
    """Which of ``SENTENCES`` the text is, and the values in it."""
    for sentence, pattern in _patterns():
        if found := pattern.fullmatch(text):
            return sentence, found.groupdict()
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    def compiled(sentence: str) -> re.Pattern[str]:
        return re.compile(re.sub(r"%\\\((\w+)\\\)s|%\((\w+)\)s", r"(?P<\1\2>.{1,200}?)", re.escape(sentence)))

    return tuple((sentence, compiled(sentence)) for sentence in SENTENCES)
