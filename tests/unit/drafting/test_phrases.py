from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from triage.drafting.approach import plans as read_plans
from triage.drafting.phrases import load_phrases, placeholders
from triage.errors import ConfigurationError
from triage.models.taxonomy import INTENTS

PHRASES = files("triage.drafting") / "phrases"
LANGUAGES = sorted(p.name.removesuffix(".yaml") for p in PHRASES.iterdir() if p.name.endswith(".yaml"))
INFORMAL = sorted(p.name.removesuffix(".yaml") for p in (PHRASES / "informal").iterdir())
TWELVE = ("en", "pl", "id", "ar", "de", "es", "fr", "pt", "it", "nl", "tr", "cs")


def test_the_twelve_languages_are_there() -> None:
    assert set(TWELVE) <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_phrase_and_placeholder(language: str) -> None:
    phrases = load_phrases(language)
    assert phrases is not None
    assert phrases.language == language
    english = load_phrases("en")
    assert english is not None
    if language != "en":
        shared = [key for key, text in phrases.flat().items() if text == english.flat()[key] and key != "language"]
        assert shared == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_asks_for_details_in_private_too(language: str) -> None:
    rows = yaml.safe_load((files("triage.drafting") / "phrases" / f"{language}.yaml").read_text(encoding="utf-8"))
    assert list(rows)[list(rows).index("ask") + 1] == "ask_privately"
    phrases = load_phrases(language)
    assert phrases is not None
    assert phrases.ask_privately == rows["ask_privately"]
    assert placeholders(rows["ask_privately"]) == {"items"}
    assert rows["ask_privately"] != rows["ask"]


def test_every_plan_uses_phrases_that_exist() -> None:
    english = load_phrases("en")
    assert english is not None
    plans = read_plans()
    assert set(plans) - {"default", "critical", "general"} <= set(INTENTS)
    assert set(plans["general"]) <= set(english.acknowledge)
    for name, plan in plans.items():
        if name not in {"critical", "general"}:
            assert plan["acknowledge"] in english.acknowledge
            assert set(plan.get("needs", ())) <= set(english.items)
    assert set(plans["critical"]) <= set(english.acknowledge)


def test_a_workspace_adds_a_language_of_its_own(tmp_path: Path) -> None:
    source = (files("triage.drafting") / "phrases" / "en.yaml").read_text(encoding="utf-8")
    (tmp_path / "eo.yaml").write_text(source.replace("language: en", "language: eo"), encoding="utf-8")
    phrases = load_phrases("eo", tmp_path)
    assert phrases is not None
    assert phrases.language == "eo"
    assert load_phrases("xx", tmp_path) is None


@pytest.mark.parametrize(
    "fault",
    ["missing key", "lost placeholder", "lost private one", "empty private one", "unknown key", "empty", "not yaml"],
)
def test_a_faulty_file_is_named(tmp_path: Path, fault: str) -> None:
    rows = yaml.safe_load((files("triage.drafting") / "phrases" / "en.yaml").read_text(encoding="utf-8"))
    rows["language"] = "eo"
    match fault:
        case "missing key":
            del rows["next"]["handover"]
        case "lost placeholder":
            rows["ask"] = "Send it."
        case "lost private one":
            rows["ask_privately"] = "Send it in a direct message."
        case "empty private one":
            rows["ask_privately"] = " "
        case "unknown key":
            rows["hello"] = "x"
        case "empty":
            rows["signoff"] = " "
    content = "a: [" if fault == "not yaml" else yaml.safe_dump(rows)
    (tmp_path / "eo.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"eo\.yaml"):
        load_phrases("eo", tmp_path)


@pytest.mark.parametrize("language", INFORMAL)
def test_an_informal_file_words_otherwise_what_it_names_and_nothing_else(language: str) -> None:
    formal, informal = load_phrases(language), load_phrases(language, informal=True)
    assert formal is not None
    assert informal is not None
    rows = yaml.safe_load((PHRASES / "informal" / f"{language}.yaml").read_text(encoding="utf-8"))
    named = {
        f"{key}.{part}" if isinstance(value, dict) else key
        for key, value in rows.items() for part in (value if isinstance(value, dict) else [key])
    } - {"language"}  # fmt: skip
    changed = {key for key, text in informal.flat().items() if text != formal.flat()[key]}
    assert changed == named
    assert {"greeting.named", "ask"} & changed


# What only the polite form of each language says.
POLITE = {
    "de": r"\b(Ihr|Ihre[nmrs]?|Ihnen|Sie)\b",
    "fr": r"\b(vous|votre|vos)\b",
    "es": r"\b(usted|ustedes)\b",
    "it": r"\b(Lei|Suo|Sua|Suoi|Sue|Le)\b",
    "pl": r"\b(Pan|Pana|Panu|Pani|Panią|Państwo|Państwa|Państwu)\b",
    "cs": r"\b([Vv]ás|[Vv]ám|[Vv]áš|[Vv]aše|[Vv]aši|[Vv]ašeho|[Vv]ámi)\b",
    "id": r"\bAnda\b",
}


@pytest.mark.parametrize("language", sorted(set(POLITE) & set(INFORMAL)))
def test_an_informal_reply_never_falls_back_into_the_polite_form(language: str) -> None:
    informal = load_phrases(language, informal=True)
    assert informal is not None
    assert [text for text in informal.flat().values() if re.search(POLITE[language], text)] == []


def test_a_language_without_a_difference_is_the_same_either_way() -> None:
    assert load_phrases("en", informal=True) == load_phrases("en")


def test_an_informal_phrase_that_no_formal_one_stands_behind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "informal").mkdir()
    (tmp_path / "de.yaml").write_text((PHRASES / "de.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    own = tmp_path / "informal" / "de.yaml"
    own.write_text("language: de\ngreeting:\n  named: Moin {name},\n", encoding="utf-8")
    phrases = load_phrases("de", tmp_path, informal=True)
    assert phrases is not None
    assert phrases.greeting["named"] == "Moin {name},"
    for wrong in ("greeting:\n  evening: Moin\n", "greeting:\n  named: Moin\n", "- Moin\n", "bye: Tschüss\n"):
        own.write_text(f"language: de\n{wrong}" if not wrong.startswith("-") else wrong, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"de\.yaml"):
            load_phrases("de", tmp_path, informal=True)
