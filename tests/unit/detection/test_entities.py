from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.detection.entities import PatternRecogniser
from triage.protocols import EntityRecogniser
from triage.types import Entity

TYPES = {
    "order_number", "tracking_number", "sku", "email", "phone", "amount", "date", "postal_code", "iban",
    "card_number",
}  # fmt: skip


def recognise(text: str, locale: str | None = None) -> list[tuple[str, str]]:
    return [(entity.type, entity.value) for entity in PatternRecogniser().recognise(text, locale=locale)]


def test_is_an_entity_recogniser() -> None:
    recogniser: EntityRecogniser = PatternRecogniser()
    assert recogniser.recognise("hello") == ()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Order 402-1234567-1234567 is late", "402-1234567-1234567"),
        ("about 12-34567-12345 please", "12-34567-12345"),
        ("pesanan INV/20261103/MPL/4471203985 mana?", "INV/20261103/MPL/4471203985"),
        ("Allegro 6f1c2a3b-1d2e-4f5a-8b9c-0d1e2f3a4b5c", "6f1c2a3b-1d2e-4f5a-8b9c-0d1e2f3a4b5c"),
        ("Shopify #1042", "1042"),
        ("TM-10428 has not come", "TM-10428"),
        ("order no 11873", "11873"),
        ("zamówienie nr 11873", "11873"),
        ("zamowienia numer 11873", "11873"),
        ("pesanan #4471", "4471"),
        ("رقم الطلب ١٢٣٤٥", "١٢٣٤٥"),
        ("طلبي رقم SA-448120", "SA-448120"),
        ("Meine Bestellnummer ist 334455.", "334455"),
        ("mi pedido 334455 no llega", "334455"),
        ("ma commande n° 334455", "334455"),
        ("minha encomenda nº 334455", "334455"),
        ("il mio ordine n. 334455", "334455"),
        ("mijn bestelling 334455", "334455"),
        ("334455 numaralı siparişim gelmedi", "334455"),
        ("objednávka č. 334455", "334455"),
        ("comanda nr. 334455", "334455"),
        ("заказ № 334455", "334455"),
        ("замовлення №334455", "334455"),
        ("beställning 334455", "334455"),
        ("ordre nr. 334455", "334455"),
        ("tilaus 334455", "334455"),
        ("a rendelésszámom: 334455", "334455"),
        ("η παραγγελία μου 334455", "334455"),
        ("đơn hàng số 334455", "334455"),
    ],
)
def test_order_numbers(text: str, number: str) -> None:
    assert recognise(text) == [("order_number", number)]


def test_a_list_of_order_numbers_of_one_shape_is_read_to_its_end() -> None:
    assert [value for _, value in recognise("orders 31-00871, 31-00872 and 31-00873")] == [
        "31-00871", "31-00872", "31-00873",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "number",
    [
        "1Z999AA10123456784",
        "1Z 999 AA1 01 2345 6784",
        "RR473124829GB",
        "00340434161094022115",
        "9400 1118 9922 3818 2188 65",
        "620145778823409115026631",
    ],
)
def test_tracking_numbers_that_prove_themselves_need_no_cue(number: str) -> None:
    assert recognise(f"where is {number} now") == [("tracking_number", number)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("no resi 004412987731 belum update", "004412987731"),
        ("paczka DPD 13012345678901", "13012345678901"),
        ("Tracking JX1234567890", "JX1234567890"),
        ("رقم الشحنة 44719982033", "44719982033"),
        ("Sendung 24119087763 steht still", "24119087763"),
    ],
)
def test_tracking_numbers_beside_a_cue(text: str, number: str) -> None:
    assert recognise(text) == [("tracking_number", number)]


@pytest.mark.parametrize("code", ["KT-210", "WH-1000XM4", "B08N5WRWNW", "SM-A556B", "PM6007"])
def test_model_codes(code: str) -> None:
    assert recognise(f"does the {code} fit?") == [("sku", code)]


def test_an_ebay_item_number_needs_its_cue() -> None:
    assert recognise("item 285017733942 from you") == [("sku", "285017733942")]


