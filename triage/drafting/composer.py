"""The composer: plans a reply part by part and fits it to the channel.

greeting -> acknowledgement -> order facts -> the answer, cited -> what is missing -> next step -> sign-off.
Deterministic and offline. Every sentence of substance comes from an article or an order; the fixed phrases carry none.
A reply that is too long loses whole sentences, the least needed first, and never half of one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from babel import Locale
from babel.lists import format_list

from triage.drafting.answer import Unit, units
from triage.drafting.facts import locale_for, order_facts
from triage.drafting.lint import content_breaches, fits, lint
from triage.drafting.phrases import FALLBACK, Phrases, load_phrases
from triage.types import (
    ChannelPolicy,
    Citation,
    Draft,
    InboundMessage,
    Passage,
    PolicyWarning,
    Prediction,
    Retrieval,
    Urgency,
)

MOST_ANSWER_UNITS = 9
"""Sentences and list items of one answer; agents shorten longer ones by hand."""

LEAST_SCORE = 0.6
"""A passage less likely than this to answer is shown beside the draft but not put into it."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of the draft. ``keep`` orders what goes first when the text is too long: 0 goes first, 9 never goes."""

    text: str
    keep: int
    joint: str = "\n\n"
    citation: Citation | None = None


@dataclass(frozen=True, kw_only=True)
class Brand:
    """The workspace's voice: ``signature`` by language, under ``""`` for all others."""

    signature: dict[str, str]

    def sign(self, language: str) -> str:
        return self.signature.get(language, self.signature.get("", ""))


class Composer:
    """Writes drafts from passages, order facts and the fixed phrases of ``triage/drafting/phrases``.

    Args:
        brand: how the workspace signs.
        phrases_folder: a folder with the workspace's own phrase files, read before the packaged ones.
    """

    def __init__(self, brand: Brand, *, phrases_folder: Path | None = None) -> None:
        self._brand = brand
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
    ) -> Draft:
        reply_language = policy.language or language
        phrases = load_phrases(reply_language, self._folder) or load_phrases(FALLBACK, self._folder)
        assert phrases is not None  # the package always ships the fallback
        locale = locale_for(phrases.language, message.customer.locale)
        passages = _answering(prediction, retrieval)
        missing = self._missing(prediction, known, message)
        parts = [
            *self._opening(message, prediction, phrases, policy),
            *self._facts(message, prediction, phrases, policy, locale, now),
            *_answer(passages, phrases, policy, locale),
            *_closing(missing, bool(passages), prediction, phrases, policy, locale),
            *self._signature(phrases, policy),
        ]
        text, kept = _fit(parts, policy)
        order = message.order
        warnings = list(lint(text, policy, allowed=_order_strings(order.id, order.tracking_number) if order else ()))
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

    def _missing(self, prediction: Prediction, known: Collection[str], message: InboundMessage) -> tuple[str, ...]:
        if prediction.abstained:
            return ()
        needs: list[str] = []
        for intent in prediction.intents:
            needs += _plan(intent).get("needs", [])
        has_order = message.order is not None
        return tuple(
            dict.fromkeys(need for need in needs if need not in known and not (has_order and need == "order_number"))
        )

    def _opening(
        self, message: InboundMessage, prediction: Prediction, phrases: Phrases, policy: ChannelPolicy
    ) -> list[Part]:
        parts = []
        if policy.greeting:
            name = (message.customer.name or "").strip()
            key = "named" if name else "unnamed"
            parts.append(Part(text=phrases.greeting[key].format(name=name), keep=5))
        parts.append(Part(text=phrases.acknowledge[_acknowledgement(prediction)], keep=3))
        return parts

    def _facts(
        self, message: InboundMessage, prediction: Prediction, phrases: Phrases, policy: ChannelPolicy,
        locale: Locale, now: datetime,
    ) -> list[Part]:  # fmt: skip
        order = message.order
        wanted = any(_plan(intent).get("order_facts") for intent in prediction.intents)
        if order is None or prediction.abstained or not wanted:
            return []
        sentences = order_facts(order, phrases, locale=locale, policy=policy, now=now)
        return [
            Part(
                text=sentence,
                keep=8 if index == 0 else 6,
                joint="\n\n" if index == 0 else " ",
                citation=Citation(article_id=f"order:{order.id}", passage=sentence),
            )
            for index, sentence in enumerate(sentences)
        ]

    def _signature(self, phrases: Phrases, policy: ChannelPolicy) -> list[Part]:
        if not policy.signoff:
            return []
        signature = self._brand.sign(phrases.language)
        return [Part(text=f"{phrases.signoff}\n{signature}".rstrip(), keep=5)]


