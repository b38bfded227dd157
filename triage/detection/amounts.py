"""Amounts of money: a number with its currency, before or after, in local and colloquial forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from triage.detection.folding import FoldedText, fold_words, word_set
from triage.detection.spans import INNER_DOT, Candidate, Rank

_SYMBOLS = "€$£¥₹₺₽₴₫₪₩₱฿₦₡₲₵₸₼₾﷼"
_CODES = (
    "usd eur gbp pln idr rp sar aed egp kwd qar omr bhd jod mad dzd tnd lbp iqd chf sek nok dkk czk huf ron rol "
    "bgn hrk rsd "
    "uah rub try myr rm sgd vnd thb php jpy cny rmb krw inr aud cad nzd hkd twd zar ngn kes ghs brl mxn ars clp "
    "cop pen ils "
    "nis bdt pkr lkr kzt byn gel isk"
)
_BEFORE = "rs dhs? kr sfr ksh tsh ugx"
_CAPITALS_ONLY = word_set("q try mad pen cop php ron rub thb isk sar sek rm")
_AFTER = """
    zl zlot\\w{0,4} pln\\w{0,2} groszy? euro\\w{0,5} eur\\w{0,2} dolar\\w{0,5} dollar\\w{0,3} bucks? quid
    pounds? sterling rupees? rupiah perak ringgit riyals? dirhams? dinars? lira\\w{0,3} lire tl leva kr kronor
    kroner kronur kroon korun\\w{0,3} kc forint\\w{0,4} ft lei leu leilor ron lv руб\\w{0,4} р грн грив\\w{0,4}
    доллар\\w{0,3} долар\\w{0,3} евро євро лв гривен\\w{0,2} тенге ευρω δολαρι\\w{0,3} dong vnd d pesos? soles
    reais rands? naira yen yuan francs? franken fr chf שקל\\w{0,3} שח ש"ח ש'ח ש״ח דולר יורו bob cents? centow
    centimos pence kn yuan baht ريال\\w{0,2} ر\\.?س ر\\.?ق ر\\.?ع ر\\.?ي رس درهم\\w{0,2} دراهم د\\.?ا د\\.?م
    د\\.?ك د\\.?ب د\\.?ج د\\.?ت د\\.?ع د\\.?ل دينار\\w{0,2} دنانير جنيه\\w{0,3} ج\\.?م ج ليره ليرات ل\\.?ل
    ل\\.?س دولار\\w{0,3} يورو اورو
