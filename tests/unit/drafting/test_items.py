from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.drafting.items import attaches_photo, mentioned


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("Reply with your ORDER number.", "order_number"),
        ("Prześlij numer zamówienia i zdjęcie.", "order_number"),
        ("Prześlij numer zamówienia i zdjęcie.", "photo"),
        ("أرسل الصورة خلال 7 أيام.", "photo"),
        ("Bitte nennen Sie uns Ihre Bestellnummer.", "order_number"),
        ("Envoyez les photos via Mes commandes.", "photo"),
        ("Tulis alamat e-mail akun Anda.", "email"),
        ("Enter the e-mail address of your account.", "email"),
    ],
)
def test_an_articles_sentence_speaks_of_what_a_draft_may_ask_for(text: str, item: str) -> None:
    assert mentioned(text, [item]) == {item}


def test_what_nobody_asks_about_is_not_looked_for() -> None:
    assert mentioned("Your order number and a photo, please.", ["photo"]) == {"photo"}
    assert mentioned("We will e-mail you a link.", ["email", "order_number"]) == set()
    assert mentioned("Your order number", ["something_of_a_users_own"]) == set()


@pytest.mark.parametrize(
    "text",
    ["Box crushed. Pics attached.", "Zdjęcia w załączniku.", "ini fotonya kak", "مرفق الصور", "Fotos anbei. Was nun?",
     "Photos jointes.", "tampo rachado (foto em anexo)", "Foto's in de bijlage.", "Fotky posílám v příloze.",
     "фото во вложении"],
)  # fmt: skip
def test_a_message_that_brings_a_photo_says_so_in_its_own_words(text: str) -> None:
    assert attaches_photo(text)


@pytest.mark.parametrize(
    "text",
    ["It looks different from the photo on your site.", "Receipt attached.", "Shall I send you photos?", "", "Foto?"],
)
def test_to_speak_of_a_photo_is_not_to_send_one(text: str) -> None:
    assert not attaches_photo(text)


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    attaches_photo(text)
    assert mentioned(text, ["photo", "email"]) <= {"photo", "email"}
