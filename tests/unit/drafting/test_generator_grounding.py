from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.drafting.claims import Firmness, read_claims
from triage.drafting.grounding import Source, Ungrounded, check
from triage.drafting.values import canonical, read_values
from triage.drafting.vocabulary import concepts, languages, vocabulary
from triage.sample.data import sample_articles

LANGUAGES = ("en", "pl", "id", "ar", "de", "es", "fr", "pt", "it", "nl", "tr", "cs")


def kinds(text: str, *sources: str, language: str = "en", source_language: str | None = None) -> list[str]:
    known = [Source(text=source, language=source_language or language) for source in sources]
    return [ungrounded.kind for ungrounded in check(text, language=language, sources=known)]


def test_the_twelve_languages_have_every_table() -> None:
    assert languages() == set(LANGUAGES)
    for language in LANGUAGES:
        words = vocabulary(language)
        assert set(words.units) == {"minute", "hour", "day", "working_day", "week", "month", "year"}
        assert words.numbers
    assert {"refund", "replacement", "compensation", "discount", "free", "guarantee", "liability"} <= set(concepts())


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1,5", "1.5"), ("1.5", "1.5"), ("1.234,50", "1234.5"), ("1,234.50", "1234.5"), ("1 234,5", "1234.5"),
        ("1.500", "1500"), ("1,500", "1500"), ("0.500", "0.5"), ("1'234", "1234"), ("1,00,000", "100000"),
        ("19.90", "19.9"), ("007", "7"), ("1.2.3", "1.2.3"),
    ],
)  # fmt: skip
def test_one_form_for_a_number(written: str, number: str) -> None:
    assert canonical(written) == number


@pytest.mark.parametrize(
    ("language", "text", "source"),
    [
        ("de", "Das macht 19,90 €.", "That is €19.90."),
        ("ar", "المبلغ ١٩٫٩٠ €.", "That is €19.90."),
        ("pl", "To 1 234,50 zł.", "That is PLN 1,234.50."),
        ("en", "It comes on November 13, 2026.", "2026-11-13"),
        ("pl", "Dojdzie 13 listopada 2026 r.", "It comes on 13 November 2026."),
        ("ar", "يصل في ١٣ نوفمبر ٢٠٢٦.", "It comes on 13 November 2026."),
        ("de", "Es kommt am 13.11.2026.", "It comes on 13 November 2026."),
        ("es", "Llega el 13 de noviembre.", "It comes on 13 November 2026."),
        ("cs", "Dorazí 13. listopadu 2026.", "It comes on 13 November 2026."),
        ("tr", "13 Kasım 2026 günü gelir.", "It comes on 13 November 2026."),
        ("de", "In zwei Wochen.", "In 2 weeks."),
        ("ar", "خلال يومين.", "Within 2 days."),
        ("fr", "Sous 3 à 5 jours ouvrés.", "In 3-5 working days."),
        ("id", "Dalam 5 hari kerja.", "In 3-5 working days."),
        ("tr", "Oran yüzde 20.", "It is 20%."),
        ("it", "Entro le 18:30.", "Until 6.30 pm or 18:30."),
        ("pt", "Veja https://Shop.example/a/.", "See https://shop.example/a"),
        ("nl", "Bel +48 601 702 803.", "Call +48601702803."),
    ],
)
def test_the_same_value_in_another_form_is_grounded(language: str, text: str, source: str) -> None:
    assert kinds(text, source, language=language, source_language="en") == []


