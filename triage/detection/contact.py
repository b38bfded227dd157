"""E-mail addresses and telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import phonenumbers

from triage.detection.cues import Cue, CueIndex
from triage.detection.folding import FoldedText
from triage.detection.spans import Candidate, Rank

_LOCAL_PART = 64
_DOMAIN = re.compile(r"@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
_ADDRESS_CHARACTER = re.compile(r"[\w.+%'-]")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>()\"'«»]+", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w+@#/.,-])(?:\+ ?|\(\+|\()?\d(?:[ ()./-]{0,2}\d){5,16}(?![\w@]|[-/.,:]\d)")
_CUT = re.compile(r"[ ./-]+")
_REGIONS = {
    "ar": "EG SA AE MA JO KW IQ DZ TN LB QA OM BH LY YE SY PS SD",
    "en": "US GB IN CA AU IE NZ ZA NG KE SG PH PK",
    "es": "ES MX AR CO CL PE",
    "pt": "PT BR",
    "de": "DE AT CH",
    "fr": "FR BE CH CA MA",
    "nl": "NL BE",
    "it": "IT CH",
    "da": "DK",
    "nb": "NO",
    "no": "NO",
    "sv": "SE FI",
    "cs": "CZ",
    "uk": "UA",
    "el": "GR CY",
    "vi": "VN",
    "ms": "MY SG",
    "he": "IL",
    "id": "ID",
    "hi": "IN",
}
_ANYWHERE = "GB US PL DE FR ID EG SA IN ES IT NL BR TR RU VN"
_LOOKUPS = 400
"""Numbers looked up in one message at most: the library takes tens of microseconds for each try."""


def find_emails(folded: FoldedText) -> Iterator[Candidate]:
    """Addresses after RFC 5321's lengths, in Latin or another script's letters, without surrounding punctuation."""
    text = folded.text
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at)
        if domain:
            start = at
            latin = at > 0 and text[at - 1].isascii()
            while start > max(0, at - _LOCAL_PART) and _belongs(text[start - 1], latin):
                start -= 1
            while start < at and text[start] in ".'-":
                start += 1
            end = _domain_end(text, domain.start(1), domain.end(1))
            if start < at and end is not None:
                yield Candidate(type="email", start=start, end=end, rank=Rank.EXACT)
        at = text.find("@", at + 1)


def _belongs(character: str, latin: bool) -> bool:
    return _ADDRESS_CHARACTER.match(character) is not None and (character.isascii() or not latin)


def _domain_end(text: str, start: int, end: int) -> int | None:
    """Cut a domain back to its last label that can be a top-level domain."""
    while "." in text[start:end]:
        label = text[start:end].rpartition(".")[2]
        latin = re.match(r"(?:xn--[a-z0-9-]+|[A-Za-z]{2,24})", label)
        if latin:
            return end - len(label) + latin.end()
        if len(label) >= 2 and label.isalpha():
            return end
        end -= len(label) + 1
    return None


def find_urls(folded: FoldedText) -> Iterator[tuple[int, int]]:
    """Spans of web addresses: digits in them are nobody's telephone number, price or date."""
    for match in _URL.finditer(folded.text):
        yield match.span()


def find_phones(folded: FoldedText, cues: CueIndex, locale: str | None) -> Iterator[Candidate]:
    """Telephone numbers with a country prefix, valid national ones, and possible ones beside a cue."""
    regions = regions_of(locale)
    for lookups, match in enumerate(_PHONE.finditer(folded.text)):
        if lookups >= _LOOKUPS:
            return
        cue, beside = cues.before(match.start())
        if (
            beside
            and cue in {Cue.ORDER, Cue.TRACKING, Cue.SKU, Cue.OTHER}
            and not match.group().lstrip().startswith(("+", "("))
        ):
            continue
        for start, end in _readings(folded.text, match.start(), match.end()):
            rank = _phone_rank(folded.text[start:end], regions, cued=cue is Cue.PHONE)
            if rank is not None:
                yield Candidate(type="phone", start=start, end=end, rank=rank)
                break


def regions_of(locale: str | None) -> tuple[str, ...]:
    """Regions whose national numbers are tried, most likely first; ``locale`` is a BCP 47 tag or a bare language."""
    if not locale:
        return tuple(_ANYWHERE.split())
    language, *rest = re.split(r"[-_]", locale)
    region = [part.upper() for part in rest if len(part) == 2 and part.isalpha()]
    spoken = _REGIONS.get(language.lower(), language.upper()).split()
    return tuple(dict.fromkeys([*region, *spoken, *(() if region else ("GB", "US"))]))


def _readings(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The whole run of groups, then with groups cut off its end ("512 555 903 12 maja"), longest first."""
    yield start, end
    cuts = [match.start() for match in _CUT.finditer(text, start, end)]
    for cut in list(reversed(cuts))[:3]:
        yield start, cut


def _phone_rank(written: str, regions: tuple[str, ...], *, cued: bool) -> Rank | None:
    digits = re.sub(r"\D", "", written)
    if not 7 <= len(digits) <= 15 or written.count("(") != written.count(")") or len(set(digits)) < 2:
        return None
    if written.lstrip("( ").startswith("+") or (digits.startswith("00") and digits[2:3] != "0" and len(digits) >= 11):
        prefixed = "+" in written
        known = _known("+" + (digits if prefixed else digits[2:]), None)
        return Rank.MARKED if known == "valid" or (prefixed and known == "possible") else None
    outcomes = {_known(digits, region) for region in regions}
    grouped = re.search(r"\d[ ()./-]+\d", written) is not None
    if cued and (outcomes & {"valid", "possible"}):
        return Rank.CUED
    if "valid" in outcomes and _written_like_phone(written, digits, grouped):
        return Rank.SHAPED
    if digits.startswith("0") and digits[1] != "0" and 9 <= len(digits) <= 12 and "possible" in outcomes:
        return Rank.SHAPED  # numbers made up for examples, and ranges newer than the library's tables
    return None


def _written_like_phone(written: str, digits: str, grouped: bool) -> bool:
    """National numbers begin with a trunk 0 or are written in groups of two to four; a bare run must be long."""
    if digits.startswith("0") or written.startswith("("):
        return True
    groups = [len(group) for group in re.findall(r"\d+", written)]
    if grouped:
        return len(groups) >= 3 and all(2 <= size <= 4 for size in groups)
    return len(digits) in {9, 10, 11}


@lru_cache(maxsize=4096)
def _known(number: str, region: str | None) -> str:
    """``valid``, ``possible`` or ``no`` by the numbering plans of libphonenumber."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return "no"
    if phonenumbers.is_valid_number(parsed):
        return "valid"
    return "possible" if phonenumbers.is_possible_number(parsed) else "no"
