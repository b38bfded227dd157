"""What a text states in figures and addresses: links, e-mails, days, times, money, shares, durations, numbers, ids.

Each finding is normalised, so that ``1,5`` is ``1.5``, ``١٣ نوفمبر ٢٠٢٦`` is ``2026-11-13`` and ``two weeks`` is ``2 weeks``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from babel import Locale

from triage.drafting.folding import Folded, fold
from triage.drafting.vocabulary import Vocabulary, currencies, vocabulary

_FILLED = "\x00"
"""Stands for what has been read already, so that no figure is read twice."""

_NUM = r"(?<![\d.,])\d+(?:(?: (?=\d{3}(?!\d))|[.,'](?=\d))\d+)*"
_PLAIN = re.compile(r"(?<!\d)\d+(?:(?: (?=\d{3}(?!\d))|[.,'](?=\d))\d+)*")
_LINK = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,15}://|www\.|(?:javascript|data|mailto|tel|file):)[^\s<>\"']+"
    r"|(?<![\w@.-])(?:[a-z0-9](?:[\w-]{0,62}\.)){1,6}[a-z]{2,24}(?![\w@])(?:[/?#][^\s<>\"']*)?",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(r"\]\(\s*<?([^()\s<>]*)|^\s{0,3}\[[^\]\n]{1,200}\]:\s*(\S+)", re.MULTILINE)
_TRAILING = ".,;:!?)]}'\"،؛؟»…"
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
_PHONE = re.compile(r"(?<!\w)(?:\+|00|\(|0)\s?\(?\d(?:[ ()./-]{0,3}\d){5,14}(?!\w)")
_TIME = re.compile(
    r"(?<![\d.,])(?P<h>[01]?\d|2[0-3])(?::(?P<m>[0-5]\d)(?!\d))?"
    r"(?:\s?(?P<half>[ap])\.?m\.?(?![^\W\d_])|\s?(?P<mark>h|uhr)(?P<n>[0-5]\d)?(?![^\W_])|(?<=:\d\d))"
)
_ID = re.compile(r"(?<![a-z0-9])[a-z0-9]+(?:[-_/#][a-z0-9]+)*")
_NUMBERED = re.compile(r"\d{2,}(?:[-/_]\d{2,})+")
_LIST_MARK = re.compile(r"^[ \t]*\d{1,2}[.)](?=\s)", re.MULTILINE)
_ISO = re.compile(r"(?<!\d)((?:19|20)\d\d)[-./]\s?(\d{1,2})[-./]\s?(\d{1,2})(?!\d)")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})([./-])\s?(\d{1,2})\2\s?((?:19|20)\d\d|\d\d)(?!\d)")
_SHORT = re.compile(r"(?<![\d.,/])(\d{1,2})(?:/(\d{1,2})(?![\d/])|\.\s?(\d{1,2})\.(?!\d))")
_LOCALES = "en pl id ar ar_SY ar_MA ar_DZ de es fr pt it nl tr cs"


@dataclass(frozen=True, kw_only=True)
class Value:
    """``text[start:end]`` states ``says`` (any of them, where a form is ambiguous); as a source it also covers ``grants``."""

    kind: str
    start: int
    end: int
    says: frozenset[str]
    grants: frozenset[str]


def read_values(text: str, language: str) -> tuple[Value, ...]:
    """Everything that ``text`` states in figures, in order of place. Never raises; linear in ``text``."""
    reading = _Reading(fold(text), vocabulary(language), language)
    return tuple(sorted(reading.read(), key=lambda value: value.start))


def canonical(number: str) -> str:
    """One form for ``1.234,50``, ``1,234.5`` and ``1 234,5``; a form that is no number stays as it is.

    One separator before exactly three figures groups thousands, as no price or count is written with three decimals.
    """
    plain = number.replace(" ", "").replace("'", "")
    marks = [character for character in plain if character in ".,"]
    if not marks:
        return str(int(plain)) if len(plain) <= 30 else plain
    last = marks[-1]
    tail = plain.rpartition(last)[2]
    if len(set(marks)) == 2 and marks.count(last) == 1:
        other = "," if last == "." else "."
        plain = plain.replace(other, "").replace(last, ".")
    elif len(marks) == 1 and (len(tail) != 3 or plain.startswith("0")):
        plain = plain.replace(last, ".")
    elif len(set(marks)) == 1 and len(tail) == 3:
        plain = plain.replace(last, "")
    else:
        return number
    return f"{Decimal(plain).normalize():f}" if len(plain) <= 30 else plain


class _Reading:
    """One pass over one text; each reader blanks what it took."""

    def __init__(self, folded: Folded, words: Vocabulary, language: str) -> None:
        self._folded, self._words, self._language = folded, words, language
        self._rest = folded.text

    def read(self) -> Iterator[Value]:
        yield from self._links()
        number = rf"(?:{_NUM}|(?<!\w)(?:{self._words.number}))"
        money = currencies()[0].pattern
        yield from self._each("email", _EMAIL, lambda m: ({f"email:{m.group()}"}, set()))
        yield from self._dates()
        yield from self._each("time", _TIME, _time)
        yield from self._each(
            "amount",
            re.compile(rf"(?<![^\W\d_])(?P<a>{money})\.?\s?(?P<x>{_NUM})|(?P<y>{number})\s?(?P<b>{money})"),
            self._amount,
        )
        yield from self._each(
            "percentage",
            re.compile(
                rf"(?P<x>{number})\s?(?:%|{self._words.percent})|(?:%|(?<!\w)(?:{self._words.percent}))\s?(?P<y>{_NUM})"
            ),
            lambda m: ({f"percentage:{self._number(m['x'] or m['y'])}"}, set()),
        )
        yield from self._durations(number)
        yield from self._weekdays()
        self._fill(match.span() for match in _LIST_MARK.finditer(self._rest))
        yield from self._each("phone", _PHONE, _phone)
        yield from self._each("id", _ID, _identifier)
        yield from self._each("number", _PLAIN, _plain)

    def _each(
        self, kind: str, pattern: re.Pattern[str], read: Callable[[re.Match[str]], tuple[set[str], set[str]] | None]
    ) -> Iterator[Value]:
        taken = []
        for match in pattern.finditer(self._rest):
            found = read(match)
            if found is not None:
                taken.append(match.span())
                yield self._value(kind, match.start(), match.end(), *found)
        self._fill(taken)

    def _fill(self, spans: Iterable[tuple[int, int]]) -> None:
        """Blank ``spans``, which are in order and apart."""
        pieces, last = [], 0
        for start, end in spans:
            pieces += [self._rest[last:start], _FILLED * (end - start)]
            last = end
        self._rest = "".join([*pieces, self._rest[last:]])

    def _value(self, kind: str, start: int, end: int, says: set[str], grants: set[str]) -> Value:
        first, last = self._folded.span(start, end)
        return Value(kind=kind, start=first, end=last, says=frozenset(says), grants=frozenset(says | grants))

    def _links(self) -> Iterator[Value]:
        targets = [match.span(1 if match[1] is not None else 2) for match in _MARKDOWN.finditer(self._rest)]
        taken = [(start, end) for start, end in targets if end > start]
        yield from (self._link(start, end) for start, end in taken)
        self._fill(taken)
        taken = []
        for match in _LINK.finditer(self._rest):
            start, end = match.span()
            while end > start + 1 and self._rest[end - 1] in _TRAILING:
                end -= 1
            first, last = self._folded.span(start, end)
            if _is_link(self._folded.source[first:last]):
                taken.append((start, end))
                yield self._link(start, end)
        self._fill(taken)

    def _link(self, start: int, end: int) -> Value:
        first, last = self._folded.span(start, end)
        scheme, separator, rest = self._folded.source[first:last].rstrip("/").partition("://")
        if not separator:
            scheme, rest = "https", scheme
        host, slash, path = rest.partition("/")
        host = host.lower().removeprefix("www.")
        return self._value("link", start, end, {f"link:{scheme.lower()}://{host}{slash}{path}"}, set())

    def _number(self, written: str) -> str:
        known = self._words.numbers.get(" ".join(written.split()))
        return str(known) if known is not None else canonical(written)

    def _amount(self, match: re.Match[str]) -> tuple[set[str], set[str]]:
        money, number = match["a"] or match["b"], match["x"] or match["y"]
        value = self._number(number)
        return {f"amount:{value}:{code}" for code, form in currencies()[1].items() if form.fullmatch(money)}, set()

    def _durations(self, number: str) -> Iterator[Value]:
        for unit, form in self._words.duals.items():
            yield from self._each("duration", form, lambda m, unit=unit: _spell("2", None, unit))  # type: ignore[misc]
        range_ = rf"(?:\s?-\s?|\s(?:{self._words.join})\s?)"
        pattern = re.compile(
            rf"(?P<a>{number})(?:{range_}(?P<b>{number}))?(?:[\s-]?|(?<=\d)\s[^\W\d_]{{2,12}}\s)(?P<unit>{self._words.unit})"
        )
        yield from self._each("duration", pattern, self._duration)

    def _duration(self, match: re.Match[str]) -> tuple[set[str], set[str]] | None:
        units = [unit for unit, form in self._words.units.items() if form.fullmatch(match["unit"])]
        if not units:
            return None
        upper = self._number(match["b"]) if match["b"] else None
        return _spell(self._number(match["a"]), upper, units[0])

    def _dates(self) -> Iterator[Value]:
        months = _months(self._language)
        names = "|".join(sorted(map(re.escape, months), key=len, reverse=True))
        name = rf"(?<![^\W\d_])(?P<m>{names})(?![^\W\d_])\.?"
        day = r"(?<!\d)(?P<d>\d{1,2})(?:st|nd|rd|th|er|[.oa])?(?:\s(?:of|de|del|di|van|من|شهر))?[\s-]?"
        year = r"(?:,?[\s-](?:de\s|del\s|do\s|عام\s|سنة\s)?(?P<y>(?:19|20)\d\d)(?!\d))?"
        yield from self._each("date", _ISO, lambda m: _days([(m[1], m[2], m[3])]))
        yield from self._each("date", _NUMERIC, self._numeric)
        for pattern in (rf"{day}{name}{year}", rf"{name}\s(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?!\d){year}"):
            yield from self._each(
                "date", re.compile(pattern), lambda m: _days([(m["y"], str(k), m["d"]) for k in months[m["m"]]])
            )
        yield from self._each(
            "date",
            re.compile(rf"{name}\s(?:de\s|del\s)?(?P<y>(?:19|20)\d\d)(?!\d)"),
            lambda m: ({f"date:{m['y']}-{k:02}" for k in months[m["m"]]}, set()),
        )
        yield from self._each("date", _SHORT, lambda m: _days([(None, m[2] or m[3], m[1])]))

    def _weekdays(self) -> Iterator[Value]:
        # "Minggu" is Sunday, "minggu" a week.
        unit = re.compile(self._words.unit)
        weekdays = {name: numbers for name, numbers in _weekdays().items() if not unit.fullmatch(name)}
        names = "|".join(sorted(map(re.escape, weekdays), key=len, reverse=True))
        yield from self._each(
            "date",
            re.compile(rf"(?<![^\W\d_])(?:{names})(?![^\W\d_])"),
            lambda m: ({f"weekday:{k}" for k in weekdays[m.group()]}, set()),
        )

    def _numeric(self, match: re.Match[str]) -> tuple[set[str], set[str]] | None:
        first, mark, second, year = match.groups()
        year = year if len(year) == 4 else f"20{year}"
        orders = [(year, second, first)]
        if mark != "." and self._language == "en":
            orders.append((year, first, second))
        return _days(orders)


def _is_link(written: str) -> bool:
    """Whether it has a scheme, or ends its host name in one case: "Frist.Bitte" only lacks a space."""
    ending = re.split(r"[/?#]", written)[0].rpartition(".")[2]
    return ":" in written or ending in {ending.lower(), ending.upper()}


def _days(candidates: list[tuple[str | None, str, str]]) -> tuple[set[str], set[str]] | None:
    """ISO 8601 for (year, month, day); a source that gives the year also covers the day without it."""
    says, grants = set(), set()
    for year, month, day in candidates:
        try:
            found = date(int(year or 2024), int(month), int(day))  # a leap year, for 29 February
        except ValueError:
            continue
        short = f"date:--{found.month:02}-{found.day:02}"
        says.add(f"date:{found.isoformat()}" if year else short)
        grants.add(short)
    return (says, grants) if says else None


def _spell(lower: str, upper: str | None, unit: str) -> tuple[set[str], set[str]]:
    """A source's "3 to 5 days" covers "within 5 days", never "within 3 days"."""
    if upper is None:
        return {f"duration:{lower}:{unit}"}, {f"number:{lower}"}
    return {f"duration:{lower}-{upper}:{unit}"}, {f"duration:{upper}:{unit}", f"number:{lower}", f"number:{upper}"}


