"""Compares the language identifier's backends on short customer messages.

    python -m eval.language [--backend own --backend langdetect …] [--errors own]

Hand-written messages (``eval/data/language.jsonl``, by group) are always measured. Where ``TRIAGE_CORPORA`` is set,
Tatoeba's short sentences and the test rows of MASSIVE are reported beside them. An answer is right when its code is the
message's language; ``und`` is right only for messages in no language. Every backend is asked for the same languages,
whether it knows them or not.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.detection.language import BACKENDS, LANGUAGES, load_identifier
from triage.errors import ConfigurationError
from triage.protocols import LanguageIdentifier

DATA = Path(__file__).parent / "data" / "language.jsonl"
TATOEBA = {
    "eng": "en", "pol": "pl", "ind": "id", "ara": "ar", "deu": "de", "spa": "es", "fra": "fr", "por": "pt",
    "ita": "it", "nld": "nl", "tur": "tr", "ces": "cs", "rus": "ru", "ukr": "uk", "ron": "ro", "swe": "sv",
    "dan": "da", "nob": "nb", "fin": "fi", "hun": "hu", "ell": "el", "vie": "vi", "zsm": "ms", "hin": "hi",
    "jpn": "ja", "cmn": "zh", "kor": "ko", "tha": "th", "pes": "fa", "bul": "bg", "slk": "sk", "hrv": "hr",
    "cat": "ca", "heb": "he",
}  # fmt: skip
BINS = 10


@dataclass(frozen=True, kw_only=True)
class Case:
    """One message, its language and the group it is reported in."""

    text: str
    language: str
    group: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a backend said of a case, and how long it took in microseconds."""

    case: Case
    code: str
    confidence: float
    microseconds: float

    @property
    def right(self) -> bool:
        """Whether the code is the message's language."""
        return self.code == self.case.language


def read_cases(path: Path = DATA) -> list[Case]:
    """The hand-written messages."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Case(text=row["text"], language=row["language"], group=row["group"]) for row in rows]


def public_cases(corpora: Path, per_language: int) -> Iterator[Case]:
    """Up to ``per_language`` sentences a language of Tatoeba and of MASSIVE's test rows, drawn with a fixed seed."""
    tatoeba: dict[str, list[str]] = {}
    for row in _rows(corpora / "intents/lid_tatoeba_short/sentences.jsonl.gz"):
        if code := TATOEBA.get(row["language"]):
            tatoeba.setdefault(code, []).append(row["text"])
    for code, texts in sorted(tatoeba.items()):
        yield from (Case(text=text, language=code, group="tatoeba") for text in _some(texts, per_language))
    for path in sorted((corpora / "intents/massive").glob("*.jsonl.gz")):
        code = path.name.partition("-")[0]
        if code in LANGUAGES:
            texts = [row["text"] for row in _rows(path) if row["split"] == "test"]
            yield from (Case(text=text, language=code, group="massive test") for text in _some(texts, per_language))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        for line in handle:
            yield json.loads(line)


def _some(texts: list[str], count: int) -> list[str]:
    return random.Random(1).sample(texts, min(count, len(texts)))  # noqa: S311 - a fixed draw


def ask(identifier: LanguageIdentifier, cases: Sequence[Case]) -> list[Answer]:
    """Every case once, after a short warm-up."""
    for case in cases[:20]:
        identifier.identify(case.text)
    answers = []
    for case in cases:
        began = time.perf_counter()
        found = identifier.identify(case.text)
        took = (time.perf_counter() - began) * 1e6
        answers.append(Answer(case=case, code=found.code, confidence=found.confidence, microseconds=took))
    return answers


def calibration_error(answers: Sequence[Answer]) -> float:
    """Expected calibration error (Naeini et al. 2015), ten bins of equal width, of the answers that name a language."""
    named = [answer for answer in answers if answer.code != "und"]
    error = 0.0
    for at in range(BINS):
        inside = [answer for answer in named if min(BINS - 1, int(answer.confidence * BINS)) == at]
        error += abs(sum(answer.confidence - answer.right for answer in inside))
    return error / len(named) if named else 0.0


def table(answers: dict[str, list[Answer]]) -> str:
    """Accuracy by group and backend, then calibration error and time, as Markdown."""
    groups = list(dict.fromkeys(answer.case.group for answer in next(iter(answers.values()))))
    public = [group for group in groups if group in ("tatoeba", "massive test")]
    own = [group for group in groups if group not in public]
    lines = [f"| group | messages | {' | '.join(answers)} |", "| --- | --- |" + " --- |" * len(answers)]

    def line(name: str, chosen: Sequence[str]) -> str:
        rows = {
            backend: [answer for answer in found if answer.case.group in chosen] for backend, found in answers.items()
        }
        shares = (f"{100 * statistics.mean(answer.right for answer in found):.1f} %" for found in rows.values())
        return f"| {name} | {len(next(iter(rows.values())))} | {' | '.join(shares)} |"

    lines += [line(group, [group]) for group in own]
    lines += [line("**all hand-written**", own)] + [line(group, [group]) for group in public]
    for name, chosen in [
        ("calibration error, hand-written", own),
        *((f"calibration error, {group}", [group]) for group in public),
    ]:
        errors = (
            f"{calibration_error([a for a in found if a.case.group in chosen]):.3f}" for found in answers.values()
        )
        lines.append(f"| {name} | | {' | '.join(errors)} |")
    medians = (
        f"{statistics.median(a.microseconds for a in found if a.case.group in own):.0f}" for found in answers.values()
    )
    lines.append(f"| median microseconds | | {' | '.join(medians)} |")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--backend", action="append", choices=list(BACKENDS), help="repeatable; all installed ones unless given"
    )
    parser.add_argument("--per-language", type=int, default=200, help="public sentences a language (default 200)")
    parser.add_argument("--errors", choices=list(BACKENDS), help="also list this backend's hand-written errors")
    options = parser.parse_args()
    cases = read_cases()
    if corpora := os.environ.get("TRIAGE_CORPORA"):
        cases += public_cases(Path(corpora), options.per_language)
    answers: dict[str, list[Answer]] = {}
    for backend in options.backend or BACKENDS:
        try:
            answers[backend] = ask(load_identifier(backend, LANGUAGES), cases)
        except ConfigurationError as error:
            print(f"left out: {error}")
    if answers:
        print(table(answers))
    for answer in answers.get(options.errors or "", []):
        if not answer.right and answer.case.group not in ("tatoeba", "massive test"):
            print(
                f"{answer.case.group}: {answer.case.language} as {answer.code} ({answer.confidence:.2f}): "
                f"{answer.case.text}"
            )


if __name__ == "__main__":
    main()
