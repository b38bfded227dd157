"""IBANs and payment cards, masked ones too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.detection.checks import IBAN_LENGTHS, luhn, mod97
from triage.detection.cues import Cue, CueIndex
from triage.detection.folding import FoldedText
from triage.detection.spans import Candidate, Rank

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2} ?\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_GROUPS_OF_FOUR = re.compile(r"[A-Z]{2}\d{2}(?: [A-Z0-9]{4}){3}")
_POLISH_ACCOUNT = re.compile(r"(?<![\w-])\d{2}(?:[ -]?\d{4}){6}(?![\w-])")
_CARD = re.compile(r"(?<![\w.,+-])[2-6]\d{3}(?:[ -]?\d){8,15}(?![\w-])")
_CARD_GROUPS = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (16,), (15,), (14,), (13,), (19,)}
_MASK = "*xX•#"
_MASKED = re.compile(
    rf"(?<![\w{_MASK}])"
    rf"(?:\d{{4}}[ -]?\d{{2}}|\d{{1,6}})?[ -]?"
    rf"[{_MASK}][{_MASK} -]{{0,24}}[{_MASK}][ -]?"
    rf"(?:\d{{3}}[ -]?)?\d{{4}}(?![\w-])"
)
_SHORT_MASK = re.compile(rf"(?<![\w{_MASK}.])(?:[{_MASK}…]|\.{{2,4}})[ -]?\d{{4}}(?![\w-])")
_ENDING = re.compile(
    r"(?:ending|ends|endend|endet|endung|endziffern?|last (?:four|4)(?: digits?)?|(?:letzten? )?(?:4|"
    r"vier) (?:ziffern|stellen)|"
    r"koncowk\w|koncowce|konczac\w\w? sie|konczy sie|ostatnie (?:4|cztery) cyfry|berakhir\w*|akhiran\w*|akhirnya|"
    r"(?:4|empat) (?:digit|angka) (?:terakhir|belakang)|terminad[ao]|termina|acabad[ao]|acaba|ultim\w+ (?:4|quatro|"
    r"cuatro|quattro)"
    r"(?: \w{4,8})?|terminant|finissant|termine|finit|(?:4|quatre) derniers chiffres|final(?:e|en)?|che finisce|"
    r"finisce|eindig\w+|"
    r"laatste (?:4|vier) cijfers|son (?:4|dort) (?:hanesi|rakami)|sonu|koncici|koncovk\w|posledni (?:4|"
    r"ctyri) \w{4,8}|"
    r"se termina|ultimele (?:4|patru) cifre|заканчива\w+|оканчива\w+|последние (?:4|четыре) цифры|закінчу\w+|"
    r"останні (?:4|чотири) цифри|"
    r"slutar|slutter|ender|sista (?:4|fyra)(?: siffrorna)?|sid?ste (?:4|fire)(?: \w{4,8})?|paatty\w+|loppuosa|"
    r"vegzodo\w*|"
    r"utolso (?:4|negy) \w{4,8}|ληγει|τελευταια (?:4|τεσσερα)(?: ψηφια)?|duoi|ket thuc(?: bang)?|(?:4|bon) so cuoi|"
    r"מסתיים|המסתיים|(?:4|ארבע) הספרות האחרונות|المنتهيه|منتهيه|تنتهي|ينتهي|اخر (?:4|اربع\w?) ارقام)"
    r"(?: (?:in|with|na|auf|mit|en|com|em|con|cu|in|op|me|par|le|pa|dengan|adalah|is|are|czyli|to|it|sind|лицом|на|"
    r"σε|σ|ב|ב-|ب|في))?"
    r"[\s:=]{0,3}ب?[ -]?(\d{4})(?![\d-])"
)
_ENDED = re.compile(
    r"(?<![\w-])(\d{4})(?=(?: ile biten|'?[a-z]{1,3} biten| vegzodesu| vegzodo|-[a-z]{2,3} vegzodo| paatty\w+))"
)
_CARD_REACH = 90


def find_ibans(folded: FoldedText, cues: CueIndex) -> Iterator[Candidate]:
    """IBANs of a country's exact length; with a wrong remainder only in groups of four or near an account's cue."""
    for match in _IBAN.finditer(folded.text):
        size = IBAN_LENGTHS.get(match.group()[:2].upper())
        end = _end_of(folded.text, match.start(), match.end(), size) if size else None
        if end is None or (end < len(folded.text) and folded.text[end].isalnum()):
            if size and _GROUPS_OF_FOUR.match(match.group()):
                yield Candidate(
                    type=None, start=match.start(), end=match.end(), rank=Rank.MARKED
                )  # a digit lost or doubled
            continue
        written = folded.text[match.start() : end]
        checked = mod97(re.sub(r"[ -]", "", written))
        plausible = written.isupper() and (
            _GROUPS_OF_FOUR.match(written) is not None or cues.within(match.start(), Cue.ACCOUNT, reach=_CARD_REACH)
        )
        if checked or plausible:
            rank = Rank.CHECKED if checked else Rank.MARKED
            yield Candidate(type="iban", start=match.start(), end=end, rank=rank)
    for match in _POLISH_ACCOUNT.finditer(folded.text):
        digits = re.sub(r"\D", "", match.group())
        grouped = match.group()[2] in " -"
        if mod97("PL" + digits) or (grouped and cues.within(match.start(), Cue.ACCOUNT, reach=_CARD_REACH)):
            yield Candidate(type="iban", start=match.start(), end=match.end(), rank=Rank.CHECKED)


def _end_of(text: str, start: int, stop: int, size: int) -> int | None:
    """Where the ``size``-th letter or digit from ``start`` ends; None if there are fewer before ``stop``."""
    seen = 0
    for index in range(start, stop):
        if text[index].isalnum():
            seen += 1
            if seen == size:
                return index + 1
    return None


def find_cards(folded: FoldedText, cues: CueIndex) -> Iterator[Candidate]:
    """Whole numbers that pass Luhn, masked numbers, and the four digits after words for "ending in"."""
    for match in _CARD.finditer(folded.text):
        digits = re.sub(r"\D", "", match.group())
        groups = tuple(len(group) for group in re.split(r"[ -]", match.group()))
        if groups in _CARD_GROUPS and luhn(digits) and len(set(digits)) > 1:
            yield Candidate(type="card_number", start=match.start(), end=match.end(), rank=Rank.CHECKED)
        elif groups in _CARD_GROUPS and cues.before(match.start()) == (Cue.CARD, True):
            yield Candidate(type="card_number", start=match.start(), end=match.end(), rank=Rank.CUED)
    for match in _MASKED.finditer(folded.text):
        if match.group().count("#") == 2 and match.group().startswith("##"):
            continue  # a Markdown heading
        lead = len(match.group()) - len(match.group().lstrip(" -"))
        yield Candidate(type="card_number", start=match.start() + lead, end=match.end(), rank=Rank.CHECKED)
    for match in _SHORT_MASK.finditer(folded.text):
        if cues.within(match.start(), Cue.CARD, reach=16):
            yield Candidate(type="card_number", start=match.start(), end=match.end(), rank=Rank.CUED)
    for pattern in (_ENDING, _ENDED):
        for match in pattern.finditer(folded.lower):
            if cues.within(match.start(1), Cue.CARD, reach=_CARD_REACH) or _card_follows(folded, match.end(), cues):
                yield Candidate(type="card_number", start=match.start(1), end=match.end(1), rank=Rank.CUED)


def _card_follows(folded: FoldedText, end: int, cues: CueIndex) -> bool:
    return cues.within(min(len(folded.lower), end + 30), Cue.CARD, reach=30)
