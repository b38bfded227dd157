"""Order numbers, tracking numbers, model codes: own formats, check digits, then the words around."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.detection.checks import fedex, gs1, s10, ups
from triage.detection.cues import Cue, CueIndex
from triage.detection.folding import FoldedText
from triage.detection.quantities import PROMO, QUANTITY, UNIT, VAT, WORDS_WITH_DIGITS
from triage.detection.spans import Candidate, Rank

_LETTER = "A-Za-zА-Яа-яΑ-Ωα-ω"
_TOKEN = re.compile(
    rf"(?<![{_LETTER}0-9_@&$€£%])[{_LETTER}0-9]{{1,40}}(?:[-/_][{_LETTER}0-9]{{1,40}}){{0,6}}(?![{_LETTER}0-9_@])"
)
_GROUPED = re.compile(
    r"(?<![A-Za-z0-9_.,/+-])(?:[A-Z]{2,4} )?[A-Z]{0,3}\d[A-Z0-9]{0,7}(?: [A-Z]{0,3}\d[A-Z0-9]{0,7}){1,8}(?: "
    r"[A-Z]{2})?(?![A-Za-z0-9_/-])"
)

_ORDER_FORMATS = re.compile(
    r"\d{3}-\d{7}-\d{7}|D\d{2}-\d{7}-\d{7}|"  # Amazon
    r"\d{2}-\d{5}-\d{5}|"  # eBay
    r"INV/\d{8}/[A-Z]{1,6}/(?:[A-Z]{1,6}/)?\d{6,}|"  # Tokopedia
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|"  # Allegro
    r"2\d{6}-\d{8}|"  # Walmart
    r"OD\d{9,18}|"  # Flipkart
    r"2[0-9](?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?=[A-Z0-9]*[A-Z])[A-Z0-9]{8}",  # Shopee
    re.IGNORECASE,
)
_ASIN = re.compile(r"B0(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{8}")
_S10 = re.compile(r"[A-Z]{2}\d{9}[A-Z]{2}", re.IGNORECASE)
_POSTAL_COUNTRIES = (
    "AE AR AT AU BE BG BR BY CA CH CL CN CO CY CZ DE DK EE EG ES FI FR GB GR HK HR HU ID IE IL IN IT JO JP KR KW "
    "KZ LT LU LV MA MX MY "
    "NL NO NZ OM PE PH PK PL PT QA RO RS RU SA SE SG SI SK TH TN TR TW UA US VN ZA"
)
_CARRIER_FORMATS = re.compile(
    r"1Z[A-Z0-9]{16}|J?JD\d{16,20}|TBA\d{12}|LP\d{14}|YT\d{16}|[A-Z]{2}\d{9}[A-Z]{2}|\d{24}|JX\d{10}|JP\d{10}|"
    r"JJPL\d{10,18}|"
    r"420\d{5}9[1-5]\d{20}|9[1-5]\d{20}|3S[A-Z]{3,5}\d{7,10}|[68][A-Z]\d{11}|H[A-Z0-9]{3}A00\d{8,10}|(?:SPX|SPXID|"
    r"IDE|NLID\w{3}|TKP|JNAP|CM)\d{9,}|00340\d{15}|59\d{14}SMPL\w+",
    re.IGNORECASE,
)
_MODEL = re.compile(r"[A-Z]{2,4}-?\d{2,4}[A-Z]{0,3}")
_ORDER_SHAPE = re.compile(
    r"[A-ZА-Я]{1,5}(?:-[A-Z]{1,5})?[-/]?(?:\d{4}[-/])?\d{5,}(?:-[A-Z0-9]{1,3})?|"
    r"[A-Z]{2,4}(?=(?:[-/]?\d){6})(?:[-/]\d{2,}){2,}|"
    r"[A-Z]\d{4,}-[A-Z]"
)
_DASHED_FIGURES = re.compile(
    r"\d{4}-\d{2}-\d{4,}|(?!(?:19|20)\d\d-)\d{4}-\d{4}|20\d\d-\d{5,6}|\d{2}-\d{5}|\d{6}-\d{4}|(?!(?:0\d|"
    r"1[0-2])-(?:19|20)\d\d)\d{2}-\d{4}"
)
_AMBIGUOUS_CODE = re.compile(r"[A-Z]{1,3}-?\d{4}")
_APART = re.compile(
    r"(?:^|[.,:;!?(\n\"]\s?|(?<![^\W_])(?:for|of|from|on|with|about|regarding|re|to|za|do|z|w|o|na|od|pour|de|du|a|"
    r"au|sur|zu|bei|von|fur|fuer|"
    r"para|por|en|sobre|del|per|di|su|da|em|van|voor|bij|icin|pro|k|ze|pentru|din|la|для|по|на|с|из|про|for|av|til|"
    r"fra|om|pa|"
    r"cancel|stop|storno|anulujcie|anuluj|annule[rz]?|batalkan|untuk|dari|عن|من|لـ|cho|cua|untuk|por la pagina) )$"
)
_OPENING = re.compile(r"(?:^|[.!?\n]\s?)(?:[^\W\d_]{1,4} )?$")
_REFERRING = re.compile(
    r"(?:^|\s)(?:do|za|z|la|pe|до|на|по|для|за|из|utk|untuk|pa|af|fra|til|for|from|"
    r"on|of|zu|von|pour|per|voor|van|de|del|para) $"
)
_LIST_GAP = re.compile(
    r"\s?(?:[,;/&+]|\s(?:and|i|oraz|und|y|e|et|en|ve|a|si|и|та|och|og|ja|es|και|va|dan|و|ו)(?=\s|$)){1,2}\s?و?"
)
_ACRONYM = re.compile(r"(?<![A-Za-z])[A-Z]{2,6}\.?[\s:#]{1,2}$")


def find_identifiers(folded: FoldedText, cues: CueIndex) -> Iterator[Candidate]:
    """Order, tracking and model numbers, and nameless candidates over numbers that are known to be something else."""
    last: Candidate | None = None
    for match in _TOKEN.finditer(folded.text):
        start, end = match.start(), _without_ending(folded.text, match.start(), match.end())
        if not any(character.isdigit() for character in folded.text[start:end]):
            continue
        tail = folded.text.rfind("/", start, end) + 1
        if tail > start and _by_format(folded.text[tail:end]) and not _by_format(folded.text[start:end]):
            start = tail  # the end of a link's path
        found = _classify(folded, cues, start, end)
        if last is not None and _continues(folded, last, start, end):
            found = Candidate(type=last.type, start=start, end=end, rank=last.rank)
        if found is not None:
            yield found
        last = found
    for match in _GROUPED.finditer(folded.text):
        yield from _classify_groups(folded, cues, match.start(), match.end())


def _without_ending(text: str, start: int, end: int) -> int:
    """Cut a case ending that is written onto a code with a hyphen ("KT-210-es", "TM-10428-at")."""
    token = text[start:end]
    head, dash, tail = token.rpartition("-")
    return start + len(head) if dash and tail.isalpha() and tail.islower() and head == head.upper() else end


def _continues(folded: FoldedText, last: Candidate, start: int, end: int) -> bool:
    """Whether a token of the same shape continues a list ("orders 31-00871, 31-00872 and 31-00873")."""
    joined = _LIST_GAP.fullmatch(folded.lower[last.end : start][:16])
    return joined is not None and _shape(folded.text[start:end]) == _shape(folded.text[last.start : last.end])


def _shape(token: str) -> str:
    return re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "a", token))


def _classify(folded: FoldedText, cues: CueIndex, start: int, end: int) -> Candidate | None:
    token = folded.text[start:end]
    by_format = _by_format(token)
    if by_format is not None:
        return Candidate(type=by_format[0], start=start, end=end, rank=by_format[1])
    cue, beside = cues.before(start)
    following = cues.after(end)
    if following is not None:
        cue, beside = following, True
    kind = _by_cue(folded, cues, start, end, cue=cue, beside=beside)
    if kind is not None:
        rank = Rank.CUED if beside else Rank.LOOSE if token.isdigit() else Rank.SHAPED
        return Candidate(type=kind or None, start=start, end=end, rank=rank)
    kind = _by_shape(folded, cues, start, end, cue=cue)
    if kind is None:
        return None
    return Candidate(type=kind, start=start, end=end, rank=Rank.LOOSE if token.isdigit() else Rank.SHAPED)


def _by_format(token: str) -> tuple[str, Rank] | None:
    """Type and rank of a token whose own form says enough."""
    bare = token.upper()
    if _ORDER_FORMATS.fullmatch(token):
        return "order_number", Rank.EXACT
    if _ASIN.fullmatch(token):
        return "sku", Rank.EXACT
    if _tracking_checked(bare):
        return "tracking_number", Rank.CHECKED
    if _S10.fullmatch(bare):
        return ("tracking_number", Rank.SHAPED) if bare[-2:] in _POSTAL_COUNTRIES.split() else None
    return ("tracking_number", Rank.MARKED) if _CARRIER_FORMATS.fullmatch(bare) else None


def _tracking_checked(bare: str) -> bool:
    if re.fullmatch(r"1Z[A-Z0-9]{16}", bare):
        return ups(bare)
    if _S10.fullmatch(bare):
        return s10(bare)
    if re.fullmatch(r"9[1-5]\d{18,24}|00\d{18}|420\d{27,31}", bare):
        return gs1(bare[-22:] if bare.startswith("420") else bare)
    return False


def _by_cue(folded: FoldedText, cues: CueIndex, start: int, end: int, *, cue: Cue | None, beside: bool) -> str | None:
    """The type that the nearest cue gives; "" where the cue says that it is none of the types."""
    token = folded.text[start:end]
    digits = sum(map(str.isdigit, token))
    letters = sum(map(str.isalpha, token))
    plain = UNIT.fullmatch(token) or WORDS_WITH_DIGITS.fullmatch(token) or QUANTITY.match(folded.lower, end)
    if cue is Cue.OTHER and beside and digits >= 3:
        return ""
    if plain and not (beside and digits >= 4 and "-" in token):
        return None
    if cue is Cue.TRACKING and len(token) >= 8 and digits * 2 >= len(token) and (beside or len(token) >= 10):
        return "tracking_number"
    if cue is Cue.SKU and digits == 12 and not letters:
        return "sku"  # an eBay item number
    if cue is Cue.SKU and beside and letters and digits and (token != token.lower() or digits >= 2):
        return "sku"
    if cue is Cue.SKU and beside and digits >= 4 and cues.numbered(start):
        return "sku"
    if cue in {Cue.ORDER, Cue.TRACKING} and beside and _orderly(folded, cues, start, end):
        return "order_number"
    if cue is Cue.ORDER and not beside and (digits >= 5 or (digits >= 4 and letters and not _MODEL.fullmatch(token))):
        return "order_number"
    return None


def _orderly(folded: FoldedText, cues: CueIndex, start: int, end: int) -> bool:
    """Whether a token right beside an order's cue can be its number: quantities and years cannot."""
    token = folded.text[start:end]
    digits = sum(map(str.isdigit, token))
    if not token.isdigit():
        return digits >= 3 or (digits >= 2 and len(token) >= 5)
    if cues.numbered(start) or folded.text[max(0, start - 2) : start].rstrip().endswith((":", "#")):
        return digits >= 3 or (digits == 2 and folded.text[start - 1] == "#")
    if digits >= 5:
        return True
    stands_alone = re.match(r"\s*(?:$|[.,;!?)\n])", folded.text[end : end + 4]) is not None
    return digits >= 3 and stands_alone and not re.fullmatch(r"(?:19|20)\d\d", token)


