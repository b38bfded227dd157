"""Parallel text for the multilingual encoder, read from the folder that ``TRIAGE_CORPORA`` names.

Two kinds of rows are used: ``parallel/en-XX.tsv.zst`` (source, English, foreign) and the train rows of MASSIVE, joined
across locales on their id. Nothing is copied into the repository. Benchmark files are never read here.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.corpora import CorpusError
from triage.detection.language import load_identifier

FIRST = ("pl", "id", "ar", "de", "es", "fr")
SECOND = ("pt", "it", "nl", "tr")
FURTHER = ("ru", "uk", "cs", "ro", "sv", "da", "nb", "fi", "hu", "el", "vi", "ms")
LANGUAGES = FIRST + SECOND + FURTHER

MASSIVE_LOCALES = {
    "pl": "pl-PL", "id": "id-ID", "ar": "ar-SA", "de": "de-DE", "es": "es-ES", "fr": "fr-FR", "pt": "pt-PT",
    "it": "it-IT", "nl": "nl-NL", "tr": "tr-TR", "ru": "ru-RU", "ro": "ro-RO", "sv": "sv-SE", "da": "da-DK",
    "nb": "nb-NO", "fi": "fi-FI", "hu": "hu-HU", "el": "el-GR", "vi": "vi-VN", "ms": "ms-MY",
}  # fmt: skip

OWN = Path(__file__).parent / "data" / "parallel"
"""Sentence pairs of our own, ``en-XX.tsv`` (English, foreign): everyday and customers' sentences, tier O."""


