"""What can be checked of a draft from its text alone, without asking the composer what it did.

Splitting, counting and matching are written anew here and in ``eval.draft_pieces``, so that a fault of
``triage.drafting`` does not hide itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from eval.draft_pieces import OWN, dangling, phrases_of, take_apart, true_of
from triage.drafting.lint import lint
from triage.drafting.phrases import Phrases
from triage.protocols import LanguageIdentifier
from triage.types import Article, ChannelPolicy, Draft, InboundMessage

NOTES = ("needs_translation", "needs_person_now")
"""Warnings that tell the agent something and are no breach."""


_MARKUP = re.compile(r"\*\*|__|`|^#{1,6} |\]\(|^\|", re.MULTILINE)
_WEB = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
_PHONE = re.compile(r"(?<![\w-])\+?\d[\d ()./-]{7,}\d(?![\w-])")
_ORDER = re.compile(r"\b(?:[A-Z]{1,4}[-#]?\d{4,}[\d-]*|\d{3}-\d{7}-\d{7})\b")
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_ESCAPED = frozenset("^{}\\[~]|€")
_MARKETING = re.compile(r"subscribe (?:to|now)|follow us|\d\s*% off|shop now|leave (?:us )?a review", re.IGNORECASE)

MENTIONS: Mapping[str, re.Pattern[str]] = {
    "order_number": re.compile(
        r"order (?:number|no\b|id\b)|numer\w* zamówieni|nomor pesanan|no(?:mbor|\.)? pesanan|رقم (?:ال)?طلب|bestellnummer|"
        r"auftragsnummer|número d[eo] (?:tu |su |seu )?pedido|número da (?:sua )?encomenda|numéro de (?:votre )?commande|"
        r"numero d(?:i|ell)\W?ordine|ordernummer|bestelnummer|sipariş numara|číslo objednávky|номер замовлення|номер заказа",
        re.IGNORECASE,
    ),
    "photo": re.compile(
        r"\bphoto|\bfoto|\bpics?\b|\bpictures?\b|zdję|\bbild(?:er)?\b|\bimage|\bimagen|\bimagem|gambar|صور|resim|obráz|світлин|знімк",
        re.IGNORECASE,
    ),
    "email": re.compile(
        r"e-?mail[\w-]* addr|adres\w* e-?mail|e-?mail[\w-]*adres|alamat e-?mel|alamat e-?mail|عنوان البريد|adresse e-?mail|"
        r"endereço de e-?mail|indirizzo e-?mail|e-?posta adres|e-?mailov\w+ adres|correo electrónico|(?:escribe|tu|su) correo",
        re.IGNORECASE,
    ),
}  # fmt: skip
"""Words for what a draft may ask for, in the languages of the test messages."""

_ATTACHED = re.compile(
    r"attach|enclos|załącz|anbei|angehängt|im anhang|beigefügt|jointe?s?\b|ci-joint|adjunt|anexo|anexa|allegat|bijlage|"
    r"bijgevoegd|terlampir|lampir|مرفق|أرفق|ارفق|ekte|ekli|příloze|přilož|додаю|додав|прикріп|ini foto|here (?:is|are)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is wrong with one draft; empty is well.

    Attributes:
        uncited: stretches that are no phrase, no order fact and no whole sentence of a cited article; or citations that
            do not stand in the text.
        language: what the draft was taken for where that is not the expected language, else empty.
        translation: the draft says that it needs a translation; only its fixed parts were read for ``language``.
        breaches: of the channel's policy.
        known: asked for although given.
        twice: asked for two times.
        dangling: an announcement ("as follows:") of which nothing follows.
    """

    uncited: tuple[str, ...] = ()
    language: str = ""
    translation: bool = False
    breaches: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    dangling: tuple[str, ...] = ()