@pytest.mark.parametrize(
    "address",
    ["jan.kowalski+sklep@firma.example", "a_b@mail.example.co.uk", "zoë@exämple.example", "x@xn--bcher-kva.example"],
)
@pytest.mark.parametrize("frame", ["write to {}.", "<{}>", "mailto:{}, thanks", "بريدي{}"])
def test_emails(address: str, frame: str) -> None:
    assert recognise(frame.format(address)) == [("email", address)]


@pytest.mark.parametrize(
    ("text", "locale", "number"),
    [
        ("call +44 20 7946 0958 today", None, "+44 20 7946 0958"),
        ("Telefon: 601 555 014.", "pl-PL", "601 555 014"),
        ("HP 0812-0000-4417", "id-ID", "0812-0000-4417"),
        ("جوالي ٠٥٠١٢٣٤٥٦٧", "ar-SA", "٠٥٠١٢٣٤٥٦٧"),
        ("(415) 555-0133 after five", "en-US", "(415) 555-0133"),
        ("tél. 06 12 34 56 78", "fr", "06 12 34 56 78"),
    ],
)
def test_phones(text: str, locale: str | None, number: str) -> None:
    assert recognise(text, locale) == [("phone", number)]


@pytest.mark.parametrize(
    "amount",
    [
        "€19,99", "19.99 EUR", "1 234,50 zł", "Rp 1.250.000", "180rb", "1,5jt", "١٢٠ ريال", "200 درهم", "$5",
        "1.299,00 TL",
        "500 kr", "£20", "₹500", "Rs 500", "30 euro", "20 dollars", "134,99zł", "99$", "5 tys. zł", "500 рублей",
        "1200 грн",
        "2 500 Kč", "5000 Ft", "250 lei", "30 ευρώ", "500.000đ", "RM 49.90", "S/ 60", "R$ 89,90", "CHF 12.50", "٢٨ "
        "د.ك",
    ],
)  # fmt: skip
def test_amounts(amount: str) -> None:
    assert recognise(f"({amount})") == [("amount", amount)]


@pytest.mark.parametrize(
    "text", ["42 tys. widzów", "48k followers", "try 3 times", "6 ft cable", "250 gr flour", "2 pen"]
)
def test_numbers_without_money_are_no_amounts(text: str) -> None:
    assert recognise(text) == []


@pytest.mark.parametrize(
    ("text", "locale", "day"),
    [
        ("od 12 maja.", "pl", "12 maja"),
        ("20 pazdziernika", "pl", "20 pazdziernika"),
        ("on 3/11 please", "en", "3/11"),
        ("2026-11-03", None, "2026-11-03"),
        ("am 12.05. geliefert", "de", "12.05."),
        ("dotarła 13.10. Kiedy", "pl", "13.10"),
        ("Nov 3rd", "en", "Nov 3rd"),
        ("August 4, 2026", "en", "August 4, 2026"),
        ("٣ نوفمبر", "ar", "٣ نوفمبر"),
        ("el 12 de mayo de 2026", "es", "12 de mayo de 2026"),
        ("seit 5. März", "de", "5. März"),
        ("tanggal 12 November", "id", "12 November"),
        ("le 1er août", "fr", "1er août"),
        ("12 Mayıs'ta", "tr", "12 Mayıs"),
        ("május 12-én", "hu", "május 12-én"),
        ("12. toukokuuta", "fi", "12. toukokuuta"),
        ("12 травня", "uk", "12 травня"),
        ("στις 12 Μαΐου", "el", "12 Μαΐου"),
        ("ngày 12 tháng 5", "vi", "12 tháng 5"),
        ("5 אוגוסט", "he", "5 אוגוסט"),
    ],
)
def test_dates(text: str, locale: str, day: str) -> None:
    assert recognise(text, locale) == [("date", day)]


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow or on Monday", "at 10.30", "jam 13.20", "godz. 9.10", "version 2.10.1", "Bluetooth 5.3",
        "24/7", "rated 1/5",
        "ul. Lipowa 8/4", "8 out of 10", "May 2026", "the 15th", "5G and 4K at 60Hz", "256 GB", "iPhone 15 Pro",
        "3 years old",
    ],
)  # fmt: skip
def test_numbers_that_are_no_entities(text: str) -> None:
    assert recognise(text, "en") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ul. Długa 5, 61-001 Poznań", "61-001"),
        ("I'm in Reading, RG1 4PS.", "RG1 4PS"),
        ("41 Alder Ct, Dayton OH 45402.", "45402"),
        ("kode pos 80361", "80361"),
        ("calle Mayor 3, 28013 Madrid", "28013"),
        ("Damrak 1, 1012 AB Amsterdam", "1012 AB"),
        ("Ottawa K1A 0B1", "K1A 0B1"),
        ("الرمز البريدي ١٠٩٦٧", "١٠٩٦٧"),
        ("Hauptstraße 5, 10115 Berlin", "10115"),
    ],
)
def test_postal_codes(text: str, code: str) -> None:
    assert recognise(text) == [("postal_code", code)]


