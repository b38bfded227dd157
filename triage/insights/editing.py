"""How far an approved reply lies from what the assistant wrote."""

from __future__ import annotations

LONGEST = 8000
"""Characters of a text that are compared; the work grows with the square."""


def edit_distance(one: str, two: str) -> float:
    """Levenshtein's distance in characters over the length of the longer text: 0 for the same, 1 where nothing is left.

    Characters and not words, for not every language parts its words. Computed with one big integer a row (Myers 1999; Hyyrö
    2003, algorithm 3). What both begin and end with costs nothing.
    """
    one, two = one[:LONGEST], two[:LONGEST]
    longest = max(len(one), len(two))
    begin = _common(one, two)
    one, two = one[begin:], two[begin:]
    end = _common(one[::-1], two[::-1])
    one, two = one[: len(one) - end], two[: len(two) - end]
    return _distance(one, two) / longest if longest else 0.0


def _common(one: str, two: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _distance(pattern: str, text: str) -> int:
    if not pattern or not text:
        return len(pattern) or len(text)
    places: dict[str, int] = {}
    for place, letter in enumerate(pattern):
        places[letter] = places.get(letter, 0) | 1 << place
    whole, last = (1 << len(pattern)) - 1, 1 << (len(pattern) - 1)
    more, fewer, score = whole, 0, len(pattern)
    for letter in text:
        same = places.get(letter, 0)
        across = (((same & more) + more) ^ more) | same | fewer
        up, down = fewer | ~(across | more) & whole, more & across
        if up & last:
            score += 1
        elif down & last:
            score -= 1
        up = up << 1 | 1
        more = (down << 1 | ~(across | up)) & whole
        fewer = up & across & whole
    return score
