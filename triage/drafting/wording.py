"""What a sentence of an article does beside the draft's own phrases: it regrets, thanks, points on, asks for details."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import yaml

from triage.drafting.answer import Unit
from triage.drafting.folding import fold


def regrets(text: str, language: str) -> bool:
    """Whether ``text`` says that we are sorry."""
    return _found("regret", text, language) is not None


def thanks(text: str, language: str) -> bool:
    """Whether ``text`` begins with thanks."""
    found = _found("thanks", text, language)
    return found is not None and found.start() == 0


def personal(text: str, language: str) -> bool:
    """Whether ``text`` speaks of details that nobody should post in public, such as a telephone number."""
    return _found("personal", text, language) is not None


def without_loose_ends(units: Sequence[Unit], language: str) -> tuple[Unit, ...]:
    """``units`` without those that point to a list which is not among them.

    The first stays in any case, for it is the answer. A unit points on well where a list item follows it, or where it
    is an item itself and anything follows: what it points to then stands further down.
    """
    kept: list[Unit] = []
    for unit in reversed(units):
        if unit is not units[0] and _found("points_on", unit.text, language):
            after = kept[-1] if kept else None
            if after is None or not (after.mark or unit.mark):
                continue
        kept.append(unit)
    return tuple(reversed(kept))


def _found(kind: str, text: str, language: str) -> re.Match[str] | None:
    pattern = _patterns().get((language, kind))
    return pattern.search(fold(text).text) if pattern else None


@cache
def _patterns() -> dict[tuple[str, str], re.Pattern[str]]:
    table: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (files("triage.drafting") / "wording.yaml").read_text(encoding="utf-8")
    )
    return {
        (language, kind): re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})(?!\w)")
        for language, kinds in table.items()
        for kind, alternatives in kinds.items()
    }
