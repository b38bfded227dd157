"""The pages in seven languages: whole catalogues, right plurals, and words that fit the reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from jinja2 import nodes

from api.inbox import labels
from api.inbox.i18n import LANGUAGES, LOCALES, Sentence, locale, negotiate, translations
from api.inbox.rendering import _environment, page
from api.inbox.wording import wording
from tools.messages import PLURALS, catalogue, extracted
from triage.channels.policies import ChannelPolicies
from triage.conversations.circumstances import circumstances
from triage.drafting.lint import lint
from triage.types import Author, InboundMessage, Order, ThreadMessage

TEMPLATES = LOCALES.parent / "templates"
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
FOREIGN = LANGUAGES[1:]
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?(.)")
_DATA = re.compile(r"^\w+(?:,\w+)+\n.*|^x-\w+$|\b[A-Z]{2,}\b|\{.*\}|\S*[./@_:={}]\S*", re.DOTALL)
"""What a template may show as it stands: addresses, paths of fields, samples of JSON and CSV, codes in capitals."""
_TAG = re.compile(r"</?(\w+)")


@pytest.fixture(scope="module")
def template() -> Catalog:
    return extracted()


def _key(message: Any) -> tuple[str | None, str]:
    return message.context, message.id if isinstance(message.id, str) else message.id[0]


def _forms(message: Any) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


@pytest.mark.parametrize("language", FOREIGN)
def test_every_string_of_the_pages_is_in_the_catalogue_and_nothing_else(language: str, template: Catalog) -> None:
    found = catalogue(language)
    assert {_key(m) for m in template if m.id} - {_key(m) for m in found if m.id} == set(), (
        "run python -m tools.messages"
    )
    assert {_key(m) for m in found if m.id} - {_key(m) for m in template if m.id} == set(), (
        "run python -m tools.messages"
    )
    assert not found.obsolete, "run python -m tools.messages --prune"


@pytest.mark.parametrize("language", FOREIGN)
def test_every_string_is_translated_in_every_plural_form(language: str) -> None:
    forms = int(PLURALS[language].removeprefix("nplurals=")[0])
    open_ones = []
    for message in catalogue(language):
        wanted = forms if isinstance(message.id, tuple | list) else 1
        if message.id and (len(_forms(message)) != wanted or not all(form.strip() for form in _forms(message))):
            open_ones.append(_key(message))
    assert open_ones == []


@pytest.mark.parametrize("language", FOREIGN)
def test_translations_keep_placeholders_and_tags(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        sources = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        if not all(_forms(message)):
            continue
        names = {name for source in sources for name, _ in _PLACEHOLDER.findall(source) if name}
        for form in _forms(message):
            used = _PLACEHOLDER.findall(form)
            assert all(kind in "s%d" for _, kind in used), (message.id, form)
            # The dual and the singular may say the number in a word.
            spared = {"n", "num", "count"} if len(sources) > 1 else set()
            assert names - spared <= {name for name, _ in used if name} <= names, (message.id, form)
            assert sorted(_TAG.findall(form)) in [sorted(_TAG.findall(source)) for source in sources], (
                message.id,
                form,
            )
            assert form.strip() == form or message.id != str(message.id).strip(), (message.id, form)


@pytest.mark.parametrize("language", FOREIGN)
def test_no_catalogue_is_english_with_another_name(language: str) -> None:
    told = [m for m in catalogue(language) if m.id and isinstance(m.id, str)]
    # Units and names may be the same; a sentence is not.
    same = [m.id for m in told if m.id == m.string and len(re.sub(r"%\(\w+\)s|[^a-z]", "", m.id)) > 12]
    assert same == []


class _Visible(HTMLParser):
    """Text that people see, and attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside.append(tag)
        shown = {"aria-label", "title", "placeholder", "alt", "label", "aria-description"}
        self.found += [value for name, value in attrs if name in shown and value]

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"kbd", "code", "script", "style"} & set(self._inside[-1:]):
            self.found.append(data)


