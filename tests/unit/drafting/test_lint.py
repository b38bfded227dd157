from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.channels.policies import ChannelPolicies
from triage.drafting.answer import units
from triage.drafting.lint import lint
from triage.drafting.phrases import load_phrases
from triage.sample.data import sample_articles

AMAZON = ChannelPolicies()["amazon"]
EMAIL = ChannelPolicies()["email"]

OFFERS = {
    "en": ["As a thank-you you get 10% off.", "Use this discount code for your next order.", "You might also like our pans.",
           "Please leave us a review.", "Follow us on Instagram."],
    "pl": ["W podziękowaniu 10% rabatu.", "Oto kod rabatowy na kolejne zakupy.", "Może Państwa zainteresować nasza lampa.",
           "Prosimy o wystawienie opinii.", "Zapisz się do naszego newslettera."],
    "id": ["Ada diskon 10% untuk Anda.", "Voucher ini untuk pesanan berikutnya.", "Anda mungkin juga suka produk ini.",
           "Mohon berikan ulasan.", "Ikuti akun kami."],
    "ar": ["لكم خصم 10% من المتجر.", "قسيمة على طلبكم القادم.", "قد يعجبكم أيضًا هذا المنتج.", "اتركوا لنا تقييمًا.", "تابعونا!"],
    "de": ["Sie erhalten 10 % Rabatt.", "Ein Gutschein für Ihre nächste Bestellung.", "Entdecken Sie unsere neuen Lampen.",
           "Bitte hinterlassen Sie uns eine Bewertung.", "Folgen Sie uns auf Instagram."],
    "es": ["Le ofrecemos un 10 % de descuento.", "Un cupón para su próximo pedido.", "También le puede interesar esta lámpara.",
           "Déjenos una reseña.", "Síganos en Instagram."],
    "fr": ["Voici 10 % de réduction.", "Un bon pour votre prochaine commande.", "Découvrez notre nouvelle collection.",
           "Laissez-nous un avis.", "Suivez-nous sur Instagram."],
    "pt": ["Oferecemos 10% de desconto.", "Um cupão para a sua próxima compra.", "Conheça a nossa nova coleção.",
           "Deixe a sua avaliação.", "Siga-nos no Instagram."],
    "it": ["Le offriamo uno sconto del 10%.", "Un buono per il Suo prossimo ordine.", "Potrebbe interessarle questa lampada.",
           "Lasci una recensione.", "Seguici su Instagram."],
    "nl": ["U krijgt 10% korting.", "Een tegoedbon voor uw volgende bestelling.", "Bekijk ook onze nieuwe collectie.",
           "Laat ons een beoordeling achter.", "Volg ons op Instagram."],
    "tr": ["Size %10 indirim sunuyoruz.", "Bir sonraki siparişinizde indirim kazanın.", "Bu ürün de ilginizi çekebilir.",
           "Lütfen yorum bırakın.", "Bizi takip edin."],
    "cs": ["Nabízíme Vám 10 % slevu.", "Kupon na další nákup.", "Mohlo by Vás také zajímat toto.", "Napište nám recenzi.",
           "Sledujte nás na Instagramu."],
}  # fmt: skip

ATTACHED = {
    "en": "Please find attached the label.", "pl": "W załączniku przesyłam etykietę.", "id": "Label kami lampirkan.",
    "ar": "تجدون في المرفقات الملصق.", "de": "Im Anhang finden Sie das Etikett.", "es": "Le adjuntamos la etiqueta.",
    "fr": "Vous trouverez ci-joint l’étiquette.", "pt": "Segue em anexo a etiqueta.", "it": "In allegato trova l’etichetta.",
    "nl": "In de bijlage vindt u het label.", "tr": "Etiketi ekte bulabilirsiniz.", "cs": "V příloze najdete štítek.",
}  # fmt: skip

AUTOMATIC = {
    "en": "This is an automated message.", "pl": "Ta wiadomość została wygenerowana automatycznie.",
    "id": "Mohon jangan membalas pesan ini.", "ar": "يرجى عدم الرد على هذه الرسالة.",
    "de": "Diese Nachricht wurde automatisch erstellt.", "es": "Por favor, no responda a este correo.",
    "fr": "Merci de ne pas répondre à ce message.", "pt": "Por favor, não responda a esta mensagem.",
    "it": "Si prega di non rispondere a questo messaggio.", "nl": "Dit is een automatisch gegenereerd bericht.",
    "tr": "Bu mesaj otomatik olarak gönderilmiştir.", "cs": "Na tuto zprávu prosím neodpovídejte.",
}  # fmt: skip


