"""Precision, recall and F1 of the entity recogniser on messages that people marked up by hand.

    python -m eval.entities training/data/messages/w01.jsonl --errors

Each line is an object with ``text`` and ``language``; entities stand in the text as ``[[type:value]]``. A
prediction is right
only if type, start and end are all right.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from eval.messages import LabelledMessage, read_messages
from triage.detection.entities import PatternRecogniser
from triage.types import Entity

_MESSAGES = Path("training/data/messages")
_CONTEXT = 30


@dataclass(frozen=True, kw_only=True)
class Score:
    """Counts of exact matches, and the three figures that follow from them (0 where undefined)."""

    matched: int
    predicted: int
    expected: int

    @property
    def precision(self) -> float:
        """Share of predictions that are right."""
        return self.matched / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of marked entities that were found."""
        return self.matched / self.expected if self.expected else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.matched / (self.predicted + self.expected) if self.predicted + self.expected else 0.0


def evaluate(messages: Iterable[LabelledMessage], *, with_locale: bool = True) -> tuple[dict[str, Score], list[str]]:
    """Scores by type (``micro`` for all together) and a line for each error."""
    recogniser = PatternRecogniser()
    matched: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    errors: list[str] = []
    for message in messages:
        found = set(recogniser.recognise(message.text, locale=message.language if with_locale else None))
        wanted = set(message.entities)
        matched.update(entity.type for entity in found & wanted)
        predicted.update(entity.type for entity in found)
        expected.update(entity.type for entity in wanted)
        errors += [_line("missed", entity, message) for entity in sorted(wanted - found, key=lambda e: e.start)]
        errors += [_line("wrong ", entity, message) for entity in sorted(found - wanted, key=lambda e: e.start)]
    scores = {
        name: Score(matched=matched[name], predicted=predicted[name], expected=expected[name])
        for name in sorted(expected | predicted)
    }
    micro = Score(matched=matched.total(), predicted=predicted.total(), expected=expected.total())
    return scores | {"micro": micro}, errors


def _line(verdict: str, entity: Entity, message: LabelledMessage) -> str:
    before = message.text[max(0, entity.start - _CONTEXT) : entity.start]
    after = message.text[entity.end : entity.end + _CONTEXT]
    return f"{verdict} {entity.type:15} {message.language} {before}[[{entity.value}]]{after}".replace("\n", "⏎")


def main(arguments: list[str] | None = None) -> None:
    """Print a table of scores, and with ``--errors`` every miss and every false alarm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="JSON-lines files (default: all hand-written messages)")
    parser.add_argument("--errors", action="store_true", help="list every miss and false alarm")
    parser.add_argument("--no-locale", action="store_true", help="do not tell the recogniser the message's language")
    options = parser.parse_args(arguments)
    files = options.files or sorted(_MESSAGES.glob("*.jsonl"))
    scores, errors = evaluate(read_messages(files), with_locale=not options.no_locale)
    print(f"{'type':16} {'precision':>9} {'recall':>9} {'F1':>9} {'marked':>7} {'found':>7}")
    for name, score in scores.items():
        print(
            f"{name:16} {score.precision:9.3f} {score.recall:9.3f} {score.f1:9.3f} {score.expected:7} "
            f"{score.predicted:7}"
        )
    if options.errors:
        print(*errors, sep="\n")


if __name__ == "__main__":
    main()