def _by_shape(folded: FoldedText, cues: CueIndex, start: int, end: int, *, cue: Cue | None) -> str | None:
    """The type that a token's form suggests where no word says what it is."""
    token = folded.text[start:end]
    digits = sum(map(str.isdigit, token))
    if folded.text[max(0, start - 1) : start] == "#" and digits >= 3:
        return "order_number"
    if UNIT.fullmatch(token) or WORDS_WITH_DIGITS.fullmatch(token) or PROMO.fullmatch(token) or VAT.fullmatch(token):
        return None
    if token.isdigit():
        return _bare_number(folded, start, end, cue=cue)
    if (
        digits >= (4 if token.isdigit() else 3)
        and cue not in {Cue.SKU, Cue.PHONE, Cue.POSTAL, Cue.CARD, Cue.ACCOUNT}
        and cues.numbered(start)
    ):
        return "order_number"
    if re.fullmatch(r"[A-Z]{2,6}\d{10,18}", token) and cue is not Cue.ORDER:
        return "tracking_number"  # carriers' own prefixes
    if _ORDER_SHAPE.fullmatch(token):
        return "order_number"
    if re.fullmatch(r"\d{3,6}-[A-ZА-ЯΑ-Ω]", token):
        return "order_number"
    if re.fullmatch(r"\d{2,6}-[A-Z]{0,2}\d{0,4}[A-Z]?", token) and digits >= 5 and not _dateish(token):
        return "order_number"
    if _DASHED_FIGURES.fullmatch(token):
        return "order_number"
    if _AMBIGUOUS_CODE.fullmatch(token) and cue is not Cue.SKU and _stands_apart(folded.lower, start):
        return "order_number"
    return "sku" if _modelish(token) else None