@pytest.mark.parametrize(
    "iban", ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "PL61 1090 1014 0000 0712 1981 2874"]
)
def test_ibans(iban: str) -> None:
    assert recognise(f"pay {iban}, please") == [("iban", iban)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4111 1111 1111 1111", "4111 1111 1111 1111"),
        ("5500-0000-0000-0004", "5500-0000-0000-0004"),
        ("**** **** **** 1234", "**** **** **** 1234"),
        ("card xxxx-1234", "xxxx-1234"),
        ("5375 **** **** 1180", "5375 **** **** 1180"),
        ("my card ending in 1234", "1234"),
        ("karta, końcówka 1234", "1234"),
        ("sonu 1234 ile biten kartım", "1234"),
        ("بطاقتي المنتهية بـ ٣٣٠٨", "٣٣٠٨"),
    ],
)
def test_card_numbers(text: str, value: str) -> None:
    assert recognise(text) == [("card_number", value)]


def test_numbers_of_other_kinds_are_left_alone() -> None:
    assert recognise("NIP 5252248481, VAT IE6388047V, coupon SAVE2026, serial no. 88127733") == []


def test_the_nearest_cue_decides() -> None:
    assert recognise("parcel 771944820316 of order 55190") == [
        ("tracking_number", "771944820316"),
        ("order_number", "55190"),
    ]


def test_invisible_marks_around_and_inside_a_value() -> None:
    text = "order \u200f402-1234567-1234567\u200f and \u206640\u200b2-1234567-7654321\u2069"
    values = [entity.value for entity in PatternRecogniser().recognise(text)]
    assert values == ["402-1234567-1234567", "40\u200b2-1234567-7654321"]


def test_numbers_in_links_are_ignored_unless_they_prove_themselves() -> None:
    assert recognise("https://shop.example/p/20260512?order=55190") == []
    assert recognise("https://track.example/RR473124829GB") == [("tracking_number", "RR473124829GB")]


SNIPPETS = st.sampled_from(
    [
        "order ", "zam. nr ", "طلب رقم ", "12", "3", "-", "/", ".", " ", ",", "€", "zł", "@", "a@b.example",
        "+48", "PL61",
        "**** ", "x", "maja", "Nov ", "1Z", "AB-", "\u200f", "\u0301", "#", "tel ", "٣", "\n", "(", ")", "rb",
        "'", "ß", "İ", "ﬁ",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    text=st.one_of(st.text(max_size=80), st.lists(SNIPPETS, max_size=30).map("".join)),
    locale=st.sampled_from([None, "pl", "ar-EG", "", "x-y-z"]),
)
def test_spans_are_exact_ordered_and_apart(text: str, locale: str | None) -> None:
    found = PatternRecogniser().recognise(text, locale=locale)
    previous = Entity(type="", value="", start=0, end=0)
    for entity in found:
        assert entity.value == text[entity.start : entity.end]
        assert entity.value.strip() == entity.value != ""
        assert entity.type in TYPES
        assert entity.start >= previous.end
        previous = entity
    assert found == PatternRecogniser().recognise(text, locale=locale)


@pytest.mark.parametrize(
    "unit", ["1", "1 ", "1-", "a", "[", "*", "x ", "a@", "1.", "+48 ", "PL61 1020 ", "12 maja ", "order 1, ", "A1-"]
)
def test_long_hostile_text_is_read_to_its_end(unit: str) -> None:
    text = unit * (64_000 // len(unit)) + " order no 11873"
    assert PatternRecogniser().recognise(text, locale="pl")[-1].value.endswith("11873")