def _time(match: re.Match[str]) -> tuple[set[str], set[str]]:
    """On a clock of 24 hours; "24 h" may as well be how long something takes."""
    hour, minute = int(match["h"]), match["m"] or match["n"] or "00"
    if match["half"]:
        hour = hour % 12 + (12 if match["half"] == "p" else 0)
    says = {f"time:{hour}:{minute}"}
    return (says | {f"duration:{match['h']}:hour"} if match["mark"] == "h" and not match["n"] else says), set()


def _phone(match: re.Match[str]) -> tuple[set[str], set[str]]:
    return {f"digits:{_digits(match.group())}"}, set()


def _identifier(match: re.Match[str]) -> tuple[set[str], set[str]] | None:
    """Letters and figures in one word ("TM-10428"), or groups of figures ("402-1234567")."""
    written = match.group()
    if not re.search(r"\d", written) or not (re.search(r"[a-z]", written) or _NUMBERED.fullmatch(written)):
        return None
    says = {f"id:{written}"}
    digits = _digits(written)
    if len(digits) >= 7 and not re.search(r"[a-z]", written):
        says.add(f"digits:{digits}")
    ordinal = re.fullmatch(r"(\d+)-?[a-z]{1,12}", written)
    return (says | {f"number:{canonical(ordinal[1])}"} if ordinal else says), set()