"""
_NATION = (
    r"(?: (?:سعودي|قطري|عماني|يمني|مصري|اماراتي|مغربي|كويتي|اردني|بحريني|عراقي|تونسي|جزايري|"
    r"لبناني|سوري|امريكي|امريكيه)(?!\w))?"
)
_NUMBER = r"(?:\d{1,3}(?:[ .,']\d{3}){1,4}(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,3})?)(?:,-|\.-)?(?![\d])"
_MULTIPLIER = (
    r"(?: ?(?:rb|ribu|rban|jt|juta|jutaan|k|e|ezer|tys|tis|tsd|tausend|thousand|mil|mila|mille|тыс|тис|trieu|tr|nghin|"
    r"ngan|million|milion\w?|"
    r"millones|mio|mln|млн|bin|الف|الاف|مليون|миллион\w*)\.?(?![^\W\d_]))?"
)
_COLLOQUIAL = re.compile(
    rf"(?<![\w])(?<!\d[.,])({_NUMBER}) ?(?:rb|ribu|rban|jt|juta|jutaan|trieu|nghin|ngan)(?!\w)(?:an)?"
)
_THOUSANDS = re.compile(r"(?<![^\W_])(?<!\d[.,])\d{2,4}k(?![^\W_])|(?<![^\W_])\d{1,3}tr\d{1,3}(?![^\W_])")
_THOUSANDS_LANGUAGES = ("id", "ms", "vi")
_WHOLE = re.compile(r"(?<![\w.,:/+-])\d{1,3}(?:[ .]?\d{3}){0,2}(?:,-|:-)(?![\w-])")
_ABBREVIATED = re.compile(r"(?:kr|руб|р|грн|тыс|тис)$")
_COUNTED = re.compile(
    r" ?(?:rb |jt )?(?:orang|followers?|pengikut|subscribers?|subs|km|meter|langkah|views?|unit|pcs|poin|point|"
    r"likes?|kali|buah|"
    r"nguoi|lan|luot|tahun|pelanggan|produk|barang|member|thanh vien|ahli|peserta)(?!\w)"
)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """(currency first, number first); compiled on first use, since the alternations are long."""
    codes = "|".join(_CODES.split())
    before = "|".join([*_CODES.split(), *_BEFORE.split()])
    after = "|".join(sorted([*fold_words(" ".join(_AFTER.split())).split(), *_CODES.split()], key=len, reverse=True))
    # fold_words also lower-cases regex escapes such as \W, which is why the tables only use \w.
    first = re.compile(
        rf"(?:(?:(?<![a-z])(?:us|ca|au|nz|hk|nt|mx|r|a|c|s))?[{_SYMBOLS}]|(?<![^\W_])(?:{before})(?![a-z])\.?|"
        rf"(?<![^\W_])s/\.?|(?<![^\W_])q(?=\d\d)) ?"
        rf"({_NUMBER}{_MULTIPLIER})(?: ?(?:{codes})(?![^\W_]))?"
    )
    last = re.compile(
        rf"(?<![A-Za-z\d_])(?<!\d[.,:/])({_NUMBER}{_MULTIPLIER}) ?(?:(?:us|r|c|a)?[{_SYMBOLS}]|"
        rf"(?:{after})(?![^\W_]){_NATION})"
    )
    return first, last


def find_amounts(folded: FoldedText, locale: str | None = None) -> Iterator[Candidate]:
    """Numbers with a currency's sign, code or word; thousands words alone ("180rb", "1,5jt") are rupiah or dong."""
    first, last = _patterns()
    for match in first.finditer(folded.lower):
        yield from _candidate(folded, match.start(), match.end())
    for match in last.finditer(folded.lower):
        if not _is_unit(match.group()):
            yield from _candidate(folded, match.start(), match.end())
    for match in _WHOLE.finditer(folded.lower):
        yield from _candidate(folded, match.start(), match.end())
    if (locale or "").lower().startswith(_THOUSANDS_LANGUAGES):
        for match in _THOUSANDS.finditer(folded.lower):
            if not _COUNTED.match(folded.lower, match.end()):
                yield from _candidate(folded, match.start(), match.end())
    for match in _COLLOQUIAL.finditer(folded.lower):
        if not _COUNTED.match(folded.lower, match.end()):
            yield from _candidate(folded, match.start(), match.end())


def _is_unit(found: str) -> bool:
    """Feet are not forints, and "d" (what "đ" folds to) is dong only after grouped thousands."""
    return (found.endswith("ft") and sum(map(str.isdigit, found)) < 3) or (
        found.endswith("d")
        and not re.search(r"[.,]\d{3} ?(?:d|usd|vnd|cad|aud|sgd|hkd|nzd|jod|bhd|kwd|dzd|tnd|iqd|lbd)$", found)
        and not re.search(r"[a-z]{2}d$", found)
    )


def _candidate(folded: FoldedText, start: int, end: int) -> Iterator[Candidate]:
    while end > start and folded.lower[end - 1] in ". ":
        end -= 1
    if _ABBREVIATED.search(folded.lower, start, end) and INNER_DOT.match(folded.text, end):
        end += 1
    word = re.sub(r"[^A-Za-z]", "", folded.text[start:end])
    if word.lower() in _CAPITALS_ONLY and not word.isupper():
        return  # "try 3 times", "2 pen"
    if any(character.isdigit() for character in folded.lower[start:end]):
        yield Candidate(type="amount", start=start, end=end, rank=Rank.MARKED)