@pytest.mark.parametrize(("language", "text"), [(code, text) for code, texts in OFFERS.items() for text in texts])
def test_marketing_is_marked_where_a_channel_forbids_it(language: str, text: str) -> None:
    found = lint(f"{text} X.", AMAZON)
    assert {w.rule for w in found} == {"marketing"}, language
    for warning in found:
        assert warning.start is not None
        assert warning.end is not None
        assert text[warning.start : warning.end].strip()
    assert lint(text, EMAIL) == ()


@pytest.mark.parametrize("text", [*ATTACHED.values()])
def test_a_draft_that_speaks_of_an_attachment_is_marked_everywhere(text: str) -> None:
    assert [w.rule for w in lint(text, EMAIL)] == ["attachment"]


@pytest.mark.parametrize("text", [*AUTOMATIC.values()])
def test_a_draft_that_reads_like_a_machines_is_marked_everywhere(text: str) -> None:
    assert "auto_reply" in {w.rule for w in lint(text, EMAIL)}


@pytest.mark.parametrize("channel", ChannelPolicies().channels)
def test_no_fixed_phrase_breaks_a_rule(channel: str) -> None:
    for language in OFFERS:
        phrases = load_phrases(language)
        assert phrases is not None
        for phrase in phrases.flat().values():
            assert not [w for w in lint(phrase, ChannelPolicies()[channel]) if w.rule != "too_long"], phrase


def test_an_article_that_answers_is_no_marketing() -> None:
    marked = {
        article.id
        for article in sample_articles()
        for unit in units(article.body, links=True)
        if any(w.rule in {"marketing", "attachment", "auto_reply"} for w in lint(unit.text, AMAZON))
    }
    assert marked <= {"reviews-thank-you"}


@pytest.mark.parametrize(
    "text",
    [
        "Shipping is free from Rp 300.000.", "It costs Rp 1.300.000 in all.", "You paid 1.234.567 IDR.",
        "Delivered on 14.11.2026.",
        "Expected 2026-11-14.", "Call 112 at once.", "We deliver in 20-30 days, from 9:00 to 18:00.",
        "Order it on Amazon.de again.",
    ],
)  # fmt: skip
def test_amounts_dates_and_short_codes_are_no_contact_details(text: str) -> None:
    assert lint(text, AMAZON) == ()


@pytest.mark.parametrize(
    ("text", "rule", "span"),
    [
        ("Call +48 600 700 800 today.", "contact_details", "+48 600 700 800"),
        ("Call 600.700.800 today.", "contact_details", "600.700.800"),
        ("Call (030) 1234 5678.", "contact_details", "(030) 1234 5678"),
        ("See tamaro.example/returns.", "link", "tamaro.example/returns"),
        ("See www.tamaro.example.", "link", "www.tamaro.example"),
        ("Go to shop.tamaro.com now.", "link", "shop.tamaro.com"),
    ],
)
def test_contact_details_and_links_are_marked_with_their_span(text: str, rule: str, span: str) -> None:
    assert [(w.rule, text[w.start : w.end]) for w in lint(text, AMAZON)] == [(rule, span)]


@given(st.text(max_size=300))
def test_spans_lie_in_the_text_whatever_it_is(text: str) -> None:
    for warning in lint(text, AMAZON):
        assert warning.start is not None
        assert warning.end is not None
        assert 0 <= warning.start < warning.end <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hinterlass uns gern eine positive Bewertung!", "Schau doch mal in unserem Shop vorbei.", "Deja una reseña, por favor.",
        "Suis-nous sur Instagram !", "Laisse-nous ton avis.", "Lascia una recensione.", "Schrijf je in voor onze nieuwsbrief.",
        "Sleduj nás na Instagramu.", "Napiš nám prosím recenzi.", "Descubre nuestra nueva colección.",
    ],
)  # fmt: skip
def test_marketing_is_found_when_it_is_said_informally_too(text: str) -> None:
    assert [warning.rule for warning in lint(text, ChannelPolicies()["amazon"])] != []