def examine(
    draft: Draft,
    message: InboundMessage,
    *,
    policy: ChannelPolicy,
    articles: Iterable[Article],
    language: str,
    identifier: LanguageIdentifier,
    signature: str = "",
    entities: Set[str] | None = None,
) -> Verdict:
    """Every check of one draft.

    Args:
        language: the language that the reply should have, after the channel's policy.
        articles: of the knowledge base that the draft was made from.
        entities: entity types that a careful reader marked in the message; None where nobody did, then patterns decide.
    """
    cited = {citation.article_id for citation in draft.citations}
    pieces = list(
        take_apart(draft, message, [article for article in articles if article.id in cited], signature=signature)
    )
    uncited = [piece.text for piece in pieces if piece.source is None]
    uncited += [f"not in the text: {c.passage}" for c in draft.citations if c.passage not in draft.text]
    translation = any(warning.rule == "needs_translation" for warning in draft.policy_warnings)
    read = draft.text
    if translation:
        read = "\n".join(piece.text for piece in pieces if piece.source in OWN)
    found = identifier.identify(read).code
    answer = "\n".join(piece.text for piece in pieces if piece.source not in (*OWN, None))
    asked = asked_for([piece.text for piece in pieces if piece.source == "ask"], phrases_of(draft.language))
    return Verdict(
        uncited=tuple(uncited),
        language="" if found == language else found,
        translation=translation,
        breaches=tuple(breaches(draft, message, policy)),
        known=tuple(
            sorted(
                asked.keys() & (given(message) | entities if entities is not None else given(message, patterns=True))
            )
        ),
        twice=tuple(
            item
            for item, times in sorted(asked.items())
            if times > 1 or (item in MENTIONS and MENTIONS[item].search(answer))
        ),
        dangling=tuple(dangling(pieces)),
    )


def breaches(draft: Draft, message: InboundMessage, policy: ChannelPolicy) -> Iterator[str]:
    """What the channel forbids: as the linter marks it, and by a count of our own."""
    order = message.order
    own = tuple(filter(None, (order.id, order.tracking_number) if order else ()))
    text = draft.text
    facts = tuple(true_of(order, phrases_of(draft.language), message.customer.locale))
    yield from (f"linter: {w.rule}" for w in lint(text, policy, allowed=(*own, *facts)) if w.rule not in NOTES)
    yield from (f"marked: {w.rule}" for w in draft.policy_warnings if w.rule not in NOTES)
    if policy.limit is not None and length(text, policy.channel) > policy.limit:
        yield f"length {length(text, policy.channel)} of {policy.limit}"
    if policy.segments is not None and segments(text) > policy.segments:
        yield f"{segments(text)} of {policy.segments} segments"
    if not policy.links and _WEB.search(text):
        yield "a link"
    if not policy.contact_details:
        bare = text
        for value in own:
            bare = bare.replace(value, "")
        yield from (f"contact {found}" for found in (*_MAIL.findall(bare), *_PHONE.findall(bare)))
    if not policy.marketing and _MARKETING.search(text):
        yield "marketing"
    if policy.plain and _MARKUP.search(text):
        yield "markup"
    if policy.public and any(value in text for value in own):
        yield "order details in public"


def length(text: str, channel: str) -> int:
    """Characters; on Instagram bytes; on X a sign outside the first 4,352 code points and the dashes and quotes counts two, and a
    link 23.

    Source: https://docs.x.com/fundamentals/counting-characters
    """
    if channel in ("instagram", "social"):
        return len(text.encode())
    if channel != "x":
        return len(text)
    bare, links = _WEB.subn("", text)
    ranges = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
    return 23 * links + sum(1 if any(low <= ord(sign) <= high for low, high in ranges) else 2 for sign in bare)


def segments(text: str) -> int:
    """SMS segments, 3GPP TS 23.038."""
    if set(text) <= _GSM | _GSM_ESCAPED:
        size, alone, joined = len(text) + sum(sign in _GSM_ESCAPED for sign in text), 160, 153
    else:
        size, alone, joined = sum(2 if ord(sign) > 0xFFFF else 1 for sign in text), 70, 67
    return 1 if size <= alone else (size + joined - 1) // joined


def asked_for(asks: Sequence[str], phrases: Phrases) -> Counter[str]:
    """How often each item of the phrase file is asked for; a phrase within another one counts as the longer."""
    found: Counter[str] = Counter()
    for ask in asks:
        for item, phrase in sorted(phrases.items.items(), key=lambda pair: -len(pair[1])):
            if phrase in ask:
                found[item] += ask.count(phrase)
                ask = ask.replace(phrase, "")
    return found


def given(message: InboundMessage, *, patterns: bool = False) -> set[str]:
    """What message, thread and order already give; ``patterns`` looks for order numbers in the message's own text too."""
    found = set()
    order = message.order
    if order is not None:
        found.add("order_number")
        if order.tracking_number:
            found.add("tracking_number")
    earlier = [entry.text for entry in message.thread]
    for text in (*earlier, *((message.subject or "", message.text) if patterns else ())):
        if _ORDER.search(text):
            found.add("order_number")
    for text in (message.subject or "", message.text, *earlier):
        if _MAIL.search(text):
            found.add("email")
        if any(MENTIONS["photo"].search(line) and _ATTACHED.search(line) for line in re.split(r"[.!?\n]", text)):
            found.add("photo")
    return found
