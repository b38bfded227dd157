"""Promises and policy in a text: what is said about refunds, guarantees and the like, how firmly, and whether denied.

By phrase lists, sentence by sentence. It errs on the side of finding a promise: what is found wrongly costs a rewrite,
what is missed costs the shop's word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from triage.drafting.folding import Folded, fold
from triage.drafting.vocabulary import Vocabulary, concepts, vocabulary

_SENTENCE = re.compile(r"[^\n]*?(?:[.!?؟۔]+(?=\s|$)|(?=\n)|$)")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_CLAUSE = re.compile(r"[,;:()]|\s-\s")
_BEFORE, _AFTER = 4, 3
"""How many words before and after a concept a negation may stand to deny it."""


_STATES = frozenset({"free", "guarantee", "liability"})
"""Concepts that commit the shop by being said at all; the others name an act, which it may or may not promise."""


class Firmness(IntEnum):
    """How much a sentence commits the shop to what it speaks of."""

    MENTION = 0
    CONDITIONAL = 1
    PROMISE = 2


@dataclass(frozen=True, kw_only=True)
class Claim:
    """``text[start:end]`` speaks of ``concept``, in the sentence ``text[sentence[0]:sentence[1]]``."""

    concept: str
    start: int
    end: int
    sentence: tuple[int, int]
    denied: bool
    firmness: Firmness


def read_claims(text: str, language: str) -> tuple[Claim, ...]:
    """Every claim in ``text``; the words around it are read in ``language``, its own words in any."""
    folded, words = fold(text), vocabulary(language)
    found: list[Claim] = []
    for match in _SENTENCE.finditer(folded.text):
        if match.group().strip():
            found += _claims(folded, match.start(), match.end(), words)
    return tuple(found)


def _claims(folded: Folded, start: int, end: int, words: Vocabulary) -> Iterator[Claim]:
    tokens = list(_WORD.finditer(folded.text, start, end))
    line = " " + " ".join(token.group() for token in tokens) + " "
    line = words.innocent.sub(lambda match: " ".join("~" for _ in match.group().split()), line)
    bounds = {_index(line, match) for match in words.conditions.finditer(line)}
    clauses = _clauses(folded.text, tokens, bounds)
    # What denies nothing: the "no" of "no cost".
    spoken = {
        index for pattern in concepts().values() for match in pattern.finditer(line) for index in _range(line, match)
    }
    negations = {_index(line, match) for match in words.negations.finditer(line)} - spoken
    bound = {clauses[index] for index in bounds}
    committed = {clauses[_index(line, match)] for match in words.commitments.finditer(line)}
    for concept, pattern in concepts().items():
        promise = words.promises.get(concept)
        always = concept in _STATES or (promise is not None and promise.search(line) is not None)
        for match in pattern.finditer(line):
            indexes = _range(line, match)
            first, last = indexes[0], indexes[-1]
            # What is said in the condition itself ("if it has not been sent") commits to nothing outside it.
            promised = always or bool(committed - (bound - {clauses[first], clauses[last]}))
            span = folded.span(tokens[first].start(), tokens[last].end())
            yield Claim(
                concept=concept,
                start=span[0],
                end=span[1],
                sentence=folded.span(start, end),
                denied=any(_denies(index, first, last, clauses) for index in negations),
                firmness=_firmness(promised, bool(bounds)),
            )


def _firmness(promised: bool, conditional: bool) -> Firmness:
    if not promised:
        return Firmness.MENTION
    return Firmness.CONDITIONAL if conditional else Firmness.PROMISE


def _denies(index: int, first: int, last: int, clauses: list[int]) -> bool:
    if first <= index <= last or not first - _BEFORE <= index <= last + _AFTER:
        return False
    return clauses[index] in {clauses[first], clauses[last]}


def _clauses(text: str, tokens: list[re.Match[str]], bounds: set[int]) -> list[int]:
    """For each word the number of its clause; a clause also begins at each of ``bounds``, words such as "while"."""
    numbers, number = [], 0
    for position, token in enumerate(tokens):
        if position in bounds or (position and _CLAUSE.search(text, tokens[position - 1].end(), token.start())):
            number += 1
        numbers.append(number)
    return numbers


def _index(line: str, match: re.Match[str]) -> int:
    return line.count(" ", 0, match.start()) - 1


def _range(line: str, match: re.Match[str]) -> range:
    first = _index(line, match)
    return range(first, first + match.group().count(" ") + 1)
