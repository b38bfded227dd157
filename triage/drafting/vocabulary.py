"""The words of ``claims.yaml``, read once and turned into patterns over folded text.

Two text forms are used: ``words`` patterns run over `` one two three `` (folded words between single spaces), unit and
currency patterns over the folded text itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triage.drafting.folding import fold
from triage.errors import ConfigurationError

MOST_GAP = 6
"""Words that ``...`` in a phrase may stand for."""

_NEVER = "(?!)"


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    concepts: Mapping[str, tuple[str, ...]]
    promises: Mapping[str, tuple[str, ...]]
    commitments: tuple[str, ...]
    conditions: tuple[str, ...]
    negations: tuple[str, ...]
    innocent: tuple[str, ...]
    units: Mapping[str, tuple[str, ...]]
    numbers: Mapping[int, tuple[str, ...]]
    joins: tuple[str, ...]
    percent: tuple[str, ...]
    duals: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    currencies: Mapping[str, tuple[str, ...]]
    languages: Mapping[str, _Words]


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """One language's words as patterns. Those that a language lacks match nothing."""

    promises: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    commitments: re.Pattern[str] = re.compile(_NEVER)
    conditions: re.Pattern[str] = re.compile(_NEVER)
    negations: re.Pattern[str] = re.compile(_NEVER)
    innocent: re.Pattern[str] = re.compile(_NEVER)
    unit: str = _NEVER
    units: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    duals: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    number: str = _NEVER
    numbers: Mapping[str, int] = field(default_factory=dict)
    join: str = _NEVER
    percent: str = _NEVER


def languages() -> frozenset[str]:
    """The languages whose texts can be checked."""
    return frozenset(_file().languages)


@cache
def vocabulary(language: str) -> Vocabulary:
    """The words of ``language``; an empty vocabulary where the file has none."""
    words = _file().languages.get(language)
    if words is None:
        return Vocabulary()
    return Vocabulary(
        promises={concept: _phrases(phrases) for concept, phrases in words.promises.items()},
        commitments=_phrases(words.commitments),
        conditions=_phrases(words.conditions),
        negations=_phrases(words.negations),
        innocent=_phrases(words.innocent),
        unit=_alternatives(word for forms in words.units.values() for word in forms),
        units={unit: re.compile(_alternatives(forms)) for unit, forms in words.units.items()},
        duals={unit: re.compile(rf"(?<!\w)(?:{_alternatives(forms)})") for unit, forms in words.duals.items()},
        number=_alternatives(word for forms in words.numbers.values() for word in forms),
        numbers={_folded(word): value for value, forms in words.numbers.items() for word in forms},
        join=_alternatives(words.joins),
        percent=_alternatives(words.percent),
    )


@cache
def concepts() -> Mapping[str, re.Pattern[str]]:
    """Each concept with the words of all languages, promises included."""
    found: dict[str, list[str]] = {}
    for words in _file().languages.values():
        for table in (words.concepts, words.promises):
            for concept, phrases in table.items():
                found.setdefault(concept, []).extend(phrases)
    return {concept: _phrases(phrases) for concept, phrases in found.items()}


@cache
def currencies() -> tuple[re.Pattern[str], Mapping[str, re.Pattern[str]]]:
    """A pattern for any sign, code or name of money, and one a currency (ISO 4217) to tell which it may be."""
    each = {code: re.compile(_alternatives(forms)) for code, forms in _file().currencies.items()}
    return re.compile(_alternatives(form for forms in _file().currencies.values() for form in forms)), each


@cache
def _file() -> _File:
    source = (files("triage.drafting") / "claims.yaml").read_text(encoding="utf-8")
    try:
        return _File.model_validate(yaml.safe_load(source))
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"claims.yaml: {error}") from error


def _folded(word: str) -> str:
    return " ".join(fold(word).text.split())


def _phrases(phrases: Iterable[str]) -> re.Pattern[str]:
    """Over `` one two three ``; a word may have an elided one before it ("l'annulation")."""
    alternatives = sorted({_phrase(phrase) for phrase in phrases}, key=len, reverse=True)
    return re.compile(rf"(?<= )(?:[^ ']{{1,5}}')?(?:{'|'.join(alternatives) or _NEVER})(?= )")


def _phrase(phrase: str) -> str:
    pattern, joint = "", ""
    for word in _folded(phrase).replace("-", " ").split():
        if word == "...":
            joint = rf"(?: [^ ]+){{0,{MOST_GAP}}} "
            continue
        pattern += joint + "[^ ]*".join(map(re.escape, word.split("*")))
        joint = " "
    return pattern


def _alternatives(words: Iterable[str]) -> str:
    """Longest first, each a whole word where it ends in a letter; ``*`` is the rest of the word."""
    forms = sorted({_folded(word) for word in words}, key=len, reverse=True)
    return "|".join(_form(form) for form in forms) or _NEVER


def _form(form: str) -> str:
    pattern = r"[^\W\d_]{0,20}".join(re.escape(part).replace(r"\ ", r"\s") for part in form.split("*"))
    return rf"{pattern}(?![^\W\d_])" if form[-1:].isalpha() or form.endswith("*") else pattern
