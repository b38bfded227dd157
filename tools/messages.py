"""Brings the catalogues of the inbox up to date with its templates and its marked strings.

    python -m tools.messages            what is new stands untranslated in every catalogue, what is gone is marked obsolete
    python -m tools.messages --prune    leaves out what is gone

Translations are written into ``api/inbox/locales/*.po`` by hand, with any editor for gettext files.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from api.inbox import labels
from api.inbox.i18n import LABEL, LANGUAGES, LOCALES

INBOX = LOCALES.parent
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}
_KEYWORDS = {
    "_": None, "gettext": None, "N_": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
_MARK = ["Translators:"]
PLURALS = {
    "pl": "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);",
    "id": "nplurals=1; plural=0;",
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
    "de": "nplurals=2; plural=(n != 1);",
    "es": "nplurals=2; plural=(n != 1);",
    "fr": "nplurals=2; plural=(n > 1);",
}
"""As gettext's manual has them; Babel numbers two of Arabic's six forms the other way round."""


def extracted() -> Catalog:
    """Every string that the pages can show: of the templates, of Python's ``N_``, and the domain's names."""
    found = Catalog()
    for name, _, message, comments, context in extract_from_dir(INBOX, _METHODS, _OPTIONS, _KEYWORDS, _MARK):
        place = [(f"api/inbox/{Path(name).as_posix()}", None)]
        found.add(message, locations=place, auto_comments=comments, context=context)  # type: ignore[arg-type]
    for label in labels.names():
        found.add(labels.english(label), context=LABEL)
    return found


def catalogue(language: str) -> Catalog:
    """The file as it stands; an empty one where there is none."""
    path = LOCALES / f"{language}.po"
    text = path.read_bytes() if path.exists() else _header(language).encode()
    return read_po(BytesIO(text), locale=language)


def updated(language: str, template: Catalog) -> Catalog:
    """The language's catalogue with the strings of ``template`` and the translations that it has of them."""
    found = catalogue(language)
    # A guess that nobody has read is worse than an open entry: no fuzzy matches.
    found.update(template, no_fuzzy_matching=True)
    return found


def write(language: str, catalogue: Catalog, *, prune: bool = False) -> None:
    """Without Babel's own header, whose dates would change with every run."""
    body = BytesIO()
    write_po(
        body, catalogue, width=100, omit_header=True, sort_by_file=True, include_lineno=False, ignore_obsolete=prune,
    )  # fmt: skip
    text = _header(language) + "\n" + body.getvalue().decode("utf-8").strip() + "\n"
    (LOCALES / f"{language}.po").write_text(text, encoding="utf-8")


def _header(language: str) -> str:
    name = Locale.parse(language).get_display_name("en")
    return (
        f'# The inbox in {name}.\nmsgid ""\nmsgstr ""\n"Language: {language}\\n"\n'
        f'"Plural-Forms: {PLURALS[language]}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    )


def main(arguments: list[str]) -> int:
    template = extracted()
    for language in LANGUAGES[1:]:
        found = updated(language, template)
        write(language, found, prune="--prune" in arguments)
        open_ones = sum(1 for message in found if message.id and not _translated(message.string))
        print(f"{language}: {len(found)} strings, {open_ones} not translated, {len(found.obsolete)} obsolete")
    return 0


def _translated(string: str | tuple[str, ...] | list[str]) -> bool:
    return bool(string) if isinstance(string, str) else bool(string) and all(string)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
