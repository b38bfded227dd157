"""Postal codes: a national shape, and a word or an address around it that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.detection.cues import Cue, CueIndex
from triage.detection.folding import FoldedText
from triage.detection.spans import Candidate, Rank

_BRITISH = re.compile(
    r"(?<![\w-])(?:GIR ?0AA|(?:[A-PR-UWYZ]\d{1,2}|[A-PR-UWYZ][A-HK-Y]\d{1,2}|[A-PR-UWYZ]\d[A-HJKPS-UW]|"
    r"[A-PR-UWYZ][A-HK-Y]\d[ABEHMNPRV-Y])"
    r"( ?)\d[ABD-HJLNP-UW-Z]{2})(?![\w-])"
)
_BRITISH_LOWER = re.compile(r"(?<![\w-])[a-z]{1,2}\d[a-z\d]? \d[abd-hjlnp-uw-z]{2}(?![\w-])")
_CANADIAN = re.compile(r"(?<![\w-])[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z]( ?)\d[ABCEGHJ-NPRSTV-Z]\d(?![\w-])")
_DUTCH = re.compile(
    r"(?<![\w.,-])[1-9]\d{3}( ?)(?!SA|SD|SS|GB|MB|TB|KG|CM|MM|KM|ML|MG|TL|KR|RM|LE|XL|EU|US|UK|PM|AM|RB|JT|FT|KC|"
    r"DH)[A-Z]{2}(?![\w-])"
)
_IRISH = re.compile(r"(?<![\w-])[AC-FHKNPRTV-Y]\d[\dW] [0-9AC-FHKNPRTV-Y]{4}(?![\w-])")
_HYPHENATED = re.compile(r"(?<![\w./,-])(?:\d{2}-\d{3}|\d{4}-\d{3}|\d{5}-\d{3,4})(?![\w/-])(?![.,]\d)")
_FIGURES = re.compile(r"(?<![\w./,:#+*-])(?:\d{5}|\d{4}|\d{6}|\d{3} \d{2})(?![\w/%:-])(?![.,]\d)(?! ?[€$£])")
_STATE = re.compile(
    r"(?:^|[\s,])(?:A[LKZR]|C[AOT]|DE|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|PA|RI|S[CD]|T[NX]|"
    r"UT|V[TA]|W[AVIY]|DC|"
    r"NSW|VIC|QLD|TAS|ACT|NT|SP|RJ|MG|RS|PR),? $"
)
_TOWN_AFTER = re.compile(r",? (?:[A-Z][\w'.-]{2,}|ON|QC|BC|AB)")
_TOWN_AND_STREET = re.compile(r" [A-Z][\w'-]{2,}, [A-Z]")
_TOWN_BEFORE = re.compile(r"(?:^|[,\n|-])\s?(?:[A-Z][^\W\d_]{2,}[ -]){1,3}$|[A-Z][^\W\d_]{2,}, $")
_TOWARDS = re.compile(r"(?:^|\s)(?:to|near|ke|nach|zip|naar|till)\s$")
_BREAK_BEFORE = re.compile(
    r"(?:^|[,\n(]\s?|\d[A-Za-z]?,?\s|(?:^|\s)(?:a|in|nach|en|w|do|i|til|ke|from|aus|vers|v|na|naar|to|para|em|till|"
    r"din|la|στην?|lugar) )$",
    re.IGNORECASE,
)
_ADDRESS_REACH = 70
_LOOK = 40


def find_postal_codes(folded: FoldedText, cues: CueIndex, locale: str | None) -> Iterator[Candidate]:
    """Codes of letters and digits stand for themselves; bare figures need a cue or an address around them."""
    german = (locale or "").lower().startswith("de")
    for pattern in (_BRITISH, _CANADIAN, _DUTCH, _IRISH, _BRITISH_LOWER):
        for match in pattern.finditer(folded.text):
            yield from _lettered(folded, cues, match, strong=pattern in {_BRITISH, _CANADIAN})
    for match in (*_HYPHENATED.finditer(folded.text), *_FIGURES.finditer(folded.text)):
        rank = _figure_rank(folded, cues, match.start(), match.end(), german=german)
        if rank is not None:
            yield Candidate(type="postal_code", start=match.start(), end=match.end(), rank=rank)


def _lettered(folded: FoldedText, cues: CueIndex, match: re.Match[str], *, strong: bool) -> Iterator[Candidate]:
    cue, beside = cues.before(match.start())
    if beside and cue in {Cue.ORDER, Cue.TRACKING, Cue.SKU, Cue.OTHER}:
        return
    spaced = " " in match.group()
    if cue is Cue.POSTAL:
        yield Candidate(type="postal_code", start=match.start(), end=match.end(), rank=Rank.CUED)
    elif strong and spaced:
        yield Candidate(type="postal_code", start=match.start(), end=match.end(), rank=Rank.MARKED)
    elif spaced and match.group().isupper() and _TOWN_AFTER.match(folded.text, match.end()):
        yield Candidate(type="postal_code", start=match.start(), end=match.end(), rank=Rank.SHAPED)
    elif _in_address(folded, cues, match.start(), match.end()):
        yield Candidate(type="postal_code", start=match.start(), end=match.end(), rank=Rank.CUED)


def _figure_rank(folded: FoldedText, cues: CueIndex, start: int, end: int, *, german: bool) -> Rank | None:
    cue, beside = cues.before(start)
    written = folded.text[start:end]
    if cue is Cue.POSTAL and (beside or (len(written) >= 5 and not written.endswith("000"))):
        return Rank.CUED
    if beside and cue in {Cue.ORDER, Cue.TRACKING, Cue.SKU, Cue.PHONE, Cue.OTHER, Cue.CARD, Cue.ACCOUNT}:
        return None
    if len(written) < 5:
        head = folded.text[max(0, start - _LOOK) : start]
        if _TOWN_AND_STREET.match(folded.text, end) and written[:2] not in {"19", "20"}:
            return Rank.SHAPED
        national = (
            _TOWN_AFTER.match(folded.text, end)
            and re.search(r"\d[A-Za-z]?,\s?$|[\n(]$", head)
            and written[:2] not in {"19", "20"}
        )
        return Rank.SHAPED if national or (re.search(r"(?:NSW|VIC|QLD|TAS|ACT|SA|WA) $", head)) else None
    if re.fullmatch(r"\d{5}-\d{3}", written) and cue not in {Cue.ORDER, Cue.TRACKING}:
        return Rank.SHAPED  # Brazil
    if (
        not german
        and written[-3:] != "000"
        and (len(written) == 5 or "-" in written)
        and _TOWN_AFTER.match(folded.text, end)
    ):
        return Rank.SHAPED  # in German every noun has a capital, so a capital alone is no town
    return Rank.SHAPED if _in_address(folded, cues, start, end) else None


def _in_address(folded: FoldedText, cues: CueIndex, start: int, end: int) -> bool:
    """A state before, a town beside, or a street shortly before."""
    head = folded.text[max(0, start - _LOOK) : start]
    written = folded.text[start:end]
    if _STATE.search(head):
        return True
    street = cues.within(start, Cue.ADDRESS, reach=_ADDRESS_REACH)
    if _TOWN_AFTER.match(folded.text, end) and (_BREAK_BEFORE.search(head) or street):
        return True
    if (
        (len(written) == 5 or " " in written)
        and written[-1].isdigit()
        and _TOWARDS.search(head.lower())
        and not written.endswith("000")
    ):
        return True
    if written.endswith("000") and not street:
        return False
    return (street or _TOWN_BEFORE.search(head) is not None) and len(written) >= 5 and _ends_part(folded.text, end)


def _ends_part(text: str, end: int) -> bool:
    return re.match(r"\s*(?:$|[.,;?!)\n])", text[end : end + 4]) is not None
