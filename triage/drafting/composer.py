"""The composer: plans a reply part by part and fits it to the channel.

greeting -> acknowledgement -> order facts -> the answer, cited -> what is missing -> next step -> sign-off.
Deterministic and offline. Every sentence of substance comes from an article or an order; the fixed phrases carry none.
A reply that is too long loses whole sentences, the least needed first, and never half of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list

from triage.drafting.answer import Unit, titled, units
from triage.drafting.approach import Approach, approach
from triage.drafting.facts import locale_for, order_facts
from triage.drafting.items import attaches_photo, mentioned
from triage.drafting.lint import content_breaches, fits, lint
from triage.drafting.phrases import FALLBACK, Phrases, load_phrases
from triage.drafting.salutation import addressable
from triage.drafting.wording import personal, regrets, thanks, without_loose_ends
from triage.errors import ConfigurationError
from triage.types import (
    Author,
    ChannelPolicy,
    Citation,
    Draft,
    InboundMessage,
    Passage,
    PolicyWarning,
    Prediction,
    Retrieval,
    Urgency,
    Voice,
)

MOST_ANSWER_UNITS = 9
"""Sentences and list items of one answer; agents shorten longer ones by hand."""

LEAST_SCORE = 0.6
"""A passage less likely than this to answer is shown beside the draft but not put into it; a model brings its own."""

OFFERED_SCORE = 0.75
"""Where the model abstained, what is less likely than this to answer is not even offered as perhaps of help."""

FEW_WORDS = 12
"""A message that says no more than so many words and fits nothing is answered with the question what is wanted."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of the draft.

    Attributes:
        keep: what goes first when the text is too long: 0 goes first, 9 never goes.
        passage: which of the answer's passages it belongs to.
        announces: it says nothing by itself, so it goes with what it announces.
    """

    text: str
    keep: int
    joint: str = "\n\n"
    citation: Citation | None = None
    passage: int | None = None
    announces: bool = False


class Composer:
    """Writes drafts from passages, order facts and the fixed phrases of ``triage/drafting/phrases``.

    Args:
        voice: how replies are signed and customers addressed where the caller does not say.
        phrases_folder: a folder with the workspace's own phrase files, read before the packaged ones.
    """

    def __init__(self, voice: Voice, *, phrases_folder: Path | None = None, least_score: float = LEAST_SCORE) -> None:
        self._voice, self._least_score = voice, least_score
        self._folder = phrases_folder

    def draft(
        self,
        message: InboundMessage,
        *,
        language: str,
        prediction: Prediction,
        known: Collection[str],
        retrieval: Retrieval,
        policy: ChannelPolicy,
        now: datetime,
        voice: Voice | None = None,
    ) -> Draft:
        voice = voice or self._voice
        reply_language = policy.language or language
        phrases = self._phrases(reply_language, voice)
        locale = locale_for(phrases.language, message.customer.locale)
        how = approach(prediction)
        missing = _missing(how, known, message)
        facts = self._facts(message, how, phrases, policy, locale, now)

        found = (
            ()
            if how.tentative and message.thread
            else _answering(prediction, how, retrieval, phrases, self._least_score)
        )
        # Where the order's facts are the answer, it stands even if the article finds no room beside them.
        told = bool(found) and bool(facts) and how.facts_first

        def fitted(passages: Sequence[Passage], asked: Sequence[str]) -> tuple[str, list[Part]]:
            parts = [
                *self._opening(message, how, passages, phrases, policy, locale),
                *facts,
                *_answer(passages, how, bool(facts), phrases, policy, locale, missing),
                *_closing(message, asked, bool(passages) or told, how, phrases, policy, locale),
                *_signature(phrases, policy, voice),
            ]
            return _fit(parts, policy)

        text, kept, passages = _settle(found, missing, fitted)
        order = message.order
        # What the order says is no contact detail, however much an amount or a number looks like one.
        stated = [p.text for p in kept if p.passage is None and p.citation]
        allowed = (*_order_strings(order.id, order.tracking_number), *stated) if order else ()
        warnings = list(lint(text, policy, allowed=allowed))
        foreign = sorted({p.language for p in passages if p.language != reply_language})
        if foreign or phrases.language != reply_language:
            detail = f"the reply should be in {reply_language}; parts are in {', '.join(foreign or [phrases.language])}"
            warnings.append(PolicyWarning(rule="needs_translation", detail=detail))
        if prediction.urgency.level is Urgency.CRITICAL:
            warnings.append(
                PolicyWarning(rule="needs_person_now", detail="critical: a person should act on this at once")
            )
        return Draft(
            text=text,
            language=reply_language,
            citations=tuple(dict.fromkeys(part.citation for part in kept if part.citation)),
            missing=missing,
            policy_warnings=tuple(warnings),
            method="extractive",
            confidence=round(prediction.primary.confidence * passages[0].score, 4) if passages else 0.0,
        )

    def _phrases(self, language: str, voice: Voice) -> Phrases:
        for code in (language, FALLBACK):
            found = load_phrases(code, self._folder, voice.informal)
            if found is not None:
                return found
        raise ConfigurationError(f"phrases {FALLBACK}: not in the package")

    def _opening(
        self, message: InboundMessage, how: Approach, passages: Sequence[Passage], phrases: Phrases,
        policy: ChannelPolicy, locale: Locale,
    ) -> list[Part]:  # fmt: skip
        parts = []
        if policy.greeting:
            name = addressable(message.customer.name)
            key = "named" if name else "unnamed"
            parts.append(Part(text=phrases.greeting[key].format(name=name), keep=5))
        acknowledged = phrases.acknowledge[how.acknowledge]
        if passages and regrets(acknowledged, phrases.language):
            first = units(passages[0].lead, links=policy.links)[:1]
            # The article says it in its own words, and once is enough.
            if any(regrets(unit.text, passages[0].language) for unit in first):
                acknowledged = phrases.acknowledge["default"]
        before, sentence = _asked_before(message, how, phrases, policy, locale)
        if before == "waiting" and regrets(acknowledged, phrases.language):
            acknowledged = phrases.acknowledge["default"]  # it says that we are sorry, and once is enough
        parts.append(Part(text=acknowledged, keep=3))
        if sentence:
            parts.append(Part(text=sentence, keep=2, joint=" "))
        return parts

    def _facts(
        self, message: InboundMessage, how: Approach, phrases: Phrases, policy: ChannelPolicy,
        locale: Locale, now: datetime,
    ) -> list[Part]:  # fmt: skip
        order = message.order
        if order is None or not how.facts:
            return []
        sentences = order_facts(order, phrases, locale=locale, policy=policy, now=now)
        return [
            Part(
                text=sentence,
                keep=8 if index == 0 else 7 if how.facts_first else 6,
                joint="\n\n" if index == 0 else " ",
                citation=Citation(article_id=f"order:{order.id}", passage=sentence),
            )
            for index, sentence in enumerate(sentences)
        ]


def _asked_before(
    message: InboundMessage, how: Approach, phrases: Phrases, policy: ChannelPolicy, locale: Locale
) -> tuple[str, str]:  # fmt: skip
    """How the latest earlier message of the same matter stands, ``answered`` or ``waiting``, and what we say of it.

    What was said then is never repeated. Where everybody reads along, nothing is told of what was written in private.
    """
    told = (e for e in message.asked_before if not policy.public or e.channel == message.channel)
    latest = max(told, key=lambda earlier: earlier.asked_at, default=None)
    if latest is None or not how.closing:
        return "", ""
    key, moment = ("answered", latest.answered_at) if latest.answered_at else ("waiting", latest.asked_at)
    if key not in phrases.earlier:
        return "", ""
    date = format_date(moment.astimezone(UTC).date(), "long", locale=locale)
    return key, phrases.earlier[key].format(date=date)


def _missing(how: Approach, known: Collection[str], message: InboundMessage) -> tuple[str, ...]:
    return tuple(need for need in how.needs if need not in known and not _given(need, message))


def _answering(
    prediction: Prediction, how: Approach, retrieval: Retrieval, phrases: Phrases, least_score: float
) -> tuple[Passage, ...]:  # fmt: skip
    """The best passage, and for a further intent the best one written for it.

    Where the model abstained a passage is only offered, and only one that very likely helps and needs no translation;
    but in an emergency the safe instruction is worth more than a wrong one costs.
    """
    passages = [passage for passage in retrieval.passages if passage.score >= least_score]
    if how.tentative:
        best = passages[0] if passages else None
        fits_well = best and best.score >= OFFERED_SCORE and best.language == phrases.language
        return (best,) if best and fits_well and "offer" in phrases.next else ()
    if not passages:
        return ()
    chosen = [passages[0]]
    for intent in () if prediction.abstained else prediction.intents[1:]:
        further = next((p for p in passages if intent in p.intents), None)
        if further and all(further.article_id != p.article_id for p in chosen) and intent not in chosen[0].intents:
            chosen.append(further)
    return tuple(chosen[:3])


def _given(need: str, message: InboundMessage) -> bool:
    """Whether the order says it or it comes with the message, for neither is found in the text."""
    if need == "order_number":
        return message.order is not None
    if need == "photo":
        return any(
            map(attaches_photo, (message.text, *(m.text for m in message.thread if m.author is Author.CUSTOMER)))
        )
    return False


def _settle(
    passages: tuple[Passage, ...],
    missing: Sequence[str],
    fitted: Callable[[Sequence[Passage], Sequence[str]], tuple[str, list[Part]]],
) -> tuple[str, list[Part], tuple[Passage, ...]]:
    """The text, its parts, and the passages that found a place in it.

    What a sentence of the answer already asks for is not asked for again; but where that sentence had to go for the
    channel's length, it is. A reply of whose passages nothing is left is written as one without them.
    """
    spoken_of = mentioned("\n".join(text for p in passages for text in (p.lead, p.text)), missing)
    while True:
        text, kept = fitted(passages, [item for item in missing if item not in spoken_of])
        placed = tuple(p for index, p in enumerate(passages) if any(part.passage == index for part in kept))
        answer = "\n".join(part.text for part in kept if part.passage is not None and part.citation)
        still = spoken_of & mentioned(answer, missing)
        if placed == passages and still == spoken_of:
            return text, kept, passages
        passages, spoken_of = placed, still if placed == passages else spoken_of


def _answer(
    passages: Sequence[Passage], how: Approach, informed: bool, phrases: Phrases, policy: ChannelPolicy,
    locale: Locale, missing: Sequence[str],
) -> list[Part]:  # fmt: skip
    """``informed``: facts of the order stand before it; where they are the answer, the article adds its opening only."""
    parts: list[Part] = []
    for index, passage in enumerate(passages):
        if index:
            parts.append(Part(text=phrases.also, keep=4, passage=index, announces=True))
        if how.tentative:
            parts.append(Part(text=phrases.next["offer"], keep=8, passage=index, announces=True))
        if passage.language != phrases.language:
            language = locale.languages.get(passage.language, passage.language)
            text = phrases.other_language.format(language=language)
            # As needed as the answer: without it the customer gets a text in a strange language and not one word of hers.
            parts.append(Part(text=text, keep=8, passage=index, announces=True))
        # Where is my order: its number, asked for or known, says more than any article, which then goes before it; and
        # a question in the customer's language says more than an answer that is not.
        in_front = (how.facts_first and informed) or (
            missing and (how.facts_first or passage.language != phrases.language)
        )
        most_needed = 7 if in_front else 8
        lead = units(passage.lead, links=policy.links)
        if len(lead) > 1 and thanks(lead[0].text, passage.language) and not re.search(r"\d", lead[0].text):
            lead = lead[1:]  # the acknowledgement has thanked already
        only_lead = passage.text == passage.lead or how.tentative or (how.facts_first and informed)
        detail = () if only_lead else titled(units(passage.text, links=policy.links), passage.heading)
        most = MOST_ANSWER_UNITS if index == 0 else 3
        allowed = [unit for unit in (*lead, *detail) if _may_stand(unit, passage.language, policy, missing)]
        previous: Unit | None = None
        for number, unit in enumerate(without_loose_ends(allowed[:most], passage.language)):
            # The first sentence is the direct answer: it goes last of all.
            keep = most_needed if number == 0 else (most_needed - 1 if number < len(lead) else 2)
            citation = Citation(article_id=passage.article_id, passage=unit.text)
            parts.append(
                Part(
                    text=unit.shown, keep=keep, joint=_joint(unit, previous), citation=citation, passage=index,
                    announces=unit.announces,
                )
            )  # fmt: skip
            previous = unit
    return parts


def _may_stand(unit: Unit, language: str, policy: ChannelPolicy, missing: Sequence[str]) -> bool:
    """Whether the channel takes the sentence; where everybody reads along, an article asks nobody for personal details."""
    asks = policy.public and (mentioned(unit.text, missing) or personal(unit.text, language))
    return not asks and not content_breaches(unit.text, policy)


def _joint(unit: Unit, previous: Unit | None) -> str:
    if unit.mark:
        return "\n" if previous is not None and previous.mark else "\n\n"
    return "\n\n" if unit.begins_paragraph or previous is None or previous.mark else " "


def _closing(
    message: InboundMessage,
    missing: Sequence[str],
    answered: bool,
    how: Approach,
    phrases: Phrases,
    policy: ChannelPolicy,
    locale: Locale,
) -> list[Part]:
    parts = []
    items = [phrases.items[item] for item in missing if item in phrases.items]
    # Where everybody reads along, nobody is asked to post personal details: without a private way to ask, none is asked.
    ask = phrases.ask_privately if policy.public else phrases.ask
    asked = ask.format(items=format_list(items, locale=locale)) if ask and items else None
    if asked:
        parts.append(Part(text=asked, keep=8))
    if asked:
        parts.append(Part(text=phrases.next["waiting"], keep=1, joint=" "))
    elif not answered and how.clarify and _says_little(message, how) and "clarify" in phrases.next:
        parts.append(Part(text=phrases.next["clarify"], keep=8))
    elif how.emergency or (how.closing and (not answered or how.tentative)):
        parts.append(Part(text=phrases.next["handover"], keep=7 if not answered else 3))
    elif how.closing:
        parts.append(Part(text=phrases.next["default"], keep=1))
    return parts


def _signature(phrases: Phrases, policy: ChannelPolicy, voice: Voice) -> list[Part]:
    if not policy.signoff:
        return []
    return [Part(text=f"{phrases.signoff}\n{voice.sign(phrases.language)}".rstrip(), keep=5)]


def _says_little(message: InboundMessage, how: Approach) -> bool:
    """Whether to ask what is wanted insults nobody: a bare number or greeting, or few words about nothing we know."""
    words = re.findall(r"[^\W\d_]{3,}", message.text)
    most = 1 if how.tentative else FEW_WORDS
    return not message.thread and len(words) <= most and sum(map(len, words)) <= 12 * most


def _fit(parts: list[Part], policy: ChannelPolicy) -> tuple[str, list[Part]]:
    """The text within the channel's length and the parts that stayed; what is kept least goes first, later ones before."""
    kept = _without_idle(parts)
    while not fits(_join(kept), policy):
        droppable = [index for index, part in enumerate(kept) if part.keep < 9]
        if len(kept) <= 1 or not droppable:
            break
        kept.pop(min(droppable, key=lambda index: (kept[index].keep, -index)))
        kept = _without_idle(kept)
    return _join(kept), kept


def _without_idle(parts: Sequence[Part]) -> list[Part]:
    """``parts`` without those that announce something of which nothing is left."""
    kept: list[Part] = []
    for part in reversed(parts):
        if not part.announces or (kept and kept[-1].passage == part.passage):
            kept.append(part)
    return kept[::-1]


def _join(parts: Sequence[Part]) -> str:
    text = ""
    for part in parts:
        text += (part.joint if text else "") + part.text
    return text


def _order_strings(*values: str | None) -> tuple[str, ...]:
    return tuple(value for value in values if value)
