"""Calendar days: written with a month's name in any supported language, or in figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from babel import Locale

from triage.detection.folding import FoldedText, fold_words, word_set
from triage.detection.spans import INNER_DOT, Candidate, Rank

_LOCALES = "en en_GB pl id ar ar_SY ar_MA de de_AT es fr pt it nl tr cs ro ru uk sv da nb fi hu el ms he hi hr sk"
_MORE_MONTHS = {
    "ar": "جانفي فيفري افريل جوان جويليه اوت ابريل يناير اذار نيسان ايار رمضان شوال محرم صفر رجب شعبان",
    "id": "pebruari nopember sept agt ags agust okt nop peb",
    "en": "sept",
    "pl": "pazdz wrzes list",
    "fi": "tammik helmik maalisk huhtik toukok kesak heinak elok syysk lokak marrask jouluk",
    "vi": "gieng",
    "tr": "agustos",
}
_PAIRED = (
    "ذو الحجه",
    "ذي الحجه",
    "ذو القعده",
    "ذي القعده",
    "ربيع الاول",
    "ربيع الثاني",
    "جمادي الاولي",
    "جمادي الثانيه",
    "جمادي الاخره",
)
# Abbreviations and names that are everyday words elsewhere: they count only in their own language.
_AMBIGUOUS = word_set(
    "out set sie gen ara eki oca ocak mai mag ago list lis pro led dub bre srp zar maj mac mart marts rijen elo "
    "touko joulu loka sys tem kas nis mar dis des dic kesa heina abr haz leden listopad uno lut cze lip gru sty "
    "kwi ott lug giu mrt syys ber ver agu ogo tra sij vel ozu kol svi stu kvi trav бер вер лип лист мар मई ian "
    "iun iul"
)
_COMMON = word_set("mai maj mar mag lis dic des abr agu ott lug")
"""Of those, the ones that are taken where the message's language is not known."""

_DAY_BEFORE = re.compile(
    r"(?<![\d.,:/'$€£#])(?<![^\W\d_]-)(?<!\d )(\d{1,2})"
    r"(?:st|nd|rd|th|er|re|eme|a|o|e|:?[ae](?= )|-?(?:го|ого|е|ое)|'?(?:d|t)e|\.)?"
    r"(?:\s|(?<=\.)|-|/| ?(?:of|de|del|di|da|do|d'|van|από|min|من|لشهر|شهر)\s)\s?$"
)
_YEAR_AFTER = re.compile(
    r"\.?,?\s?(?:-|/|(?:de|del|do|of|z|год|от|nam|عام|سنه)\s)?\s?((?:19|20|14)\d\d)(?![\d])(?![.,]\d)"
)
_DAY_AFTER = re.compile(
    r"\.?\s(?:the\s|il\s|o\s)?(\d{1,2})(?:st|nd|rd|th|[ae](?!\w))?(?![\w%°]|[.,:/]\d|\s?(?:am|pm|€|\$|%))"
)
_YEAR_BEFORE = re.compile(r"(?<!\d)((?:19|20)\d\d\.?\s?)$")
_DOTTED = word_set("de pl cs sk ru uk fi nb no da tr ro hu hr")
_SUFFIXING = frozenset({"tr", "hu", "fi"})
# Hungarian writes its case endings onto the figure: "május 12-én", "április 9-ig".
_HUNGARIAN_ENDING = re.compile(r"-j?[aeio][a-z]{0,4}(?![^\W_])|-(?:ra|re|tol|ig)(?![^\W_])|\.(?=\s[a-z])")
_DAY_AFTER_LANGUAGES = frozenset({"en", "hu", "tr", "ms", "id", "vi", "hi"})
_VIETNAMESE = re.compile(
    r"(?<![\d.,])(\d{1,2})\s?(?:thang|thg|/)\s(?:gieng|chap|1[0-2]|[1-9])(?!\d)(?:,?\s(?:nam\s)?((?:19|"
    r"20)\d\d))?(?!\d)"
)
_CJK = re.compile(r"(?:\d{4}\s?[年년]\s?)?\d{1,2}\s?[月월]\s?\d{1,2}\s?[日일号號]")
_FULL = re.compile(r"(?<![\w.,/+-])(\d{1,4})([./-])( ?)(\d{1,2})\2\3(\d{1,4})(?![\d])(?![./,-]\d)")
_SHORT = re.compile(r"(?<![\w.,/:+$€£#-])(?<!\d )(\d{1,2})([./])( ?)(\d{1,2})(?![\w/%°])(?![.,:-]\d)(?! ?[€$£₽%x×])")
_WORD = re.compile(r"[^\W\d_]+")
_PREVIOUS = re.compile(r"([^\W\d_]+)[\s.,:()'\"-]{0,3}$")
_PREPOSITIONS = word_set(
    "on since by from until untill till before after dated due around about od do dnia dniu z ze przed po am vom "
    "seit bis ab zum den der dem le du au depuis des el del desde hasta antes dia em ate no op van sinds tot "
    "vanaf voor tgl tanggal pada sejak sampai hingga per dari yom يوم بتاريخ تاريخ في من قبل بعد منذ حتي لغايه "
    "الي لحد dne ode data datum dátum din pe pana la с до на по от від з fra til siden innen inden sedan pa "
    "alkaen asti mennessa στις απο μεχρι την ngay tarih tarihli tarihinde dal al entro il fino giorno date "
    "delivered delivery ordered bought placed received arrives arrive diterima tiba dzisiaj dzis kupion kupiony "
    "kupiona kupione zakupiony dostarczono zamowione fecha dato pvm paiva ημερομηνια ב מ עד מיום ביום תאריך "
    "bestellt gekauft geliefert geplant comprado entregado livre commande recu entregue acquistato consegnato "
    "besteld geleverd alindi mon tue tues wed thu thur thurs fri sat sun thang hari sebelum setelah harinya mulai "
    "bestilt kjopt kopt levert objednano"
)
_CLOCK = word_set(
    "at godz godzinie godzina godzine jam pukul pkl um uhr klo kl las alle ore ora orele saat om الساعه ساعه "
    "kello version wersja wersji versione v ver android ios firmware bluetooth usb hdmi art punkt pkt rozdzial "
    "ocena rating oceny score nota bintang size rozmiar ukuran taille grosse talla us uk eu st ul nr number jl "
    "blok house flat apt lok page str wifi dolby ddr x skala chapter part vol lt gang rt rw kav unit ratio"
)
"""Words after which two figures are a time, a version, a size, a mark or a house number."""


