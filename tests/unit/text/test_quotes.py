"""The customer's own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.text import own_words

PIECES = st.sampled_from(
    [
        "> old",
        ">> older",
        "On Tue, 14 Oct 2025 at 09:12, Care <c@shop.example> wrote:",
        "Support wrote:",
        "From: Shop <a@shop.example>",
        "Sent: Monday, 3 March 2025 10:00",
        "To: Anna",
        "Subject: order",
        "-----Original Message-----",
        "-- ",
        "--",
        "---",
        "Sent from my iPhone",
        "Kind regards,",
        "Thanks",
        "Anna Smith",
        "+48 600 700 800",
        "Where is my order?",
        "Order ID: 5",
        "You have received a message.",
        "Message: hello",
        "--- Begin message ---",
        "--- End message ---",
        "",
        " ",
        "\r",
        "text",
        "please type your reply above this line",
        "To reply to this message, click",
        "> 5",
        "[commMgrTok:x]",
        "a" * 500,
    ]
)
MESSAGES = st.lists(PIECES, max_size=14).map("\n".join)


@pytest.mark.parametrize(
    "introduction",
    [
        "On Mon, Jun 16, 2025 at 10:14 AM Shop <shop@example.com> wrote:",
        "On Mon, Jun 16, 2025 at 10:14 AM Shop <\nshop@example.com> wrote:",
        "On Mon, Jun 16, 2025 at 10:14 AM Shop <shop@example.com>\nwrote:",
        "On 16 Jun 2025, at 10:14, Shop wrote:",
        "pon., 16 cze 2025 o 10:14 Sklep <shop@example.com> napisał(a):",
        "W dniu 16.06.2025 o 10:14, Sklep pisze:",
        "Am 16.06.2025 um 10:14 schrieb Laden <shop@example.com>:",
        "Le 16 juin 2025 à 10:14, Magasin <shop@example.com> a écrit :",
        "El lun, 16 jun 2025 a las 10:14, Tienda (<shop@example.com>) escribió:",
        "Em seg., 16 de jun. de 2025 às 10:14, Loja <shop@example.com> escreveu:",
        "Il giorno lun 16 giu 2025 alle ore 10:14 Negozio <shop@example.com> ha scritto:",
        "Op ma 16 jun 2025 om 10:14 schreef Winkel <shop@example.com>:",
        "Mağaza <shop@example.com>, 16 Haz 2025 Pzt, 10:14 tarihinde şunu yazdı:",
        "po 16. 6. 2025 v 10:14 odesílatel Obchod <shop@example.com> napsal:",
        "пн, 16 июн. 2025 г. в 10:14, Магазин <shop@example.com>:",
        "пн, 16 черв. 2025 р. о 10:14 Магазин <shop@example.com> пише:",
        "În lun., 16 iun. 2025 la 10:14, Magazin <shop@example.com> a scris:",
        "Den mån 16 juni 2025 kl 10:14 skrev Butik <shop@example.com>:",
        "ma 16. kesäk. 2025 klo 10.14 Kauppa (shop@example.com) kirjoitti:",
        "Bolt <shop@example.com> ezt írta (időpont: 2025. jún. 16., H, 10:14):",
        "Στις Δευ 16 Ιουν 2025 στις 10:14 π.μ., ο χρήστης Shop <shop@example.com> έγραψε:",
        "Vào Th 2, 16 thg 6, 2025 lúc 10:14 Shop <shop@example.com> đã viết:",
        "Pada Sen, 16 Jun 2025 10.14, Toko <shop@example.com> menulis:",
        "في الاثنين، 16 يونيو 2025 في 10:14 ص تمت كتابة ما يلي بواسطة متجر <shop@example.com>:",
        "---- On Mon, 16 Jun 2025 10:14:00 +0200 Shop <shop@example.com> wrote ----",
        "2025年6月16日(月) 10:14 Shop <shop@example.com>:",
        "-----Original Message-----",
        "-------- Wiadomość oryginalna --------",
        "-----Ursprüngliche Nachricht-----",
        "---------- Forwarded message ---------",
        "________________________\nFrom: Shop\nSent: Monday, June 16, 2025 10:14 AM\nTo: Anna\nSubject: RE: order",
        "Od: Sklep\nWysłano: 16 czerwca 2025 10:14\nDo: Anna\nTemat: RE: zamówienie",
        "*Von:* Laden\n*Gesendet:* Montag, 16. Juni 2025\n*An:* Anna\n*Betreff:* AW: Bestellung",
        "De : Magasin\nEnvoyé : lundi 16 juin 2025\nÀ : Anna\nObjet : commande",
        "من: متجر\nتم الإرسال: 16 يونيو 2025\nإلى: سلمى\nالموضوع: الطلب",
        "Lähettäjä: Kauppa\nLähetetty: maanantai 16. kesäkuuta 2025\nVastaanottaja: Anna\nAihe: tilaus",
        "Από: Shop\nΕστάλη: 16 Ιουνίου 2025\nΠρος: Anna\nΘέμα: x",
    ],
)
def test_an_earlier_message_below_is_folded(introduction: str) -> None:
    words = own_words(f"Not yet here.\n\nAnna\n\n{introduction}\n\nYour parcel is on its way.\n\nThe shop")
    assert words.text == "Not yet here.\n\nAnna"
    assert words.quoted.startswith(introduction.split("\n")[0])
    assert words.quoted.endswith("The shop")
    assert not words.only_quoted


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("> Did it come?\nNo.\n\n> A refund?\nYes please.", "No.\n\nYes please."),
        ("On Sep 12, 2025 you wrote:\n> refunded\n\nIt was not.", "It was not."),
        ("Hi\n\nOn Mon, Customer Care wrote:\n> old", "Hi"),
        ("##- Please type your reply above this line -##\n\nWhere is it?", "Where is it?"),
        ("Where is it?\n\n##- Please type your reply above this line -##\n\nTicket 5", "Where is it?"),
    ],
)
def test_words_between_and_below_quotes_are_own(text: str, own: str) -> None:
    assert own_words(text).text == own


@pytest.mark.parametrize(
    "text",
    [
        "> Your parcel is here\n> Bye",
        "On Mon, Jun 16, 2025 at 10:14 AM Shop <shop@example.com> wrote:\n> Your parcel",
        "From: Shop\nSent: Monday, June 16, 2025\nTo: Anna\nSubject: RE: order\n\nIt is shipped.",
    ],
)
def test_a_message_of_quotes_alone_is_kept(text: str) -> None:
    words = own_words(text)
    assert words.only_quoted
    assert words.text == words.quoted == text


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAnna Smith\nHead of things that nobody has asked about so far",
        "--\nAnna Smith\nACME Ltd",
        "Kind regards,\nAnna",
        "Pozdrawiam,\nJan Kowalski\nACME Sp. z o.o.\ntel. +48 600 700 800\nwww.acme.example",
        "Mit freundlichen Grüßen\nJan van der Berg\nMusterstraße 5, 10115 Berlin",
        "مع التحية\nسلمى الحداد",
        "Thanks,\nAnna\nanna@acme.example",
        "Thanks and regards\nAnna",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Enviado desde mi iPhone",
        "Wysłane z iPhone'a",
        "iPhone'umdan gönderildi",
        "Get Outlook for Android",
    ],
)
def test_a_signature_is_folded(signature: str) -> None:
    words = own_words(f"My lamp is broken.\n\n{signature}")
    assert words.text == "My lamp is broken."
    assert words.signature == signature


def test_a_legal_notice_is_folded() -> None:
    notice = (
        "This e-mail and its attachments are confidential and for the intended recipient alone. If it reached you "
        "by mistake, please delete it and tell the sender at once; any use of it is forbidden."
    )
    words = own_words(f"My lamp is broken.\n\nRegards,\nAnna\n\n{notice}")
    assert words.text == "My lamp is broken."
    assert words.signature == f"Regards,\nAnna\n\n{notice}"


@pytest.mark.parametrize(
    ("text", "own"),
    [
        (
            "You have received a message.\n\nOrder ID: 404-1\n1 lamp\n\n------- Begin message -------\n\n"
            "Where is my lamp?\n\n------------- End message -------------\n\nFor your information\n[commMgrTok:A]",
            "Where is my lamp?",
        ),
        ("New message from: buyer_1 (214)\nSubject: Return request\n\nDid it ship yet?", "Did it ship yet?"),
        ("Wiadomość od kupującego. Temat: Zwrot\nOferta: Lampa, 1 szt.\n---\nkiedy nadacie?", "kiedy nadacie?"),
        ("[Pesan otomatis] Pembeli bertanya.\n---\nkapan dikirim kak", "kapan dikirim kak"),
        ("Sie haben eine Nachricht erhalten.\nBestellnummer: 5\nNachricht: Wo ist sie?", "Wo ist sie?"),
        (
            "Hello shop,\n\nYou have received a message.\nItem: lamp\n\nBad!\n\nTo reply to this message, log in.\nX",
            "Bad!",
        ),
    ],
)
def test_a_marketplace_wrapper_is_folded(text: str, own: str) -> None:
    assert own_words(text).text == own


@pytest.mark.parametrize(
    "text",
    [
        "On my last email I wrote:\nI want a refund.\nNothing yet.",
        "On 5 May 2025 you wrote:\nwe will refund you\n\nand nothing came",
        "From: Leeds\nTo: London\nWhen will it arrive?",
        "Thanks\nRefund please",
        "Thanks, Anna",
        "شكرا\nأين طلبي",
        "You have received a message from me last week, why no answer?",
        "You have received a message from me\nand did not answer",
        "Order ID: 404-123\nThe phone is broken",
        "Regards to your team, but where is my order?\nI am waiting",
        "Hello\nRegards,\nwhere is my order?",
        "Broken.\nRegards,\nAnna\nPS: also send a new cable",
        "Please help\nSent from my old flat, the Samsung phone never arrived at the new one",
        "I saw this:\n--\nthe box was open and half of the things were missing",
        ">:( where is it",
        "It took\n>2 weeks",
        "👍",
        "?",
        "Message: hello",
    ],
)
def test_what_the_customer_wrote_stays(text: str) -> None:
    words = own_words(text)
    assert words.text == text
    assert not words.quoted
    assert not words.signature


@given(st.one_of(MESSAGES, st.text(st.characters(exclude_categories=()))))
def test_it_never_raises_and_its_result_is_final(text: str) -> None:
    words = own_words(text)
    assert own_words(words.text).text == words.text
    assert bool(words.text) == bool(text.strip())


@given(MESSAGES)
def test_no_line_is_lost(text: str) -> None:
    words = own_words(text)
    kept = " ".join((words.text, words.quoted, words.signature)).split()
    assert not {word for word in text.split() if word.strip("->_=*|#~")} - set(kept)


@pytest.mark.parametrize(
    "piece",
    ["> ", ">\n", "-- \nA\n", "from: a@b\nto: b\nsubject: c\n", "---\n", "> a\nb\n", "order: 1\n", "regards\nAnna\n"],
)
def test_hostile_repetition_comes_back(piece: str) -> None:
    assert own_words(piece * 5_000).text