def _stands_apart(lower: str, start: int) -> bool:
    """Whether a code follows a preposition or a stop, not a noun that it would qualify ("jacket JK-3004")."""
    return _APART.search(lower[max(0, start - 16) : start]) is not None


def _dateish(token: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}|\d{2}-\d{3}|\d{4}-\d{3}|\d{5}-\d{3,4}", token) is not None


def _modelish(token: str) -> bool:
    """Model codes: capitals and digits joined by hyphens, or run together in a typical way; no lower-case words."""
    if re.fullmatch(r"[A-Z0-9]+(?:-[A-Z0-9]+)+", token):
        parts = token.split("-")
        mixed = any(c.isdigit() for c in token) and any(c.isalpha() for c in token)
        return mixed and len(token) >= 5 and not all(UNIT.fullmatch(part) for part in parts)
    if re.fullmatch(r"[a-z]{2,4}-\d{3,4}[a-z]{0,2}", token):
        return True
    return (
        re.fullmatch(
            r"[A-Z]{2,4}\d{3,5}[A-Z]{0,3}|[A-Z]\d{4}[A-Z]?|[A-Z]{1,3}\d{2,4}[A-Z]{1,4}\d{0,2}|\d[A-Z]{2}\d{3,4}", token
        )
        is not None
    )