@cache
def _months() -> dict[str, frozenset[str]]:
    """Month names, inflected and abbreviated, and the languages that use them (CLDR via Babel)."""
    names: dict[str, set[str]] = {}
    for tag in _LOCALES.split():
        months = Locale.parse(tag).months
        language = tag.partition("_")[0]
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for name in months[context][width].values():
                    names.setdefault(fold_words(name).strip(".׳'॰ "), set()).add(language)
    for language, words in _MORE_MONTHS.items():
        for word in words.split():
            names.setdefault(word, set()).add(language)
    for pair in _PAIRED:
        names.setdefault(pair, set()).add("ar")
    return {name: frozenset(languages) for name, languages in names.items() if not any(map(str.isdigit, name))}


def find_dates(folded: FoldedText, locale: str | None) -> Iterator[Candidate]:
    """Days that the text names; weekdays alone, "tomorrow", "the 15th" and months without a day do not count."""
    language = re.split(r"[-_]", locale)[0].lower() if locale else None
    yield from _named(folded, language)
    for pattern in (_VIETNAMESE, _CJK):
        for match in pattern.finditer(folded.lower):
            yield Candidate(type="date", start=match.start(), end=match.end(), rank=Rank.MARKED)
    for match in _FULL.finditer(folded.text):
        if _is_day(match.group(1), match.group(4), match.group(5)):
            dot = match.group(2) == "." and len(match.group(1)) == 4  # Hungarian "2026. 11. 03."
            end = match.end() + (dot and INNER_DOT.match(folded.text, match.end()) is not None)
            yield Candidate(type="date", start=match.start(), end=end, rank=Rank.MARKED)
    for match in _SHORT.finditer(folded.text):
        if _is_short_day(folded, match, language):
            # "am 12.05. geliefert": the dot belongs to the day unless it ends the sentence.
            dot = match.group(2) == "." and INNER_DOT.match(folded.text, match.end()) is not None
            yield Candidate(type="date", start=match.start(), end=match.end() + dot, rank=Rank.SHAPED)


def _named(folded: FoldedText, language: str | None) -> Iterator[Candidate]:
    previous, previous_start, previous_end = "", 0, -2
    for match in _WORD.finditer(folded.lower):
        word, start = match.group(), match.start()
        if match.start() - previous_end <= 1 and f"{previous} {word}" in _months():
            word, start = f"{previous} {word}", previous_start
        previous, previous_start, previous_end = match.group(), match.start(), match.end()
        name = _month_of(word)
        if name is None:
            continue
        year = _YEAR_AFTER.match(folded.lower, start + len(name))
        if year is None and not _usable(name, language):
            continue
        yield from _around(folded, start, start + len(name), _months()[name])


