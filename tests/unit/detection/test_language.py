from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.detection.language import BACKENDS, LANGUAGES, Identifier, canonical, load_identifier
from triage.detection.ngrams import features, load_model, read_model
from triage.detection.script import WINDOW, code_points, words_of
from triage.errors import ConfigurationError, ModelError
from triage.types import UNDETERMINED


@lru_cache
def loaded(backend: str) -> Identifier:
    return load_identifier(backend, LANGUAGES)


@pytest.fixture
def identifier() -> Identifier:
    return loaded("own")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is the blanket I bought on Monday?", "en"),
        ("Poproszę o zmianę adresu, paczka jeszcze nie wyszła.", "pl"),
        ("Selamat sore, pesanan saya belum dikirim ya?", "id"),
        ("أريد تغيير عنوان الشحن من فضلك", "ar"),
        ("Der Reißverschluss ist nach zwei Tagen kaputt gegangen.", "de"),
        ("Todavía estoy esperando que me devuelvan el dinero", "es"),
        ("La livraison devait avoir lieu hier et personne n'est venu", "fr"),
        ("Ainda não recebi a nota fiscal da minha compra", "pt"),
        ("Vorrei sapere quando verrà consegnato il divano", "it"),
        ("Ik wil deze trui graag omruilen voor een grotere maat", "nl"),
        ("Kargom üç gündür aynı yerde bekliyor", "tr"),
        ("Reklamaci jsem poslal minulý týden a nikdo se neozval", "cs"),
        ("Товар пришёл повреждённым, верните деньги", "ru"),
        ("Товар прийшов пошкодженим, поверніть кошти", "uk"),
        ("Am primit un produs greșit, cum îl pot schimba?", "ro"),
        ("Jag har fått fel färg på soffan", "sv"),
        ("Jeg har modtaget den forkerte farve på min sofa", "da"),
        ("Jeg har fått feil farge på sofaen, hva gjør jeg?", "nb"),
        ("Sain väärän värisen sohvan, miten voin vaihtaa sen?", "fi"),
        ("Rossz színű kanapét kaptam, hogyan tudom kicserélni?", "hu"),
        ("Έλαβα λάθος χρώμα, πώς το αλλάζω;", "el"),
        ("Mình nhận sai màu rồi, đổi lại giúp mình với", "vi"),
        ("Saya terima warna yang salah, macam mana nak tukar?", "ms"),
        ("मुझे गलत रंग का सोफा मिला है", "hi"),
        ("間違った色が届きました", "ja"),
        ("收到的颜色不对,怎么换货?", "zh"),
        ("색상이 잘못 왔어요", "ko"),
        ("ได้รับสินค้าผิดสี", "th"),
        ("رنگ اشتباه فرستادید، چطور عوضش کنم؟", "fa"),
        ("קיבלתי צבע לא נכון", "he"),
    ],
)
def test_tells_plain_messages_apart(identifier: Identifier, text: str, language: str) -> None:
    assert identifier.identify(text).code == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("nie dostalem jeszcze zadnej odpowiedzi w sprawie reklamacji", "pl"),
        ("nedostal jsem zadnou odpoved na reklamaci", "cs"),
        ("todavia no me han contestado sobre la devolucion", "es"),
        ("iade icin hala cevap alamadim lutfen donus yapin", "tr"),
        ("mafish 7ad radd 3alaya men embare7, el telefon bayez", "ar"),
        ("3tini numero dial livreur 3afak, colis ma wselch", "ar"),
        ("kak kok blm dibales sih, udh seminggu nih", "id"),
        ("dah seminggu tunggu, kenapa takde orang balas", "ms"),
        ("hej, checkout nie działa, ciągle error przy payment", "pl"),
        ("kak tolong update status refund dong, urgent banget", "id"),
        ("ممكن refund للـ order لو سمحتم", "ar"),
    ],
)
def test_reads_hurried_and_mixed_messages(identifier: Identifier, text: str, language: str) -> None:
    assert identifier.identify(text).code == language


@pytest.mark.parametrize("backend", ["own", "langdetect"])
@pytest.mark.parametrize(
    "text",
    ["", "   ", "??", "402-1234567", "INV/20240101/MPL/77", "😡😡", "https://shop.example/a/b?c=d", "a.b@c.example",
     "x", "1Z999AA10123456784", "19,99 €", "\ud800", "\u200d\ufe0f"],
)  # fmt: skip
def test_says_undetermined_where_nothing_can_be_told(backend: str, text: str) -> None:
    found = loaded(backend).identify(text, hint="pl")
    assert (found.code, found.confidence, found.alternatives) == (UNDETERMINED, 0.0, ())


def test_numbers_links_and_emoji_do_not_change_the_answer(identifier: Identifier) -> None:
    plain = identifier.identify("kde je moje zásilka")
    noisy = identifier.identify(
        "😡 402-1234567-1234567 kde je moje zásilka?? https://www.example.com/the/best/of a@b.example"
    )
    assert noisy == plain


def test_leaves_out_codes_and_keeps_arabizi_digits() -> None:
    assert words_of("SKU BX-2201/K GSR12V 3ayez ra2m barang2 12345 mp3 注文9912が") == [
        "SKU", "3ayez", "ra2m", "barang2", "mp3", "注文", "が",
    ]  # fmt: skip