@cache
def _plans() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((files("triage.drafting") / "plan.yaml").read_text(encoding="utf-8"))
    return loaded


def _plan(intent: str) -> dict[str, Any]:
    plans = _plans()
    found: dict[str, Any] = plans.get(intent, plans["default"])
    return found


def _acknowledgement(prediction: Prediction) -> str:
    if prediction.urgency.level is Urgency.CRITICAL:
        for kind, intents in _plans()["critical"].items():
            if prediction.intents[0] in intents:
                return str(kind)
    if prediction.abstained:
        return "default"
    return str(_plan(prediction.intents[0])["acknowledge"])


def _answering(prediction: Prediction, retrieval: Retrieval) -> tuple[Passage, ...]:
    """The best passage, and for a further intent the best one written for it.

    Where the model abstained the draft answers nothing by itself, the passages are listed for the agent to choose from;
    but in an emergency the safe instruction is worth more than a wrong one costs.
    """
    passages = [passage for passage in retrieval.passages if passage.score >= LEAST_SCORE]
    critical = prediction.urgency.level is Urgency.CRITICAL
    if not passages or (prediction.abstained and not critical):
        return ()
    chosen = [passages[0]]
    for intent in () if prediction.abstained else prediction.intents[1:]:
        further = next((p for p in passages if intent in p.intents), None)
        if further and all(further.article_id != p.article_id for p in chosen) and intent not in chosen[0].intents:
            chosen.append(further)
    return tuple(chosen[:3])


def _answer(passages: Sequence[Passage], phrases: Phrases, policy: ChannelPolicy, locale: Locale) -> list[Part]:
    parts: list[Part] = []
    for index, passage in enumerate(passages):
        if index:
            parts.append(Part(text=phrases.also, keep=4))
        if passage.language != phrases.language:
            language = locale.languages.get(passage.language, passage.language)
            parts.append(Part(text=phrases.other_language.format(language=language), keep=6))
        lead = units(passage.lead, links=policy.links)
        detail = () if passage.text == passage.lead else units(passage.text, links=policy.links)
        most = MOST_ANSWER_UNITS if index == 0 else 3
        allowed = [unit for unit in (*lead, *detail) if not content_breaches(unit.text, policy)]
        previous: Unit | None = None
        for number, unit in enumerate(allowed[:most]):
            # The first sentence is the direct answer: it goes last of all.
            keep = 8 if number == 0 else (7 if number < len(lead) else 2)
            citation = Citation(article_id=passage.article_id, passage=unit.text)
            parts.append(Part(text=unit.shown, keep=keep, joint=_joint(unit, previous), citation=citation))
            previous = unit
    return parts


def _joint(unit: Unit, previous: Unit | None) -> str:
    if unit.mark:
        return "\n" if previous is not None and previous.mark else "\n\n"
    return "\n\n" if unit.begins_paragraph or previous is None or previous.mark else " "


def _closing(
    missing: Sequence[str],
    answered: bool,
    prediction: Prediction,
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
    if not answered or prediction.abstained:
        parts.append(Part(text=phrases.next["handover"], keep=7 if not answered else 3))
    elif asked:
        parts.append(Part(text=phrases.next["waiting"], keep=1, joint=" "))
    else:
        parts.append(Part(text=phrases.next["default"], keep=1))
    return parts


def _fit(parts: list[Part], policy: ChannelPolicy) -> tuple[str, list[Part]]:
    """The text within the channel's length and the parts that stayed; what is kept least goes first, later ones before."""
    kept = list(parts)
    while not fits(_join(kept), policy):
        droppable = [index for index, part in enumerate(kept) if part.keep < 9]
        if len(kept) <= 1 or not droppable:
            break
        kept.pop(min(droppable, key=lambda index: (kept[index].keep, -index)))
    return _join(kept), kept


def _join(parts: Sequence[Part]) -> str:
    text = ""
    for part in parts:
        text += (part.joint if text else "") + part.text
    return text


def _order_strings(*values: str | None) -> tuple[str, ...]:
    return tuple(value for value in values if value)
