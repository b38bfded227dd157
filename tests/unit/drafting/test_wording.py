from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.drafting.answer import Unit, units
from triage.drafting.phrases import load_phrases
from triage.drafting.salutation import addressable
from triage.drafting.wording import regrets, thanks, without_loose_ends

TWELVE = ("en", "pl", "id", "ar", "de", "es", "fr", "pt", "it", "nl", "tr", "cs")

POINTING = {
    "en": "Please check one of the conditions below.",
    "pl": "Prosimy o poniższe dane.",
    "id": "Mohon kirimkan data berikut.",
    "ar": "يُرجى إرسال البيانات التالية.",
    "de": "Bitte senden Sie uns die folgenden Angaben.",
    "es": "Envíenos los datos que se indican a continuación.",
    "fr": "Merci de vérifier l’une des conditions ci-dessous.",
    "pt": "Envie-nos os dados indicados abaixo.",
    "it": "Ci invii i dati riportati di seguito.",
    "nl": "Stuur ons de onderstaande gegevens.",
    "tr": "Lütfen aşağıdaki bilgileri gönderin.",
    "cs": "Pošlete nám prosím níže uvedené údaje.",
}


@pytest.mark.parametrize("language", TWELVE)
def test_the_phrase_for_troubles_is_known_to_regret_and_the_neutral_one_is_not(language: str) -> None:
    phrases = load_phrases(language)
    assert phrases is not None
    assert regrets(phrases.acknowledge["product_problem"], language)
    assert not regrets(phrases.acknowledge["default"], language)


@pytest.mark.parametrize("language", [code for code in TWELVE if code not in {"fr"}])
def test_the_neutral_phrase_is_known_to_thank(language: str) -> None:
    phrases = load_phrases(language)
    assert phrases is not None
    # Italian and Turkish thank in the first person or at the end, as articles do not.
    if language not in {"it", "tr"}:
        assert thanks(phrases.acknowledge["default"], language)


@pytest.mark.parametrize("language", TWELVE)
def test_a_sentence_that_points_to_nothing_stays_out(language: str) -> None:
    pointing = POINTING[language]
    assert [u.text for u in without_loose_ends(units(f"First.\n\n{pointing}", links=True), language)] == ["First."]
    with_list = units(f"First.\n\n{pointing}\n\n- One\n- Two", links=True)
    assert without_loose_ends(with_list, language) == with_list


def test_the_answer_itself_stays_whatever_it_points_to() -> None:
    alone = units(POINTING["en"], links=True)
    assert without_loose_ends(alone, "en") == alone


@given(st.lists(st.text(max_size=30), max_size=6), st.sampled_from((*TWELVE, "xx")))
def test_what_is_kept_is_in_order_and_nothing_is_added(texts: list[str], language: str) -> None:
    found = [Unit(text=text, mark=None, begins_paragraph=False) for text in texts]
    kept = list(without_loose_ends(found, language))
    remaining = iter(found)
    assert all(unit in remaining for unit in kept)


@pytest.mark.parametrize(
    "name", ["Anna", "Jean-Luc O’Neill", "Sig.ra Conti", "هند المنصوري", "Nguyễn Thị Hoa", "{order}"]
)
def test_a_name_is_used(name: str) -> None:
    assert addressable(f" {name} ") == name


@pytest.mark.parametrize(
    "name",
    [
        None, "", "  ", "Grumpy_Gus", "anna92", "a@b.example", "Guest", "kunde", "زائر", "Amazon Customer", "?", "...",
        "Bob\n\nYou get 100 back", "https://x.example", "x" * 61, "Ann\u202eb",
    ],
)  # fmt: skip
def test_a_handle_a_placeholder_or_a_message_is_no_name(name: str | None) -> None:
    assert addressable(name) == ""
