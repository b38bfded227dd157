"""Short training texts for the language identifier: what is read, and how often each source is drawn.

Sources: ``parallel/``, the train rows of ``intents/massive`` and ``intents/arbanking77``, ``intents/lid_lingua`` under
``TRIAGE_CORPORA``; ``training/data/messages`` and ``training/data/language`` of this repository. Benchmarks are never
read.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from training.corpora import read_parallel
from training.roughening import roughen

DATA = Path(__file__).parent / "data"

LATIN = (
    "en",
    "pl",
    "id",
    "de",
    "es",
    "fr",
    "pt",
    "it",
    "nl",
    "tr",
    "cs",
    "ro",
    "sv",
    "da",
    "nb",
    "fi",
    "hu",
    "vi",
    "ms",
    "sk",
    "hr",
    "ca",
)
OTHER_SCRIPT = ("ar", "fa", "ru", "uk", "bg", "zh", "ja")
NEIGHBOURS = (
    "af",
    "az",
    "cy",
    "et",
    "eu",
    "ga",
    "is",
    "lt",
    "lv",
    "sl",
    "sq",
    "sw",
    "tl",
    "be",
    "mk",
    "sr",
    "kk",
    "mn",
    "ur",
)
"""Languages known only so that their texts are not taken for another's."""

MASSIVE = {
    "en": "en-US", "el": "el-GR", "pl": "pl-PL", "id": "id-ID", "ar": "ar-SA", "de": "de-DE", "es": "es-ES",
    "fr": "fr-FR", "pt": "pt-PT", "it": "it-IT", "nl": "nl-NL", "tr": "tr-TR", "ru": "ru-RU", "ro": "ro-RO",
    "sv": "sv-SE",
    "da": "da-DK", "nb": "nb-NO", "fi": "fi-FI", "hu": "hu-HU", "vi": "vi-VN", "ms": "ms-MY", "ca": "ca-ES",
    "fa": "fa-IR", "zh": "zh-TW", "ja": "ja-JP", "af": "af-ZA", "az": "az-AZ", "cy": "cy-GB", "is": "is-IS",
    "lv": "lv-LV", "sl": "sl-SL", "sq": "sq-AL", "sw": "sw-KE", "tl": "tl-PH", "mn": "mn-MN", "ur": "ur-PK",
}  # fmt: skip

# How often a text of a source is drawn, where a language has the source.
SHARE = {
    "prose": 0.40,
    "interface": 0.15,
    "massive": 0.13,
    "sentences": 0.10,
    "words": 0.05,
    "messages": 0.10,
    "phrases": 0.07,
}

