"""Finds order numbers, parcels, contacts, money and days in a message, by patterns and check digits."""

from __future__ import annotations

from collections.abc import Iterator

from triage.detection.amounts import find_amounts
from triage.detection.contact import find_emails, find_phones, find_urls
from triage.detection.cues import CueIndex
from triage.detection.dates import find_dates
from triage.detection.folding import FoldedText, fold
from triage.detection.identifiers import find_identifiers
from triage.detection.payment import find_cards, find_ibans
from triage.detection.postal import find_postal_codes
from triage.detection.spans import Candidate, Rank, settle
from triage.types import Entity


class PatternRecogniser:
    """An ``EntityRecogniser`` without a model: linear in the text, stateless, safe to share between threads."""

    def recognise(self, text: str, *, locale: str | None = None) -> tuple[Entity, ...]:
        """Entities in order of ``start``, none overlapping; never raises. ``locale`` (BCP 47) settles phones and dates.

        >>> [entity.value for entity in PatternRecogniser().recognise("Order #10428, paid 19,99 € on 3 May")]
        ['10428', '19,99 €', '3 May']
        """
        folded = fold(text)
        if not any(character.isdigit() for character in folded.text) and "@" not in folded.text:
            return ()
        return tuple(
            _entity(folded, candidate)
            for candidate in settle(_candidates(folded, locale), len(folded.text))
            if candidate.type is not None
        )


def _candidates(folded: FoldedText, locale: str | None) -> Iterator[Candidate]:
    cues = CueIndex(folded)
    in_url = bytearray(len(folded.text) + 1)
    for start, end in find_urls(folded):
        in_url[start:end] = b"\x01" * (end - start)
    yield from find_emails(folded)
    for found in (
        find_ibans(folded, cues),
        find_cards(folded, cues),
        find_identifiers(folded, cues),
        find_amounts(folded, locale),
        find_dates(folded, locale),
        find_phones(folded, cues, locale),
        find_postal_codes(folded, cues, locale),
    ):
        # A link's path is full of digits; only what proves itself is taken from it.
        yield from (c for c in found if not in_url[c.start] or c.rank <= Rank.CHECKED)


def _entity(folded: FoldedText, candidate: Candidate) -> Entity:
    start, end = folded.source_span(candidate.start, candidate.end)
    assert candidate.type is not None
    return Entity(type=candidate.type, value=folded.source[start:end], start=start, end=end)