def test_gives_at_most_three_alternatives_in_order(identifier: Identifier) -> None:
    found = identifier.identify("problem med ordre")
    confidences = [found.confidence, *(other.confidence for other in found.alternatives)]
    assert len(found.alternatives) == 3
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) <= 1.0 + 1e-6
    assert found.code not in {other.code for other in found.alternatives}


def test_hint_breaks_a_near_tie_and_nothing_else(identifier: Identifier) -> None:
    class Tied:
        languages = ("da", "nb")

        def score(self, words: object) -> dict[str, float]:
            return {"da": 0.55, "nb": 0.45}

    assert Identifier(Tied()).identify("god dag").code == "da"
    assert Identifier(Tied()).identify("god dag", hint="no-NO").code == "nb"
    assert identifier.identify("Where is my parcel? It has not arrived yet.", hint="pl").code == "en"
    assert identifier.identify("gdzie jest moja paczka", hint="??").code == "pl"


def test_answers_only_with_configured_languages() -> None:
    few = load_identifier("own", ["en", "pl"])
    assert few.identify("gdzie jest moja paczka").code == "pl"
    assert few.identify("Ich hätte gern mein Geld zurück, die Lieferung kam nie an.").code in {"en", "pl", UNDETERMINED}
    assert few.identify("ขอบคุณค่ะ").code == UNDETERMINED


def test_reads_only_the_beginning_of_a_long_text(identifier: Identifier) -> None:
    polish = "Nie dostałem jeszcze swojego zamówienia. "
    long = polish * (WINDOW // len(polish) + 1)
    assert identifier.identify(long + "the " * 14_000) == identifier.identify(long)
    for hostile in (
        "a" * 64_000,
        "a@" * 32_000,
        "1" * 64_000,
        "a." * 32_000,
        "2a" * 32_000,
        "’a" * 32_000,
        "İ" * 64_000,
        "ﷺ" * 64_000,
    ):
        identifier.identify(hostile)


@given(st.text(max_size=300), st.none() | st.text(max_size=8))
@settings(max_examples=150, deadline=None)
def test_never_raises_and_repeats_itself(text: str, hint: str | None) -> None:
    identifier = loaded("own")
    found = identifier.identify(text, hint=hint)
    assert found == identifier.identify(text, hint=hint)
    assert 0.0 <= found.confidence <= 1.0
    assert (found.code == UNDETERMINED) == (found.confidence == 0.0)


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.text(st.characters(codec="utf-8"), max_size=60))
@settings(max_examples=60, deadline=None)
def test_features_of_a_word_do_not_depend_on_its_place(first: str, second: str) -> None:
    word = code_points(" czekolada ")
    for before in (first, second):
        padded = np.concatenate((code_points(" " + " ".join(before.split())), word))
        assert np.isin(features(word), features(padded)).all()


def test_langdetect_repeats_itself_and_keeps_to_the_configured_languages() -> None:
    text = "problem med levering"
    answers = {load_identifier("langdetect", ["da", "nb", "sv", "ms"]).identify(text) for _ in range(5)}
    assert len(answers) == 1
    assert load_identifier("langdetect", ["da", "nb", "ms"]).languages == ("da", "nb")


@pytest.mark.parametrize(("backend", "package"), [("lingua", "lingua-language-detector"), ("py3langid", "py3langid")])
def test_missing_package_is_named_with_its_install_command(
    monkeypatch: pytest.MonkeyPatch, backend: str, package: str
) -> None:
    def refuse(name: str, _package: str | None = None) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(ConfigurationError, match=f"pip install '{package}"):
        load_identifier(backend, ["en", "pl"])


@pytest.mark.parametrize("backend", ["lingua", "py3langid"])
def test_optional_backends_answer_like_the_others(backend: str) -> None:
    identifier = load_identifier(backend, ["en", "pl", "de", "xx"])
    assert identifier.languages == ("en", "pl", "de")
    assert identifier.identify("gdzie jest moja paczka, czekam już tydzień").code == "pl"
    assert identifier.identify("").code == UNDETERMINED


@pytest.mark.parametrize(
    ("backend", "languages", "said"),
    [
        ("fasttext", ["en"], "does not exist"),
        ("own", ["english"], "not a language code"),
        ("own", [], "none of the languages"),
        ("own", ["qq"], "none of the languages"),
        ("langdetect", ["en"], "at least two"),
    ],
)
def test_wrong_configuration_is_refused(backend: str, languages: list[str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_identifier(backend, languages)


def test_damaged_model_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "language.npz"
    with pytest.raises(ModelError):
        read_model(path)
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ModelError):
        read_model(path)
    np.savez(path, format=99)
    with pytest.raises(ModelError, match="format 99"):
        read_model(path)


def test_model_file_is_small_and_has_every_language() -> None:
    model = load_model()
    assert (np.diff(model.keys.astype(np.int64)) > 0).all()
    assert set(load_identifier("own", LANGUAGES).languages) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("tag", "code"), [("pt-BR", "pt"), ("NO", "nb"), (" en_GB ", "en"), ("iw", "he"), ("??", None), ("", None)]
)
def test_language_tags_become_iso_639_1(tag: str, code: str | None) -> None:
    assert canonical(tag) == code


def test_every_backend_has_a_name() -> None:
    assert set(BACKENDS) == {"own", "langdetect", "lingua", "py3langid"}