MARKUP = re.compile(r"\[\[\w+:(.*?)\]\]", re.DOTALL)
KANA = re.compile("[\u3041-\u30ff]+")
CYRILLIC = re.compile("[\u0400-\u04ff]")
BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Texts of one class by source."""

    name: str
    texts: dict[str, list[str]]


def held_out(text: str) -> bool:
    """Whether a text is kept for measuring: every twentieth, by its hash, whatever was read before it."""
    return crc32(text.encode("utf-8", "surrogatepass")) % 20 == 0


def read_pools(corpora: Path) -> list[Pool]:
    """Every class's texts, in a fixed order."""
    own: dict[str, list[str]] = {}
    for path in sorted((DATA / "messages").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            own.setdefault(row["language"], []).append(MARKUP.sub(r"\1", row["text"]))
    phrases: dict[str, list[str]] = {}
    for line in (DATA / "language" / "phrases.tsv").read_text(encoding="utf-8").splitlines():
        code, text = line.split("\t")
        name = f"{code}@latn" if code in ("ar", "hi") and text.isascii() else code
        phrases.setdefault(name, []).append(text)
    lingua = {
        name: _by_language(corpora / "intents/lid_lingua" / f"{name}.jsonl.gz")
        for name in ("sentences", "word_pairs", "single_words")
    }
    tiers = {name: row["tier"] for name, row in json.loads((corpora / "parallel/sources.json").read_text()).items()}
    pools = []
    english: list[str] = []
    for code in (*(c for c in LATIN if c != "en"), *OTHER_SCRIPT, *NEIGHBOURS, "en"):
        texts = {
            "massive": list(_massive(corpora, code)),
            "sentences": lingua["sentences"].get(code, []),
            "words": lingua["word_pairs"].get(code, []) + lingua["single_words"].get(code, []),
            "messages": own.get(code, []),
            "phrases": phrases.get(code, []),
        }
        if code == "en":
            texts["prose"] = english
        else:
            texts |= _parallel(corpora / "parallel" / f"en-{code}.tsv.zst", code, tiers, english)
        if code == "ar":
            texts["prose"] = texts["prose"] + list(_rows(corpora / "intents/arbanking77/msa_pal_train.jsonl.gz"))
        pools.append(Pool(name=code, texts=_usable(code, texts)))
    arabic = next(pool for pool in pools if pool.name == "ar").texts
    pools.append(
        Pool(
            name="ar@latn",
            texts={
                "phrases": phrases["ar@latn"],
                "romanised": arabic["prose"] + arabic["massive"] + arabic.get("messages", []),
            },
        )
    )
    for code in ("el", "ru"):
        texts = _parallel(corpora / "parallel" / f"en-{code}.tsv.zst", code, tiers, [])
        pools.append(Pool(name=f"{code}@latn", texts=texts | {"massive": list(_massive(corpora, code))}))
    pools.append(Pool(name="hi@latn", texts={"phrases": phrases["hi@latn"]}))
    return pools


def _usable(code: str, texts: dict[str, list[str]]) -> dict[str, list[str]]:
    if code == "ja":  # texts with kana are decided by it; what the model must tell is a text in Han signs alone
        texts = {source: [BLANKS.sub(" ", KANA.sub(" ", text)) for text in rows] for source, rows in texts.items()}
    if code == "sr":
        texts = {source: [text for text in rows if CYRILLIC.search(text)] for source, rows in texts.items()}
    return {source: rows for source, rows in texts.items() if rows}


def _parallel(path: Path, code: str, tiers: dict[str, str], english: list[str]) -> dict[str, list[str]]:
    if not path.exists():
        return {}
    found: dict[str, dict[str, None]] = {"prose": {}, "interface": {}}
    for number, pair in enumerate(read_parallel(path, code, tiers)):
        # "Edit" and "Error" tell nothing of a language: interface strings count from three words on.
        if pair.tier == "A" or pair.foreign.count(" ") >= 2 or code in ("zh", "ja"):
            found["prose" if pair.tier == "A" else "interface"][pair.foreign] = None
        if pair.tier == "A" and number % 8 == 0:
            english.append(pair.english)
    return {source: list(texts) for source, texts in found.items()}


def _by_language(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        for line in handle:
            row = json.loads(line)
            found.setdefault("nb" if row["language"] == "nn" else row["language"], []).append(row["text"])
    return found


def _massive(corpora: Path, code: str) -> Iterator[str]:
    if code in MASSIVE:
        yield from _rows(corpora / "intents/massive" / f"{MASSIVE[code]}.jsonl.gz")


def _rows(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        for line in handle:
            row = json.loads(line)
            if row.get("split", "train") == "train":
                yield row["text"]


def draw(pool: Pool, count: int, rng: random.Random, *, measuring: bool) -> Iterator[str]:
    """``count`` texts of a class, from its training texts or from those held out."""
    sources = {}
    for source, rows in pool.texts.items():
        kept = [text for text in rows if held_out(text) is measuring]
        if kept:
            sources[source] = kept
    shares = [SHARE.get(source, 0.35) * min(1.0, len(rows) / 100) for source, rows in sources.items()]
    if pool.name == "ar@latn":
        shares = [0.6 if source == "phrases" else 0.4 for source in sources]
    names = list(sources)
    if not names:
        return
    for source in rng.choices(names, shares, k=count):
        yield roughen(pool.name, rng.choice(sources[source]), rng)
