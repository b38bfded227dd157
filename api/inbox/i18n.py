"""The pages' seven languages: gettext catalogues that ship as text (``locales/*.po``), and how one is chosen.

English is the source: a string is its own name. ``python -m tools.messages`` brings the catalogues up to date.
"""

from __future__ import annotations

import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("en", "pl", "id", "ar", "de", "es", "fr")
LABEL = "label"
"""The gettext context of names out of the taxonomy and of states, which are no sentences."""
RIGHT_TO_LEFT = frozenset({"ar"})
LOCALES = Path(__file__).parent / "locales"
_VALUE = re.compile(r'(?<!=")%\(\w+\)s')
"""A placeholder that is shown; in an attribute such as an address it stays as it is."""


def N_(text: str) -> str:
    """Marks a string for the catalogues where it is written; the template translates it where it is shown: ``_(value)``."""
    return text


class Sentence:
    """A marked string with the values of its placeholders; a template shows it by ``_(value)``.

    Args:
        text: ``N_("%(count)s rows were read")``.
        values: numbers are written as the reader's language writes them, all else as it is.
    """

    def __init__(self, text: str, **values: object) -> None:
        self.text, self.values = text, values

    def __str__(self) -> str:
        return self.text % self.values


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of ``language``; English, and every language that the pages do not speak, say what the source says.

    The .po file is compiled in memory, so plural rules are the file's own (six forms in Arabic, three in Polish).
    """
    path = LOCALES / f"{language}.po"
    if language not in LANGUAGES or not path.exists():
        return NullTranslations()
    with path.open("rb") as source:
        catalogue = read_po(source, locale=language)
    if language in RIGHT_TO_LEFT:
        _isolate(catalogue)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _isolate(catalogue: Catalog) -> None:
    """Puts every value that a sentence takes in between FSI and PDI (Unicode, UAX 9), as an order number or a name in Latin
    letters would otherwise pull the words and signs beside it to its other side."""
    for message in catalogue:
        forms = (message.string,) if isinstance(message.string, str) else message.string or ()
        isolated = tuple(_VALUE.sub("\u2068\\g<0>\u2069", form) for form in forms)
        message.string = isolated if isinstance(message.id, tuple | list) else isolated[0]


@cache
def locale(language: str) -> Locale:
    """CLDR's data of a page's language. English dates stand as in Britain: day before month, as in the other six."""
    return Locale.parse({"en": "en_GB"}.get(language, language) if language in LANGUAGES else "en_GB")


def negotiate(accept_language: str | None) -> str:
    """The first of ``LANGUAGES`` that a browser's Accept-Language asks for (RFC 9110, 12.5.4), English where none is."""
    asked: list[tuple[float, int, str]] = []
    for place, part in enumerate((accept_language or "")[:1000].split(",")):
        tag, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        language = tag.strip().lower().split("-")[0]
        # ISO 639-1 withdrew "in" for Indonesian in 1989; old Java and Android still send it.
        language = "id" if language == "in" else language
        if language in LANGUAGES and 0 < quality <= 1:
            asked.append((-quality, place, language))
    return min(asked)[2] if asked else LANGUAGES[0]