def _bare_number(folded: FoldedText, start: int, end: int, *, cue: Cue | None) -> str | None:
    """A long bare number that stands alone is an order number unless something nearby claims it."""
    size = end - start
    if size == 12 and fedex(folded.text[start:end]) and cue in {None, Cue.ORDER, Cue.TRACKING}:
        return "tracking_number"
    if size in {14, 18, 20} and cue in {None, Cue.TRACKING, Cue.ADDRESS}:
        return "tracking_number"
    head = folded.lower[max(0, start - 8) : start]
    opening = size == 5 and (_OPENING.search(head) or _REFERRING.search(head)) is not None
    if opening and not re.match(r"\s?[:,;?!]|\s*$", folded.text[end : end + 4]):
        return None
    if not (6 <= size <= 12 or opening) or cue not in {None, Cue.ORDER, Cue.TRACKING, Cue.ADDRESS}:
        return None
    if QUANTITY.match(folded.lower, end) or _ACRONYM.search(folded.text[max(0, start - 9) : start]):
        return None
    joined = start > 0 and folded.text[start - 1] in ".,:=/-+*'"
    return None if joined or folded.text[start:end].endswith("000") else "order_number"


def _classify_groups(folded: FoldedText, cues: CueIndex, start: int, end: int) -> Iterator[Candidate]:
    """Numbers written in groups ("1Z 999 AA1 …", "9400 1102 …", a voice transcript's "5 1 8 8 2")."""
    written = folded.text[start:end]
    bare = written.replace(" ", "")
    if _tracking_checked(bare) or (_CARRIER_FORMATS.fullmatch(bare) and not _S10.fullmatch(bare)):
        yield Candidate(type="tracking_number", start=start, end=end, rank=Rank.CHECKED)
        return
    cue, beside = cues.before(start)
    groups = written.split()
    spelt = len(groups) >= 4 and all(len(group) == 1 for group in groups)
    digits = sum(map(str.isdigit, bare))
    if cue is None and cues.numbered(start) and not bare.startswith("0") and (spelt or digits >= 5):
        yield Candidate(type="order_number", start=start, end=end, rank=Rank.LOOSE)
        return
    if not beside or not (spelt or (digits >= 5 and len(min(groups, key=len)) >= 2)):
        return
    if (cue is Cue.TRACKING and digits >= 8) or (cue is Cue.ORDER and fedex(bare)):
        yield Candidate(type="tracking_number", start=start, end=end, rank=Rank.CUED)
    elif cue is Cue.ORDER:
        yield Candidate(type="order_number", start=start, end=end, rank=Rank.CUED)
    elif cue is Cue.OTHER and digits >= 8:
        yield Candidate(type=None, start=start, end=end, rank=Rank.CUED)
