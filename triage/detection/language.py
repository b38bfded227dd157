"""Which language a customer wrote in.

``load_identifier`` gives one of four backends by name, all behind the same reading of the message (links, addresses,
numbers, codes and emoji are put aside, two thousand characters are read) and the same rules for the answer. The default
is the project's own n-gram model; docs/decisions/0002-language-identifier.md has the comparison.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from triage.detection.backends import langdetect_scorer, lingua_scorer, py3langid_scorer
from triage.detection.ngrams import NgramModel, load_model
from triage.detection.script import (
    ARABIC,
    CYRILLIC,
    HAN,
    LANGUAGE_OF,
    LATIN,
    NONE,
    code_points,
    lowered,
    matrix_script,
    only,
    scripts_of,
    words_of,
)
from triage.errors import ConfigurationError
from triage.types import UNDETERMINED, Detection, LanguageScore

DEFAULT_BACKEND = "own"
LANGUAGES = (
    "en", "pl", "id", "ar", "de", "es", "fr", "pt", "it", "nl", "tr", "cs", "ru", "uk", "ro", "sv", "da", "nb", "fi",
    "hu", "el", "vi", "ms", "hi", "ja", "zh", "ko", "th", "fa", "bg", "sk", "hr", "ca", "he",
)  # fmt: skip
"""What the own model is made for. It knows some neighbours too; they may be configured, but were not measured."""

NEAR_TIE = 2.0
"""A hint multiplies the odds of its language by this: it decides near ties and nothing else."""
FOREIGN = 0.8
"""A text that belongs to languages outside the configured ones with this probability is left undetermined."""
LEAST = 0.2
"""A guess with less confidence than this is none: "OK" is every language's word."""
UNEXPECTED = 0.3
"""The odds of a language outside the configured ones are multiplied by this."""
SCRIPT_CONFIDENCE = 0.99
ALTERNATIVES = 3

# Older and regional codes for the same languages.
_ALIASES = {"no": "nb", "nn": "nb", "iw": "he", "in": "id", "cmn": "zh", "arb": "ar", "msa": "ms", "zsm": "ms"}
_SIGNS = "\u2e80"  # from here on a single sign can be a word; one letter of an alphabet is none
_CODE = re.compile(r"[a-z]{2,3}")
_SAME_SIGNS = (ARABIC, CYRILLIC, HAN)

# Han signs that training never met: Chinese uses many more of them than Japanese.
_UNSEEN_HAN = {"zh": 0.7, "ja": 0.25}

Scores = Mapping[str, float]
"""Probability by language code; they add up to at most one, the rest belongs to languages that were not asked for."""


class Scorer(Protocol):
    """What a backend provides: probabilities for the words of a message."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The configured languages that the backend can tell."""

    def score(self, words: Sequence[str]) -> Scores:
        """Empty where nothing can be told. ``words`` is not empty and in the writer's own case."""