MAX_CHARACTERS = 240
_NO_LETTER = re.compile(r"^[\W\d_]*$")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One translation pair; ``tier`` A is human prose, B interface strings, C machine translation or dry text."""

    language: str
    english: str
    foreign: str
    tier: str


def read_parallel(path: Path, language: str, tiers: dict[str, str]) -> Iterator[Pair]:
    """Pairs of one ``en-XX.tsv.zst`` file, cleaned: no empty, over-long, letterless or untranslated sides.

    Raises:
        CorpusError: the file is missing, not UTF-8, or a line has not exactly three columns, or the English
            and the foreign column are swapped.
    """
    import zstandard

    try:
        # latin-1 keeps every byte, so that a bad line is reported with its number instead of ending the stream.
        handle = zstandard.open(path, "rt", encoding="latin-1", newline="\n")
    except FileNotFoundError as error:
        raise CorpusError(f"{path}: missing") from error
    swapped = _SwappedSides(path, language)
    with handle:
        for number, raw in enumerate(handle, 1):
            try:
                line = raw.encode("latin-1").decode("utf-8")
            except UnicodeDecodeError as error:
                raise CorpusError(f"{path}:{number}: not UTF-8") from error
            columns = line.rstrip("\r\n").split("\t")
            if len(columns) != 3:
                raise CorpusError(f"{path}:{number}: {len(columns)} columns, expected source, English, foreign")
            source, english, foreign = columns
            swapped.see(number, english, foreign)
            if _usable(english, foreign):
                yield Pair(language=language, english=english, foreign=foreign, tier=tiers.get(source, "B"))


class _SwappedSides:
    """Notices a file whose columns are the wrong way round, by the language of its first longer lines."""

    ENOUGH = 40

    def __init__(self, path: Path, language: str) -> None:
        self._path, self._language = path, language
        self._seen = self._right = self._wrong = 0
        self._identifier = load_identifier(languages=("en", language))

    def see(self, number: int, english: str, foreign: str) -> None:
        if self._seen >= self.ENOUGH or min(len(english), len(foreign)) < 25:
            return
        self._seen += 1
        found = self._identifier.identify(english).code, self._identifier.identify(foreign).code
        self._right += found == ("en", self._language)
        self._wrong += found == (self._language, "en")
        if self._seen == self.ENOUGH and self._wrong > 2 * self._right + 4:
            raise CorpusError(
                f"{self._path}:{number}: the columns look swapped ({self._wrong} of {self._seen} longer lines so far have "
                f"{self._language} where English belongs)"
            )


def read_own(path: Path, language: str) -> Iterator[Pair]:
    """Pairs of one ``en-XX.tsv`` file of ``OWN``; a language without a file yields nothing.

    Raises:
        CorpusError: not UTF-8, or a line has not exactly two columns.
    """
    if not path.exists():
        return
    for number, raw in enumerate(path.read_bytes().splitlines(), 1):
        try:
            columns = raw.decode("utf-8").split("\t")
        except UnicodeDecodeError as error:
            raise CorpusError(f"{path}:{number}: not UTF-8") from error
        if len(columns) != 2:
            raise CorpusError(f"{path}:{number}: {len(columns)} columns, expected English, foreign")
        if _usable(*columns):
            yield Pair(language=language, english=columns[0], foreign=columns[1], tier="O")


def _usable(english: str, foreign: str) -> bool:
    if not (2 <= len(english) <= MAX_CHARACTERS and 2 <= len(foreign) <= MAX_CHARACTERS):
        return False
    if _NO_LETTER.match(english) or _NO_LETTER.match(foreign):
        return False
    if english.casefold() == foreign.casefold():
        return False
    shorter, longer = sorted((len(english), len(foreign)))
    return longer <= 3 * shorter + 12


def read_massive(folder: Path, language: str) -> Iterator[Pair]:
    """Train rows of MASSIVE as English-foreign pairs (tier A). A language that MASSIVE lacks yields nothing."""
    locale = MASSIVE_LOCALES.get(language)
    if locale is None:
        return
    english = _massive_rows(folder / "en-US.jsonl.gz")
    for row_id, foreign in _massive_rows(folder / f"{locale}.jsonl.gz").items():
        if row_id in english and _usable(english[row_id], foreign):
            yield Pair(language=language, english=english[row_id], foreign=foreign, tier="A")


def massive_texts(path: Path, *, without: tuple[str, ...]) -> list[str]:
    """Train texts of one locale, but for the scenarios named in ``without``."""
    return list(_massive_rows(path, without).values())


def _massive_rows(path: Path, without: tuple[str, ...] = ()) -> dict[int, str]:
    rows: dict[int, str] = {}
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        for number, line in enumerate(handle, 1):
            try:
                row = json.loads(line)
                if row["split"] == "train" and row["scenario"] not in without:
                    rows[row["id"]] = row["text"]
            except (ValueError, KeyError) as error:
                raise CorpusError(f"{path}:{number}: {error!r}") from error
    return rows


def bench_sentences(folder: Path) -> frozenset[str]:
    """Every sentence of the translation benchmarks, letters and digits only; the public corpora hold none of them."""
    found = set()
    for path in sorted(folder.glob("bench/*/*.tsv.gz")):
        if path.name.count(".") == 2:  # en-XX pairs; sentence similarity names its split too
            with gzip.open(path, "rt", encoding="utf-8") as handle:
                found |= {_letters(side) for line in handle for side in line.split("\t")}
    return frozenset(found)


def _letters(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def load_pairs(folder: Path, languages: tuple[str, ...] = LANGUAGES, own: Path = OWN) -> dict[str, list[Pair]]:
    """All usable pairs by language, each (English, foreign) once, in a fixed order."""
    tiers = {name: entry["tier"] for name, entry in json.loads((folder / "parallel/sources.json").read_text()).items()}
    pairs: dict[str, list[Pair]] = {}
    tested: frozenset[str] | None = None
    for language in languages:
        seen: dict[tuple[str, str], Pair] = {}
        for pair in read_massive(folder / "intents/massive", language):
            seen.setdefault((pair.english.casefold(), pair.foreign.casefold()), pair)
        for pair in read_parallel(folder / "parallel" / f"en-{language}.tsv.zst", language, tiers):
            seen.setdefault((pair.english.casefold(), pair.foreign.casefold()), pair)
        for pair in read_own(own / f"en-{language}.tsv", language):
            if tested is None:
                tested = bench_sentences(folder)
            if _letters(pair.english) in tested or _letters(pair.foreign) in tested:
                continue  # whoever writes short everyday sentences hits a benchmark's now and then
            seen.setdefault((pair.english.casefold(), pair.foreign.casefold()), pair)
        if not seen:
            raise CorpusError(f"{folder}: no usable pairs for language {language!r}")
        pairs[language] = list(seen.values())
    return pairs


TIER_WEIGHT = {"O": 12.0, "A": 5.0, "B": 0.7, "C": 0.3}


def sample_weights(pairs: dict[str, list[Pair]]) -> dict[str, list[float]]:
    """Weight of each pair within its language: natural prose first, very short interface labels last."""
    return {
        language: [TIER_WEIGHT[p.tier] * min(1.0, len(p.foreign) / 24) for p in rows]
        for language, rows in pairs.items()
    }


def language_shares() -> dict[str, float]:
    """Share of training items by language: the first six 57 %, the next four 13 %, the others 10 %, English 20 %.

    Arabic and Polish are farthest from English and have the least natural text: they get the most items. English is
    every language's other side, and its new pieces are learned as any other's: what it loses, all matching loses.
    """
    shares = {"en": 0.20, "ar": 0.17, "pl": 0.11, "id": 0.09, "es": 0.07, "fr": 0.07, "de": 0.06}
    shares |= {language: 0.13 / len(SECOND) for language in SECOND}
    shares |= {language: 0.10 / len(FURTHER) for language in FURTHER}
    return shares


def english_index(pairs: dict[str, list[Pair]]) -> tuple[list[str], dict[str, int]]:
    """Every distinct English side once, and its position; teacher vectors are stored in this order.

    Our own pairs come last, so that adding to them leaves the vectors that were computed before in place.
    """
    position: dict[str, int] = {}
    for own in (False, True):
        for rows in pairs.values():
            for pair in rows:
                if (pair.tier == "O") is own:
                    position.setdefault(pair.english, len(position))
    return list(position), position


def tokenizer_sample(pairs: dict[str, list[Pair]], per_language: int, seed: int) -> list[str]:
    """Sentences for the tokenizer: as many characters a language as far as the data goes, twice that for the first six."""
    rng = random.Random(seed)
    lines: list[str] = []
    english: dict[str, None] = defaultdict()
    for language, rows in pairs.items():
        wanted = per_language * (2 if language in FIRST else 1)
        chosen = rng.sample(rows, min(wanted, len(rows)))
        lines += [pair.foreign for pair in chosen]
        english.update((pair.english, None) for pair in chosen[: per_language // 4])
    return lines + list(english)
