"""Writing systems: what to read of a message before asking which language it is in.

Blocks are from the Unicode Character Database (Blocks.txt, Scripts.txt), reduced to the scripts that decide a language
or narrow it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]

WINDOW = 2000
"""Only this many characters are read: the language of a message shows in its first lines."""

NONE, LATIN, CYRILLIC, ARABIC, HAN, KANA, HANGUL, GREEK, HEBREW, THAI, DEVANAGARI, UNKNOWN = range(12)

# First code point of each run, and the script that starts there; gaps between letters of one script are harmless.
_RUNS = (
    (0x0000, NONE), (0x0030, LATIN), (0x003A, NONE), (0x0041, LATIN), (0x005B, NONE), (0x0061, LATIN), (0x007B, NONE),
    (0x00C0, LATIN), (0x00D7, NONE), (0x00D8, LATIN), (0x00F7, NONE), (0x00F8, LATIN), (0x0250, NONE),
    (0x0370, GREEK), (0x0400, CYRILLIC), (0x0530, UNKNOWN), (0x0590, HEBREW), (0x0600, NONE), (0x0620, ARABIC),
    (0x0660, NONE), (0x066E, ARABIC), (0x06D4, NONE), (0x06D5, ARABIC), (0x06F0, NONE), (0x06FA, ARABIC),
    (0x0700, UNKNOWN), (0x0750, ARABIC), (0x0780, UNKNOWN), (0x08A0, ARABIC), (0x0900, DEVANAGARI), (0x0980, UNKNOWN),
    (0x0E00, THAI), (0x0E80, UNKNOWN), (0x1100, HANGUL), (0x1200, UNKNOWN), (0x1E00, LATIN), (0x1F00, GREEK),
    (0x2000, NONE), (0x3005, HAN), (0x3008, NONE), (0x3041, KANA), (0x3100, UNKNOWN), (0x3130, HANGUL),
    (0x3190, NONE), (0x31F0, KANA), (0x3200, NONE), (0x3400, HAN), (0xA000, UNKNOWN), (0xAC00, HANGUL),
    (0xD7B0, NONE), (0xF900, HAN), (0xFB00, NONE), (0xFB1D, HEBREW), (0xFB50, ARABIC), (0xFE00, NONE),
    (0xFE70, ARABIC), (0xFEFF, NONE), (0x20000, HAN), (0x323B0, NONE),
)  # fmt: skip

LANGUAGE_OF = {HANGUL: "ko", GREEK: "el", HEBREW: "he", THAI: "th", DEVANAGARI: "hi", KANA: "ja"}
"""Scripts that one language of customers' messages uses; the others are left to the n-gram model."""

_URL = re.compile(r"(?:https?://|www\.)[!-~]+", re.IGNORECASE)
# Both halves are bounded, so that no input makes the search quadratic.
_ADDRESS = re.compile(r"[\w.+-]{0,64}@[\w.-]{1,255}")
_DOMAIN = re.compile(
    r"(?<![\w.-])(?:[a-z0-9-]{1,63}\.){1,4}(?:com|net|org|info|shop|store|link|app|io|eu|co)\b(?:/[!-~]*)?",
    re.IGNORECASE,
)
# Four digits or more between blanks: an order, a date, a telephone number, with whatever letters are tied to it.
_NUMBER = re.compile(r"(?<![!-~])(?=(?:[!-/:-~]*[0-9]){4})[!-~]+")
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_MARKS = re.compile("[\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u200c-\u200f]")
_LONG_RUN = re.compile(r"(.)\1{2,}")
_DIGIT = re.compile(r"\d")
# Letters with single Arabizi digits ("3ayez", "la2") or an Indonesian "2" of repetition ("barang2"), never a code.
_DIGIT_WORD = re.compile(r"(?=(?:[^\W\d]|\d)*[^\W\d]{2})[2356789]?(?:[^\W\d]+[2356789])*[^\W\d]*")

_BEYOND_LATIN = re.compile("(?:(?!\\d)[\u0370-\U0010ffff])+")


def words_of(text: str) -> list[str]:
    """The words of the first characters of a message, in its own case, that can tell a language.

    Left out: links, addresses, handles, numbers, codes that mix letters and digits, emoji and punctuation.
    """
    text = text.lstrip()[:WINDOW]
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKC", text)[:WINDOW])
    if "." in text or "@" in text or "/" in text:
        text = _DOMAIN.sub(" ", _ADDRESS.sub(" ", _URL.sub(" ", text)))
    digits = _DIGIT.search(text) is not None
    found: list[str] = _WORD.findall(_NUMBER.sub(" ", text) if digits else text)
    if digits:
        found = [part for word in found for part in _without_codes(word)]
    return found


def _without_codes(word: str) -> list[str]:
    if not _DIGIT.search(word):
        return [word]
    if len(word) <= 24 and word[1:].islower() and _DIGIT_WORD.fullmatch(word):
        return [word]
    # Scripts without blanks write numbers and names into the sentence: "注文123が…".
    pieces: list[str] = _BEYOND_LATIN.findall(word)
    return pieces


def lowered(words: Sequence[str]) -> str:
    """Lower-case words between single spaces; a letter typed many times in a row is kept twice."""
    text = " ".join(words).lower()
    # "İ".lower() leaves a combining dot behind.
    return _LONG_RUN.sub(r"\1\1", text.replace("\u0307", ""))


def code_points(text: str) -> Codes:
    """(N,) code points; lone surrogates are kept as they are."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.uint32], NDArray[np.int8]]:
    return np.array([start for start, _ in _RUNS], np.uint32), np.array([script for _, script in _RUNS], np.int8)


def scripts_of(codes: Codes) -> NDArray[np.int8]:
    """(N,) script of each code point."""
    starts, scripts = _tables()
    return scripts[np.searchsorted(starts, codes, side="right") - 1]


def matrix_script(words: Sequence[str], scripts: NDArray[np.int8]) -> int:
    """The script that carries the message. Latin names inside another script's sentence do not outweigh it."""
    count = np.bincount(scripts, minlength=UNKNOWN + 1).astype(float)
    count[NONE] = 0
    count[[HAN, KANA]] *= 2.5  # one sign says about as much as two or three letters
    count[HANGUL] *= 2
    if count[KANA]:
        count[KANA] += count[HAN]  # Japanese is written in both; Chinese never uses kana
        count[HAN] = 0
    other = int(count[LATIN + 1 :].argmax()) + LATIN + 1
    if not count[other]:
        return LATIN if count[LATIN] else NONE
    names = sum(len(word) for word in words if not word.islower() and word[0].isascii())
    latin = count[LATIN] - names / 2
    return other if count[other] >= 0.3 * (latin + count[other]) else LATIN


def only(codes: Codes, scripts: NDArray[np.int8], script: int) -> Codes:
    """The words of one script: everything else becomes a single space; one space at either end."""
    kept = np.where(scripts == script, codes, np.uint32(32))
    kept = np.concatenate(([np.uint32(32)], kept, [np.uint32(32)])).astype(np.uint32)
    space = kept == 32
    repeated = np.zeros(len(kept), bool)
    repeated[1:] = space[1:] & space[:-1]
    return kept[~repeated]