class Identifier:
    """A ``LanguageIdentifier`` over any scorer."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    @property
    def languages(self) -> tuple[str, ...]:
        """The configured languages that can be told apart; a backend may know fewer than were asked for."""
        return self._scorer.languages

    def identify(self, text: str, *, hint: str | None = None) -> Detection:
        """The language of ``text``. Never raises; see ``LanguageIdentifier``."""
        words = words_of(text)
        if not words or (len(words) == 1 and len(words[0]) == 1 and words[0] < _SIGNS):
            return _UNKNOWN
        scores = self._scorer.score(words)
        if not scores:
            return _UNKNOWN
        # The tag of a form or a browser may be regional ("pt-BR") or none of ours; it is then no help.
        favoured = canonical(hint) if hint else None
        if favoured in scores:
            raised = {code: p * NEAR_TIE if code == favoured else p for code, p in scores.items()}
            rest = max(0.0, 1.0 - sum(scores.values()))
            whole = sum(raised.values()) + rest
            scores = {code: p / whole for code, p in raised.items()}
        ranking = sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))
        others = tuple(LanguageScore(code=code, confidence=p) for code, p in ranking[1 : ALTERNATIVES + 1])
        return Detection(code=ranking[0][0], confidence=min(1.0, ranking[0][1]), alternatives=others)


_UNKNOWN = Detection(code=UNDETERMINED, confidence=0.0)


def canonical(tag: str) -> str | None:
    """The ISO 639-1 code of a language tag (``pt-BR`` is ``pt``, ``no`` is ``nb``); None for what is no tag."""
    code = re.split("[-_]", tag.strip().lower(), maxsplit=1)[0]
    return _ALIASES.get(code, code) if _CODE.fullmatch(code) else None


class NgramScorer:
    """The own backend: the script decides where one language uses it, the n-gram model elsewhere."""

    def __init__(self, model: NgramModel, languages: Sequence[str]) -> None:
        codes = [name.partition("@")[0] for name in model.classes]
        by_script = set(LANGUAGE_OF.values())
        self._model = model
        self._languages = tuple(code for code in languages if code in codes or code in by_script)
        self._allowed = {
            script: np.array([_written_in(name, script) for name in model.classes]) for script in (LATIN, *_SAME_SIGNS)
        }
        self._configured = np.array([code in self._languages for code in codes])
        self._classes = {code: [at for at, known in enumerate(codes) if known == code] for code in self._languages}

    @property
    def languages(self) -> tuple[str, ...]:
        """See ``Scorer``."""
        return self._languages

    def score(self, words: Sequence[str]) -> Scores:
        """See ``Scorer``."""
        codes = code_points(lowered(words))
        scripts = scripts_of(codes)
        script = matrix_script(words, scripts)
        if script == NONE:
            return {}
        if (only_language := LANGUAGE_OF.get(script)) is not None:
            return {only_language: SCRIPT_CONFIDENCE} if only_language in self._languages else {}
        allowed = self._allowed.get(script)
        if allowed is None:
            return {}
        found = self._model.probabilities(only(codes, scripts, script), allowed)
        if script == HAN and not found.any():
            return {code: p for code, p in _UNSEEN_HAN.items() if code in self._languages}
        # A language that nobody configured is hardly expected, though it cannot be ruled out.
        weighed = np.where(self._configured, found, found * UNEXPECTED)
        weighed /= max(float(weighed.sum()), 1e-9)
        scores = {code: p for code, at in self._classes.items() if at and (p := float(weighed[at].sum())) > 0}
        told = sum(scores.values()) > 1 - FOREIGN and max(scores.values()) >= LEAST
        return scores if told else {}


_SCRIPT_CLASSES = {
    CYRILLIC: ("ru", "uk", "bg", "be", "mk", "sr", "kk", "mn"),
    ARABIC: ("ar", "fa", "ur"),
    HAN: ("zh", "ja"),
}


def _written_in(name: str, script: int) -> bool:
    if script != LATIN:
        return name in _SCRIPT_CLASSES[script]
    return not any(name in names for names in _SCRIPT_CLASSES.values())


def _own(languages: Sequence[str]) -> Scorer:
    return NgramScorer(load_model(), languages)


BACKENDS: Mapping[str, Callable[[Sequence[str]], Scorer]] = {
    "own": _own,
    "langdetect": langdetect_scorer,
    "lingua": lingua_scorer,
    "py3langid": py3langid_scorer,
}


def load_identifier(backend: str = DEFAULT_BACKEND, languages: Sequence[str] = LANGUAGES) -> Identifier:
    """The identifier of that name, restricted to ``languages`` (ISO 639-1 codes, any order).

    Languages that the backend does not know are left out; ``Identifier.languages`` tells which remain.

    Raises:
        ConfigurationError: no such backend, its package is not installed, a code is malformed, or too few languages
            remain.
        ModelError: the own model's file is missing or damaged.
    """
    make = BACKENDS.get(backend)
    if make is None:
        raise ConfigurationError(f"language backend {backend!r} does not exist; choose one of {', '.join(BACKENDS)}")
    codes: dict[str, None] = {}
    for tag in languages:
        code = canonical(tag)
        if code is None:
            raise ConfigurationError(f"{tag!r} is not a language code; use ISO 639-1 codes such as 'pl'")
        codes[code] = None
    scorer = make(tuple(codes))
    if not scorer.languages:
        raise ConfigurationError(
            f"language backend {backend!r} knows none of the languages {', '.join(codes) or '(none given)'}"
        )
    return Identifier(scorer)
