from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.errors import ArticleError
from triage.knowledge_base.importing.placeholders import without_placeholders


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("Hi {{ticket.requester.first_name}},\n\nIt has left.\n\nKind regards,\n{{agent.name}}", "It has left."),
        ("Hello {{contact.name}}!\nIt has left.", "It has left."),
        ("Hi {{name}}, thanks for writing.", "Thanks for writing."),
        ("Dear {%customer.firstName,fallback=there%},\nIt has left.", "It has left."),
        ('Hi {{ first_name | fallback: "there. Or you" }},\nIt has left.', "It has left."),
        ("Dear {!Contact.FirstName} {!Contact.LastName},\n\nIt has left.", "It has left."),
        ("Merci {{contact.name}} !\nVotre colis est en route.", "Votre colis est en route."),
        ("{{name}}様\n\nお問い合わせありがとうございます。", "お問い合わせありがとうございます。"),
        ("مرحبا {{name}}،\n\nتم شحن طلبك {{order.id}} اليوم.", "تم شحن طلبك اليوم."),
        ("您好{{name}}，\n您的订单{{order_id}}已发货。谢谢！", "您的订单已发货。谢谢！"),
        ("It has left.\n\nBest,\n\n{{agent.name}}", "It has left."),
    ],
)
def test_the_greeting_and_sign_off_around_a_name_go(body: str, left: str) -> None:
    assert without_placeholders(body) == left


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("We are on it, {{name}}!", "We are on it!"),
        ("We are, {{name}}, on it.", "We are, on it."),
        ("Thanks for your patience {{customer.firstname}}.", "Thanks for your patience."),
        ("{{name}}'s parcel has left.", "Parcel has left."),
        ("Your order {{ticket.id}} has left.", "Your order has left."),
        ("Your order #{{ticket.id}} has left.", "Your order has left."),
        ("Your order (no. {{order.number}}) has left.", "Your order has left."),
        ("Su pedido nº {{order.number}} ya salió.", "Su pedido ya salió."),
        ('We read "{{ticket.title}}" today.', "We read today."),
        ("Your order {order_id} has left, %name%.", "Your order has left."),
    ],
)
def test_names_and_references_go_from_a_sentence(body: str, left: str) -> None:
    assert without_placeholders(f"Good.\n{body}") == f"Good.\n{left}"


@pytest.mark.parametrize(
    "gone",
    [
        "Your refund of {{amount}} is on its way.",
        "It arrives on {{delivery_date}}.",
        "Your tracking number is {{tracking.number}}.",
        "See https://shop.example/t/{{order.id}} now.",
        "See [your parcel](https://shop.example/t/{{order.id}}) now.",
        "See [your parcel]({{url}}) now.",
    ],
)
def test_a_sentence_that_says_nothing_true_without_its_value_goes(gone: str) -> None:
    assert without_placeholders(f"It has left. {gone} Bye for now.") == "It has left. Bye for now."


def test_an_aside_goes_and_its_sentence_stays() -> None:
    assert without_placeholders("We answer (by {{date}}) soon.") == "We answer soon."


def test_text_without_placeholders_stays_to_the_letter() -> None:
    body = "Save  50% now, 20%\nA {set: of} braces, https://x.example/a%20b%C3%A9,\n\n\n\nHello,"
    assert without_placeholders(body) == body


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{{dc.return_policy}}", "nothing is left"),
        ("Hi {{name}},", "nothing is left"),
        ("{% if ticket.tags contains 'vip' %}Yes{% else %}No{% endif %}", "conditions"),
        ("{{#if vip}}Yes{{/if}}", "conditions"),
        ("1. Open the page.\n2. Pay {{amount}}.\n3. Done.", "numbered step"),
    ],
)
def test_what_cannot_be_told_without_them_is_refused(body: str, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        without_placeholders(body)


PIECES = st.sampled_from(
    [
        "{{name}}",
        "{{order.id}}",
        "{{amount}}",
        "{% x %}",
        "{{",
        "}}",
        "Hi ",
        ", ",
        "!",
        ".",
        "\n",
        "word ",
        "Word",
        "- ",
        "1. ",
        "(",
        ")",
        "[a](",
        "https://x.y/",
        "#",
        "\ufdd0",
        "{name}",
        "%name%",
        "。",
        "'s ",
        '"',
        "{{{a}}}",
        "${b}",
    ]
)


@given(st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=200)))
def test_no_text_raises_anything_else_and_no_stand_in_is_left(body: str) -> None:
    with contextlib.suppress(ArticleError):
        left = without_placeholders(body)
        assert left == body or not set(left) & {"\ufdd0", "\ufdd1", "\ufdd2"}