def _literals(node: nodes.Node) -> Iterator[str]:
    """Strings that an expression prints as they are: ``{{ "open" if x else "closed" }}``."""
    match node:
        case nodes.Const(value=str() as text):
            yield text
        case nodes.CondExpr():
            yield from _literals(node.expr1)
            if node.expr2 is not None:
                yield from _literals(node.expr2)
        case nodes.Or() | nodes.Add() | nodes.And():
            yield from _literals(node.left)
            yield from _literals(node.right)
        case nodes.Concat():
            for part in node.nodes:
                yield from _literals(part)


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.relative_to(TEMPLATES).as_posix()
)
def test_templates_say_nothing_that_is_not_translated(path: Path) -> None:
    environment = _environment("en")
    tree = environment.parse(path.read_text(encoding="utf-8"))
    text, bare = "", []
    for output in tree.find_all(nodes.Output):
        for part in output.nodes:
            if isinstance(part, nodes.TemplateData):
                text += part.data
            else:
                text += "0"
                bare += [
                    said for said in _literals(part) if re.search(r"[A-Z][a-z]|[a-z] [a-z]", said) and '="' not in said
                ]
    visible = _Visible()
    visible.feed(text)
    bare += [said.strip() for said in visible.found if re.search(r"[A-Za-z]{2}", _DATA.sub("", said))]
    assert bare == [], 'write it as _("…")'


def test_a_value_is_text_whatever_a_template_does_with_it() -> None:
    environment = _environment("de")
    assert environment.from_string("{{ _(value) }}").render(value="<b>50 % off</b>") == "&lt;b&gt;50 % off&lt;/b&gt;"
    said = Sentence("<b>%(name)s</b>", name="<i>")
    assert environment.from_string("{{ _(value) }}").render(value=said) == "&lt;b&gt;&lt;i&gt;&lt;/b&gt;"
    literal = environment.from_string('{{ _("<kbd>%(key)s</kbd>", key=value) }}').render(value="<i>")
    assert literal == "<kbd>&lt;i&gt;</kbd>"


def test_the_page_says_its_language_and_direction() -> None:
    def shown(language: str) -> str:
        seat = SimpleNamespace(
            may=lambda role: True,
            places=(),
            ui_language=language,
            form_token="t",
            login="anna",
            name="Anna",
            role="admin",
            workspace_id="demo",
        )
        return bytes(page("missing.html", seat, words="There is no such message here").body).decode()  # type: ignore[arg-type]

    assert '<html lang="en" dir="ltr">' in shown("en")
    assert "There is no such message here" in shown("en")
    arabic = shown("ar")
    assert '<html lang="ar" dir="rtl">' in arabic
    assert "There is no such message here" not in arabic
    assert '<html lang="en" dir="ltr">' in shown("tlh"), "a language without a catalogue is English"


def test_values_in_a_right_to_left_sentence_keep_their_own_direction() -> None:
    said = wording("ar").words("amazon_24h")
    assert "\u2068Amazon\u2069" in said
    assert wording("ar").percent(0.5).startswith("\u2066")
    shown = _environment("ar").from_string('{{ _("Order %(number)s", number=number) }}').render(number="TM-1")
    assert "\u2068TM-1\u2069" in shown
    assert 'href="\u2068' not in "".join(str(text) for text in translations("ar")._catalog.values())  # type: ignore[attr-defined]


def test_plural_rules_are_the_languages_own() -> None:
    def form(language: str, number: int) -> int:
        found = translations(language)
        return found.plural(number)  # type: ignore[attr-defined, no-any-return]

    assert [form("ar", n) for n in (0, 1, 2, 3, 10, 11, 99, 100, 102, 103)] == [0, 1, 2, 3, 3, 4, 4, 5, 5, 3]
    assert [form("pl", n) for n in (1, 2, 4, 5, 12, 22, 25)] == [0, 1, 1, 2, 2, 1, 2]
    assert [form("fr", n) for n in (0, 1, 2)] == [0, 0, 1]
    assert [form("id", n) for n in (1, 2)] == [0, 0]


