"""What the pages say in words: times, numbers, languages and labels as the reader's language writes them, and a message
with its entities marked and its quotes folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent, is_currency
from babel.units import format_unit
from markupsafe import Markup, escape

from api.inbox import labels
from api.inbox.i18n import LABEL, N_, RIGHT_TO_LEFT, Sentence, locale, translations
from triage.text.quotes import own_words

_RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_FIGURE = re.compile(r"(?<=[\d\u2069]) (?=\D)")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SIZES = (("megabyte", 1_000_000), ("kilobyte", 1000), ("byte", 1))


@dataclass(frozen=True, kw_only=True)
class Clock:
    """When an answer is due, in words; ``kind`` is late, soon, running or none, for the eye."""

    words: str
    kind: str


class Wording:
    """The words of one language. Digits are 0-9 in Arabic too.

    Support software in Arabic shows 0-9: order numbers, prices and tracking numbers come so from every shop system, and a
    figure beside them in other digits could not be compared or searched at a glance. CLDR has the same for the Gulf and the
    Maghreb.
    """

    def __init__(self, language: str) -> None:
        self.language, self._locale, self._texts = language, locale(language), translations(language)
        self._comma = "، " if language == "ar" else ", "

    def sentence(self, value: object, **values: object) -> str:
        """A string marked by ``N_``, or a ``Sentence``, as plain text: nothing in it is taken for markup."""
        text: object = value
        if isinstance(value, Sentence):
            text, values = value.text, {**value.values, **values}
        said = self._texts.gettext(str(text)) if text else ""
        return said % self._written(values) if values else said.replace("%%", "%")

    def _written(self, values: Mapping[str, object]) -> dict[str, object]:
        return {
            name: self.number(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
            for name, value in values.items()
        }

    def words(self, name: str | Iterable[str] | None) -> str:
        """A label as people read it: ``delivery_late`` is ``delivery late``; of several labels a list."""
        if name is None or isinstance(name, str):
            return self._label(name or "")
        return self.listed(self._label(str(one)) for one in name)

    def listed(self, parts: Iterable[str]) -> str:
        """``a, b, c``, with the language's own comma."""
        return self._comma.join(parts)

    def _label(self, name: str) -> str:
        english = labels.english(name)
        found = self._texts.pgettext(LABEL, english) if english else ""
        if found != english:
            return found
        if parts := labels.policy_parts(name):
            whose, hours, working = self._label(parts[0]), self.number(float(parts[1])), parts[2]
            text = N_("%(whose)s, %(hours)s working hours") if working else N_("%(whose)s, %(hours)s h")
            return self.sentence(text, whose=whose, hours=hours)
        if said := labels.sentence_parts(name):
            return self.sentence(said[0], **{key: self._value(key, value) for key, value in said[1].items()})
        return english

    def _value(self, name: str, value: str) -> str:
        if name in {"language", "languages"}:
            return self.listed(self.language_name(code) for code in value.split(", "))
        return self._label(value) if name in {"channel", "kind"} else value

    def span(self, length: timedelta) -> str:
        """A length of time in at most two units: ``45 min``, ``3 h 20 min``, ``2 d 4 h``."""
        seconds = int(abs(length.total_seconds()))
        if seconds < _MINUTE:
            return self.sentence(N_("less than 1 min"))
        days, hours, minutes = seconds // _DAY, seconds % _DAY // _HOUR, seconds % _HOUR // _MINUTE
        if days:
            text = N_("%(days)s d %(hours)s h") if hours else N_("%(days)s d")
        elif hours:
            text = N_("%(hours)s h %(minutes)s min") if minutes else N_("%(hours)s h")
        else:
            text = N_("%(minutes)s min")
        # A line does not break between a figure and its unit.
        return _FIGURE.sub("\u00a0", self.sentence(text, days=days, hours=hours, minutes=minutes))

    def age(self, moment: datetime, now: datetime) -> str:
        """How long ago: ``3 h 20 min ago``."""
        if now - moment < timedelta(minutes=1):
            return self.sentence(N_("just now"))
        return self.sentence(N_("%(span)s ago"), span=self.span(now - moment))

    def clock(
        self, due: datetime | None, now: datetime, *, status: str = "open", warning: timedelta = timedelta(hours=2)
    ) -> Clock:
        """Time to breach: ``in 3 h 20 min``, ``late by 2 h``."""
        if due is None or status != "open":
            return Clock(words="", kind="none")
        if due < now:
            return Clock(words=self.sentence(N_("late by %(span)s"), span=self.span(now - due)), kind="late")
        said = self.sentence(N_("in %(span)s"), span=self.span(due - now))
        return Clock(words=said, kind="soon" if due - now < warning else "running")

    def utc(self, moment: datetime) -> str:
        """``23 Nov 2026, 14:05 UTC``."""
        return format_datetime(moment.astimezone(UTC), f"d MMM y{self._comma}HH:mm 'UTC'", locale=self._locale)

    def local(self, moment: datetime) -> str:
        """``Friday, 27 Nov 2026, 18:00`` on the moment's own clock."""
        return format_datetime(
            moment, f"EEEE{self._comma}d MMM y{self._comma}HH:mm", tzinfo=moment.tzinfo, locale=self._locale
        )

    def day(self, moment: date | datetime | str | None) -> str:
        """``23 Nov 2026``; takes a date, a moment or either as ISO 8601."""
        if moment is None:
            return ""
        if isinstance(moment, str):
            try:
                moment = date.fromisoformat(moment[:10])
            except ValueError:
                return str(moment)
        return format_date(moment, "d MMM y", locale=self._locale)

    def number(self, value: float) -> str:
        """``1,234.5`` with the language's separators."""
        return format_decimal(value, locale=self._locale)

    def percent(self, value: float, digits: int = 0) -> str:
        """A share of 1, with so many digits behind the point."""
        share = format_percent(round(value, 2 + digits), locale=self._locale, decimal_quantization=False)
        # Isolated, so that after an Arabic word too the sign stands behind the figure (Unicode, UAX 9: LRI and PDI).
        return f"\u2066{share}\u2069" if self.language in RIGHT_TO_LEFT else share

    def money(self, amount: str | Decimal, currency: str | None) -> str:
        """A decimal string in its currency (ISO 4217); as it stands where it is none."""
        try:
            value = Decimal(amount)
        except InvalidOperation:
            return f"{amount} {currency or ''}".strip()
        if not value.is_finite():
            return f"{amount} {currency or ''}".strip()
        if currency and is_currency(currency):
            return format_currency(value, currency, locale=self._locale)
        return f"{format_decimal(value, locale=self._locale)} {currency or ''}".strip()

    def size(self, count: int) -> str:
        """Bytes as people read them: ``12 kB``."""
        unit, length = next((unit, length) for unit, length in _SIZES if count >= length or length == 1)
        return format_unit(round(count / length), unit, length="short", locale=self._locale)

    def language_name(self, code: str | None) -> str:
        """A language's name; the code itself where it has none."""
        if not code or code == "und":
            return self.sentence(N_("unknown language"))
        return str(self._locale.languages.get(code, code))

    def own_name(self, code: str) -> str:
        """A language's name in itself, for a list from which people choose theirs: ``Deutsch``."""
        name = Locale.parse(code).get_display_name(code) or code
        return name[:1].upper() + name[1:]

    def marked(
        self, text: str, entities: Sequence[Mapping[str, Any]], start: int = 0, end: int | None = None
    ) -> Markup:
        """``text[start:end]`` with its entities marked; everything else escaped."""
        end = len(text) if end is None else end
        parts, last = [], start
        for entity in sorted(entities, key=lambda found: (found["start"], found["end"])):
            if entity["start"] < last or entity["end"] > end:
                continue
            kind, said = self.words(entity["type"]), text[entity["start"] : entity["end"]]
            parts += [escape(text[last : entity["start"]]), Markup('<mark title="{}">{}</mark>').format(kind, said)]
            last = entity["end"]
        return Markup("").join([*parts, escape(text[last:end])])


@cache
def wording(language: str) -> Wording:
    """The words of a page's language."""
    return Wording(language)


def direction(language: str | None) -> str:
    """``rtl`` or ``ltr``, by the language's usual script."""
    return "rtl" if (language or "").replace("_", "-").split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"


def cited(citations: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """What a draft cites of each article, in the order in which the draft does."""
    found: dict[str, list[str]] = {}
    for citation in citations:
        passages = found.setdefault(citation["article_id"], [])
        if citation["passage"] not in passages:
            passages.append(citation["passage"])
    return list(found.items())


def quoted_from(text: str) -> int:
    """Where the earlier mails begin that a reply carries at its end; the text's length where it carries none there.

    Only what stands as a whole at the end is folded: between answers that are written into a quote, it must stay.
    """
    words = own_words(text)
    if not words.quoted or words.only_quoted:
        return len(text)
    own, behind = _lines(words.text), {*_lines(words.quoted), *_lines(words.signature)}
    at = len(text)
    for line in reversed(text.splitlines(keepends=True)):
        bare = line.strip()
        if bare and (bare not in behind or bare in own):
            break
        at -= len(line)
    return at


def _lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines() if line.strip()}