def _month_of(word: str) -> str | None:
    """The month that a word begins with: as it stands, or before a case ending written onto it ("5 Mayısta")."""
    months = _months()
    if word in months:
        return word
    for size in range(len(word) - 1, max(4, len(word) - 5), -1):
        if months.get(word[:size], frozenset()) & _SUFFIXING:
            return word[:size]
    return None


def _usable(name: str, language: str | None) -> bool:
    if name not in _AMBIGUOUS:
        return True
    return name in _COMMON if language is None else language in _months()[name]


def _around(folded: FoldedText, start: int, end: int, languages: frozenset[str]) -> Iterator[Candidate]:
    """A day before the month ("12 de mayo de 2026"), or after it ("May 12, 2026", "2026. május 12")."""
    lower = folded.lower
    before = _DAY_BEFORE.search(lower[max(0, start - 14) : start])
    if before and 1 <= int(before.group(1)) <= 31:
        year = _YEAR_AFTER.match(lower, end)
        offset = max(0, start - 14)
        yield Candidate(type="date", start=offset + before.start(1), end=year.end(1) if year else end, rank=Rank.MARKED)
        return
    after = _DAY_AFTER.match(lower, end) if languages & _DAY_AFTER_LANGUAGES else None
    capital = folded.text[start : start + 1].isupper() or lower[start:end] not in {
        "may",
        "march",
        "mar",
        "mai",
        "mars",
        "mart",
    }
    if after and capital and 1 <= int(after.group(1)) <= 31:
        year = _YEAR_AFTER.match(lower, after.end())
        first = _YEAR_BEFORE.search(lower[max(0, start - 7) : start])
        begin = max(0, start - 7) + first.start(1) if first else start
        stop = year.end(1) if year else after.end()
        ending = _HUNGARIAN_ENDING.match(lower, stop) if "hu" in languages else None
        yield Candidate(type="date", start=begin, end=ending.end() if ending else stop, rank=Rank.MARKED)


def _is_day(first: str, middle: str, last: str) -> bool:
    """year-month-day, day-month-year or month-day-year, with a year of two or four digits."""
    if len(first) == 4:
        return 1900 <= int(first) <= 2100 and 1 <= int(middle) <= 12 and 1 <= int(last) <= 31
    if len(first) > 2 or len(last) not in {2, 4} or (len(last) == 4 and not 1400 <= int(last) <= 2100):
        return False
    low, high = sorted((int(first), int(middle)))
    return 1 <= low <= 12 and 1 <= high <= 31


def _is_short_day(folded: FoldedText, match: re.Match[str], language: str | None) -> bool:
    """Day and month in figures: taken after a word that dates begin with, or where no other reading is likely."""
    first, separator, _, second = match.groups()
    low, high = sorted((int(first), int(second)))
    if not (1 <= low <= 12 and 1 <= high <= 31) or (separator == "." and int(second) > 12):
        return False
    head = folded.lower[max(0, match.start() - 24) : match.start()]
    word = _PREVIOUS.search(head)
    previous = word.group(1) if word else ""
    if previous in _CLOCK or _followed_by_unit(folded.lower, match.end()):
        return False
    if previous in _PREPOSITIONS or previous[1:] in _PREPOSITIONS:
        return True
    if separator == ".":
        ordinal = INNER_DOT.match(folded.text, match.end()) is not None
        dotted = language in _DOTTED or (language is None and len(second) == 2)
        return dotted and (ordinal or (len(second) == 2 and not match.group(3)))
    if word and folded.text[max(0, match.start() - 24) + word.start(1)].isupper() and head[: word.start(1)].strip():
        return False  # a street and a house number: "Lipowa 8/14"
    return high > 10 and (first, second) != ("24", "7")


_UNITS = re.compile(
    r"\.?\s?(?:uhr|h|hrs?|am|pm|kg|g|mm|cm|m|km|l|ml|w|v|a|gb|tb|mb|ghz|mhz|hz|inch\w*|zoll|cali|cala|calowy|cal|"
    r"eur\w*|zl\w*|usd|lei|"
    r"kr|kc|tl|euro\w*|wib|wita|mah|x|oz|lbs?|ft|stars?|gwiazd\w*|bintang|sterne|estrellas|out|puan|mln|tys|mil|jt|"
    r"rb|juta|ribu|ampere|"
    r"volt|watt|liter|litr\w*|meter|метр\w*|литр\w*|кг|см|мм|руб\w*|грн|%|stelle|etoiles|ster\w*)(?![^\W_])"
)


def _followed_by_unit(lower: str, end: int) -> bool:
    return _UNITS.match(lower, end) is not None