def test_times_and_numbers_are_written_as_the_language_writes_them() -> None:
    assert wording("en").age(NOW - timedelta(minutes=200), NOW) == "3\xa0h 20\xa0min ago"
    assert wording("en").clock(NOW + timedelta(days=2, hours=4), NOW).words == "in 2\xa0d 4\xa0h"
    assert wording("en").utc(NOW) == "23 Nov 2026, 14:05 UTC"
    assert wording("en").day("2026-11-23T10:00:00Z") == "23 Nov 2026"
    assert wording("de").number(12345.5) == "12.345,5"
    assert wording("de").percent(0.745) == "74\xa0%"
    assert wording("en").percent(0.745, 1) == "74.5%"
    assert wording("pl").money("1234.50", "PLN") == "1\xa0234,50\xa0zł"
    assert wording("en").money("around ten", None) == "around ten"
    assert wording("de").clock(NOW - timedelta(hours=2), NOW).kind == "late"
    for language in LANGUAGES:
        said = [wording(language).age(NOW - timedelta(minutes=m), NOW) for m in (0, 5, 65, 120, 1500, 2880)]
        assert len(set(said)) == 6
        written = [*said, wording(language).utc(NOW), wording(language).number(1234)]
        assert not re.search(r"[٠-٩]", "".join(written)), "digits are 0-9, as in order numbers"


def test_names_of_the_domain_are_known_in_every_language() -> None:
    for language in FOREIGN:
        for name in labels.names():
            english = labels.english(name)
            assert translations(language).pgettext("label", english), (language, name)
    assert wording("en").words("delivery_late") == "delivery late"
    assert wording("de").words("delivery_late") != "delivery late"
    assert wording("de").words("a_name_nobody_knows") == "a name nobody knows"
    assert wording("en").words(["delivery_late", "out_of_scope"]) == "delivery late, something else"
    assert "،" in wording("ar").words(["delivery_late", "damaged_item"])
    assert wording("en").words(None) == ""


def test_clock_names_are_said_in_words() -> None:
    assert wording("en").words("amazon_24h") == "Amazon, 24 h"
    assert wording("en").words("critical_1.5h_working") == "critical, 1.5 working hours"
    assert "Amazon" in wording("pl").words("amazon_24h")


def test_what_the_domain_says_in_english_is_said_in_the_readers_language() -> None:
    policies = ChannelPolicies()
    text = "Write to me at anna@shop.example or see https://shop.example, the invoice is attached. " + "long " * 900
    found = [w.detail for channel in ("ebay", "amazon", "sms", "x") for w in lint(text, policies[channel])]
    late = Order(id="1", status="paid", promised_by=NOW - timedelta(days=1))
    for contacts in range(1, 8):
        thread = (ThreadMessage(author=Author.CUSTOMER, text="Hello?"),) * contacts
        found += circumstances(InboundMessage(text="Hello?", order=late, thread=thread), NOW)
    assert len(set(found)) > 10
    for detail in found:
        assert (
            wording("en").words(detail) == re.sub(r"^\w+(?= allows)", lambda m: labels.english(m[0]), detail)
            or "of" in detail
        )
        assert wording("fr").words(detail) != detail, detail
    assert "polski" in wording("pl").words("the reply should be in pl; parts are in en, de")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("pl", "pl"), ("ar-EG,ar;q=0.9,en;q=0.5", "ar"), ("ja, de;q=0.3, fr;q=0.7", "fr"), ("in-ID", "id"), ("", "en"),
        (None, "en"), ("ja", "en"), ("*", "en"), ("de;q=0", "en"), ("de;q=x, es", "es"), (",;q=1,,", "en"),
        ("fr;q=2, de", "de"),
    ],
)  # fmt: skip
def test_a_browsers_language_is_taken_where_the_pages_speak_it(header: str | None, language: str) -> None:
    assert negotiate(header) == language


def test_every_language_has_data_of_its_own() -> None:
    assert {locale(language).language for language in LANGUAGES} == set(LANGUAGES)
    assert [wording("en").own_name(language) for language in ("de", "ar", "id")] == ["Deutsch", "العربية", "Indonesia"]
