from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.channels.email.token import Tokens

TOKENS = Tokens(["secret one"], "shop.example")
REPLY, CONVERSATION = "out_01kbnq0000000000000000000a", "cnv_01kbnq0000000000000000000b"


def test_an_answer_to_our_mail_finds_its_conversation() -> None:
    ours = TOKENS.message_id(REPLY, CONVERSATION)
    assert ours == TOKENS.message_id(REPLY, CONVERSATION)
    assert ours.startswith(f"<{REPLY}.{CONVERSATION}.")
    assert ours.endswith("@shop.example>")
    assert TOKENS.conversation(["<other@mail.example>", ours]) == CONVERSATION
    assert TOKENS.conversation([ours.upper()]) == CONVERSATION
    assert TOKENS.made(ours)


def test_a_token_of_the_former_secret_still_counts() -> None:
    ours = TOKENS.message_id(REPLY, CONVERSATION)
    assert Tokens(["secret two", "secret one"], "shop.example").conversation([ours]) == CONVERSATION
    assert Tokens(["secret two"], "shop.example").conversation([ours]) is None


def test_no_single_change_of_a_token_is_accepted() -> None:
    ours = TOKENS.message_id(REPLY, CONVERSATION)
    left, _, domain = ours.rpartition("@")
    for at in range(1, len(left)):
        other = "b" if left[at] != "b" else "c"
        assert not TOKENS.made(f"{left[:at]}{other}{left[at + 1 :]}@{domain}"), at


def test_a_mac_of_the_plus_address_is_none_of_a_message_id() -> None:
    tagged = TOKENS.plus_address("support@shop.example", CONVERSATION)
    assert tagged is not None
    assert len(tagged.rpartition("@")[0]) <= 64
    mac = tagged.rpartition("@")[0].rpartition(".")[2]
    assert TOKENS.conversation((), [tagged]) == CONVERSATION
    assert TOKENS.conversation((), [tagged.upper()]) == CONVERSATION
    assert TOKENS.conversation([f"<x.{CONVERSATION}.{mac}@shop.example>"]) is None
    assert TOKENS.plus_address("a-rather-long-mailbox@shop.example", CONVERSATION) is None


def test_without_a_secret_nothing_is_made_or_accepted() -> None:
    nobody = Tokens([""], "shop.example")
    with pytest.raises(ValueError, match="no secret"):
        nobody.message_id(REPLY, CONVERSATION)
    assert not nobody.made(TOKENS.message_id(REPLY, CONVERSATION))
    assert not nobody.made(f"<{REPLY}.{CONVERSATION}.{'a' * 26}@shop.example>")


@pytest.mark.parametrize("id", ["", "a.b", "a@b", "a\r\nBcc: x", "a b", "ü", "a" * 81])
def test_an_id_that_would_break_the_header_is_refused(id: str) -> None:
    with pytest.raises(ValueError, match="cannot stand"):
        TOKENS.message_id(id, CONVERSATION)


@given(st.lists(st.text(max_size=200), max_size=5), st.lists(st.text(max_size=100), max_size=5))
def test_any_text_is_looked_at_and_none_is_ours(ids: list[str], addresses: list[str]) -> None:
    assert TOKENS.conversation(ids, addresses) is None