def _plain(match: re.Match[str]) -> tuple[set[str], set[str]]:
    digits = _digits(match.group())
    says = {f"number:{canonical(match.group())}"}
    if clock := re.fullmatch(r"([01]?\d|2[0-3])\.([0-5]\d)", match.group()):
        says.add(f"time:{int(clock[1])}:{clock[2]}")
    return says | ({f"digits:{digits}"} if len(digits) >= 7 else set()), set()


def _digits(written: str) -> str:
    return "".join(character for character in written if character.isdigit()).removeprefix("00")


@cache
def _months(language: str) -> dict[str, frozenset[int]]:
    """Folded names of months (CLDR via Babel), abbreviated ones only of ``language``: elsewhere they are plain words."""
    months: dict[str, set[int]] = {}
    for tag in _LOCALES.split():
        table = Locale.parse(tag).months
        own = tag.partition("_")[0] == language
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated") if own else ("wide",):
                for number, name in table[context][width].items():
                    months.setdefault(fold(name).text.strip("."), set()).add(number)
    return {name: frozenset(numbers) for name, numbers in months.items() if not any(map(str.isdigit, name))}


@cache
def _weekdays() -> dict[str, frozenset[int]]:
    weekdays: dict[str, set[int]] = {}
    for tag in _LOCALES.split():
        for number, name in Locale.parse(tag).days["stand-alone"]["wide"].items():
            weekdays.setdefault(fold(name).text, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in weekdays.items()}
