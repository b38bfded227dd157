"""How a reply is approached: what the predicted intents say should be acknowledged, asked for and stated."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from triage.types import OUT_OF_SCOPE, Prediction, Urgency

AGREED = 0.8
"""Where the model abstained, what readings of together this probability have in common is no guess."""

PLAUSIBLE = 0.5
"""Where the model abstained, facts of the order are stated if readings of together this probability call for them."""

FIRST = "first"
"""Value of ``order_facts`` for intents that the facts themselves answer."""


@dataclass(frozen=True, kw_only=True)
class Approach:
    """What a prediction means for the reply.

    Attributes:
        acknowledge: key of the acknowledging phrase.
        needs: entity types that the answer depends on, whether known or not.
        facts: whether facts of the order belong into the reply.
        facts_first: whether they, or the question for the order, matter more than an article.
        clarify: whether the reply may ask what is wanted, if the message is as short as that.
        closing: whether a next step is named at all; thanks for praise need none.
        tentative: the model abstained, so that an article is offered as one that may help and a person looks at it.
        emergency: danger or theft, where a person acts at once.
    """

    acknowledge: str
    needs: tuple[str, ...] = ()
    facts: bool = False
    facts_first: bool = False
    clarify: bool = False
    closing: bool = True
    tentative: bool = False
    emergency: bool = False


def approach(prediction: Prediction) -> Approach:
    """The approach to a message of which ``prediction`` was read.

    An emergency asks for nothing: whoever writes of smoke or of a stolen card is told what to do, and a person asks.
    A question without urgency about faults, money or returns is a question: no trouble is assumed, no order needed.
    """
    if prediction.abstained:
        found = _agreed(prediction)
    else:
        primary = plan(prediction.intents[0])
        needs = [need for intent in prediction.intents for need in plan(intent).get("needs", ())]
        found = Approach(
            acknowledge=primary["acknowledge"],
            needs=tuple(dict.fromkeys(needs)),
            facts=any(plan(intent).get("order_facts") for intent in prediction.intents),
            facts_first=primary.get("order_facts") == FIRST,
            clarify=prediction.intents[0] == OUT_OF_SCOPE,
            closing=primary.get("closing", True),
        )
    if prediction.urgency.level is Urgency.CRITICAL:
        emergency = _emergency(prediction)
        if emergency:
            return Approach(acknowledge=emergency, emergency=True)
        return replace(found, needs=(), clarify=False, tentative=False, emergency=True)
    if prediction.urgency.level is Urgency.LOW and found.acknowledge in plans()["general"]:
        return replace(found, acknowledge="question", needs=())
    return found


def _agreed(prediction: Prediction) -> Approach:
    """What the likely readings have in common."""
    ranked = [(score.confidence, plan(score.name)) for score in prediction.ranking]
    total = sum(confidence for confidence, _ in ranked) or 1.0

    def share(matching: Collection[bool]) -> float:
        return sum(confidence for (confidence, _), fits in zip(ranked, matching, strict=True) if fits) / total

    def agree(key: str) -> list[str]:
        offered = dict.fromkeys(value for _, found in ranked for value in _values(found.get(key)))
        return [
            value for value in offered if share([value in _values(found.get(key)) for _, found in ranked]) >= AGREED
        ]

    return Approach(
        acknowledge=next(iter(agree("acknowledge")), "default"),
        needs=tuple(agree("needs")),
        facts=share([bool(found.get("order_facts")) for _, found in ranked]) >= PLAUSIBLE,
        facts_first=share([found.get("order_facts") == FIRST for _, found in ranked]) >= PLAUSIBLE,
        clarify=True,
        tentative=True,
    )


def _values(value: Any) -> list[str]:
    return [] if value is None else list(value) if isinstance(value, list) else [str(value)]


def _emergency(prediction: Prediction) -> str | None:
    """Safety or security: what the primary intent says; where the model abstained, what is likelier."""
    kinds: dict[str, list[str]] = plans()["critical"]
    if prediction.abstained:
        mass = {kind: sum(s.confidence for s in prediction.ranking if s.name in names) for kind, names in kinds.items()}
        best = max(mass, key=lambda kind: mass[kind])
        return best if mass[best] > 0 else None
    return next((kind for kind, names in kinds.items() if prediction.intents[0] in names), None)


@cache
def plans() -> dict[str, Any]:
    """``plan.yaml``."""
    loaded: dict[str, Any] = yaml.safe_load((files("triage.drafting") / "plan.yaml").read_text(encoding="utf-8"))
    return loaded


def plan(intent: str) -> dict[str, Any]:
    """What is done for ``intent``; the default for one that is not listed."""
    found: dict[str, Any] = plans().get(intent, plans()["default"])
    return found