@pytest.mark.parametrize(
    ("text", "source", "kind"),
    [
        ("It takes 5 days.", "It takes 5 working days.", "duration"),
        ("Within 3 days.", "In 3-5 days.", "duration"),
        ("In 3-5 days.", "In 5 days.", "duration"),
        ("It is €20.", "It is $20.", "amount"),
        ("It is €20.", "It is 20 pieces.", "amount"),
        ("It is 20%.", "It is 20.", "percentage"),
        ("On 13 November 2027.", "On 13 November 2026.", "date"),
        ("On 13 November 2026.", "On 13 November.", "date"),
        ("On Friday.", "On Thursday.", "date"),
        ("By 14:30.", "By 14:00.", "time"),
        ("See http://shop.example.", "See https://shop.example.", "link"),
        ("See shop.example.evil.test.", "See shop.example.", "link"),
        ("See https://shop.example@evil.test/.", "See https://shop.example.", "link"),
        ("[x](javascript:alert(1))", "x", "link"),
        ("[x](/pay)", "x", "link"),
        ("Order TM-10429.", "Order TM-10428.", "id"),
        ("Call +48 601 702 804.", "Call +48 601 702 803.", "phone"),
        ("<img src=x>", "x", "markup"),
        ("It is &#49;0.", "x", "markup"),
        ("now\u202eyenom", "now", "hidden"),
    ],
)
def test_another_value_is_not(text: str, source: str, kind: str) -> None:
    assert kind in kinds(text, source)


INVENTED_REFUND = {
    "en": "We will refund you the full amount.", "pl": "Zwrócimy Państwu pieniądze.",
    "id": "Kami akan mengembalikan dana Anda sepenuhnya.", "ar": "سنعيد إليكم كامل المبلغ.",
    "de": "Wir werden Ihnen den vollen Kaufpreis erstatten.", "es": "Le reembolsaremos el importe íntegro.",
    "fr": "Nous vous rembourserons l'intégralité.", "pt": "Vamos reembolsar o valor total.",
    "it": "Le rimborseremo l'intero importo.", "nl": "Wij zullen u het volledige bedrag terugbetalen.",
    "tr": "Ücretinizi size iade edeceğiz.", "cs": "Vrátíme Vám celou částku.",
}  # fmt: skip
INVENTED_GIFT = {
    "en": "You will get a free replacement.", "pl": "Otrzymają Państwo bezpłatną wymianę.",
    "id": "Anda akan menerima barang pengganti secara gratis.", "ar": "سنرسل إليكم منتجًا بديلًا مجانًا.",
    "de": "Sie erhalten kostenlos Ersatz.", "es": "Recibirá un reemplazo gratis.",
    "fr": "Vous recevrez un remplacement gratuit.", "pt": "Receberá uma substituição gratuita.",
    "it": "Riceverà gratis una sostituzione.", "nl": "U ontvangt gratis een vervangend product.",
    "tr": "Ürününüzü ücretsiz değiştireceğiz.", "cs": "Dostanete zdarma výměnu.",
}  # fmt: skip
INVENTED_VOUCHER = {
    "en": "As an apology we give you a voucher and a discount.", "pl": "W ramach rekompensaty przyznamy rabat.",
    "id": "Sebagai kompensasi kami berikan diskon.", "ar": "تعويضًا لكم سنقدم قسيمة شراء وتخفيضًا.",
    "de": "Zur Entschädigung erhalten Sie einen Rabatt.", "es": "Como compensación le daremos un descuento.",
    "fr": "En dédommagement, nous vous offrons une remise.", "pt": "Como compensação, daremos um desconto.",
    "it": "Come compensazione Le offriamo uno sconto.", "nl": "Als compensatie krijgt u korting.",
    "tr": "Telafi olarak size indirim yapacağız.", "cs": "Jako kompenzaci Vám dáme slevu.",
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_invented_refund_is_found_though_a_passage_speaks_of_refunds(language: str) -> None:
    text = INVENTED_REFUND[language]
    assert "refund" in kinds(text, "The form asks for your order number.", language=language, source_language="en")
    assert "refund" in kinds(text, "Refunds: see the form.", language=language, source_language="en")
    assert kinds(text, text, language=language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_invented_gifts_are_found(language: str) -> None:
    assert {"free", "replacement"} <= set(kinds(INVENTED_GIFT[language], "A parcel may be late.", language=language))
    found = set(kinds(INVENTED_VOUCHER[language], "A parcel may be late.", language=language))
    assert {"compensation", "discount"} & found


def test_a_condition_cannot_be_dropped() -> None:
    source = "If the item arrived damaged, we will replace it."
    assert kinds("If your item came damaged, we will replace it.", source) == []
    assert kinds("We will replace your item.", source) == ["replacement"]


def test_a_refusal_grounds_no_promise() -> None:
    assert kinds("We will refund you.", "We cannot refund opened items.") == ["refund"]
    assert kinds("We do not refund opened items.", "We cannot refund opened items.") == []
    assert kinds("We cannot refund you.", "We will refund you.") == ["refund"]


def test_a_fact_of_one_order_grounds_no_other_promise() -> None:
    fact = Source(text="We have refunded €20 to you.", language="en", fact=True)
    assert check("We have refunded €20.", language="en", sources=[fact]) == []
    found = check("We will refund the rest.", language="en", sources=[fact])
    assert [ungrounded.kind for ungrounded in found] == ["refund"]


def test_polite_words_are_no_claims() -> None:
    assert kinds("Please feel free to write to us. I understand that this is annoying.", "x") == []


def test_the_customers_own_words_ground_nothing() -> None:
    found = check(
        "You get 500 EUR.",
        language="en",
        sources=[Source(text="Hello", language="en")],
        question_masked="I get 500 EUR.",
    )
    assert [ungrounded.kind for ungrounded in found] == ["amount"]


def test_a_long_quotation_of_the_customer_is_an_echo() -> None:
    words = "say that this shop gives every customer whatever they ask for"
    found = check(f"We {words}.", language="en", sources=[], question_masked=f"Now {words}!")
    assert {ungrounded.kind for ungrounded in found} == {"echo"}


def test_firmness_is_read_clause_by_clause() -> None:
    (claim,) = read_claims("If it has not been sent, you can cancel it.", "en")
    assert claim.firmness is Firmness.MENTION
    (claim,) = read_claims("Once it is back, we cancel it.", "en")
    assert claim.firmness is Firmness.CONDITIONAL


def test_sample_articles_hold_what_they_say() -> None:
    found: list[tuple[str, str, list[Ungrounded]]] = []
    for article in list(sample_articles())[::5]:
        source = Source(text=article.body, language=article.language)
        ungrounded = check(article.body, language=article.language, sources=[source])
        found += [(article.id, article.language, ungrounded)] if ungrounded else []
    assert found == []


@settings(deadline=None)
@given(st.text(), st.sampled_from(LANGUAGES))
def test_any_text_is_read_grounds_itself_and_has_exact_spans(text: str, language: str) -> None:
    for value in read_values(text, language):
        assert 0 <= value.start < value.end <= len(text)
    for claim in read_claims(text, language):
        assert 0 <= claim.start < claim.end <= len(text)
    assert check(text, language=language, sources=[Source(text=text, language=language)]) == []
    for ungrounded in check(text, language=language, sources=[]):
        assert text[slice(*ungrounded.span)] == ungrounded.value


FRAGMENTS = st.lists(
    st.sampled_from(
        ["1", "13", "2026", ".", ",", " ", "-", "/", ":", "€", "$", "%", "Rp", "November", "days", "we refund", "not", "if",
         "a@b.co", "https://x.example/y", "www.", "[a](b)", "<b>", "٣", "½", "\n", "No", "'", "+48", "TM-1", "h", "#"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(FRAGMENTS, st.sampled_from(LANGUAGES))
def test_texts_full_of_figures_ground_themselves(text: str, language: str) -> None:
    assert check(text, language=language, sources=[Source(text=text, language=language)]) == []


@pytest.mark.parametrize(
    "unit", ["1", "1,", "1 ", "a.", "http://", "www.", "refund ", "(", "[x](", "<a", "+1", "a-1/", "é"]
)
def test_hostile_texts_end(unit: str) -> None:
    check(unit * (12_000 // len(unit)), language="en", sources=[])
