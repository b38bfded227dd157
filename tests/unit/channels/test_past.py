"""Past messages out of other systems' files."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.channels.past import MOST_BYTES, MOST_RECORDS, Left, Taken, read_past
from triage.errors import UnreadableDelivery

CHANNELS = ("email", "chat", "social", "sms")


def read(content: str | bytes, channel: str = "email") -> list[Taken | Left]:
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return list(read_past(raw, channel=channel, channels=CHANNELS))


def taken(content: str | bytes) -> list[Taken]:
    found = read(content)
    assert all(isinstance(one, Taken) for one in found), found
    return [one for one in found if isinstance(one, Taken)]


def test_a_ticket_of_a_help_desk() -> None:
    ticket = {
        "id": 5, "ticket_id": 77, "subject": "Parcel", "description": "Where is it?", "created_at": "2026-11-02T10:00:00Z",
        "requester": {"name": "Anna", "email": "anna@customers.example"}, "via": {"channel": "web"}, "tags": ["a"],
    }  # fmt: skip
    (one,) = taken(json.dumps({"tickets": [ticket], "count": 1}))
    arrival = one.arrival
    assert arrival.external_id == "past:5"
    assert arrival.conversation_ref == "77"
    assert (arrival.sender.name, arrival.sender.email) == ("Anna", "anna@customers.example")
    assert (arrival.message.text, arrival.message.subject, arrival.message.channel) == (
        "Where is it?",
        "Parcel",
        "email",
    )
    assert one.dated


@pytest.mark.parametrize(
    "content",
    [
        '{"text": "a", "id": 1}\n\n{"text": "b", "id": 2}\n',
        '[{"text": "a", "id": 1}, {"text": "b", "id": 2}]',
        "text;id\na;1\nb;2\n",
        "\ufeffText\tID\na\t1\nb\t2\n",
    ],
)
def test_every_form_gives_the_same(content: str) -> None:
    assert [(one.arrival.message.text, one.arrival.external_id) for one in taken(content)] == [
        ("a", "past:1"), ("b", "past:2"),
    ]  # fmt: skip


def test_records_without_an_id_are_known_by_their_content() -> None:
    first, again = taken('{"text": "a"}'), taken('{"text": "a"}\n{"text": "b"}')
    assert first[0].arrival.external_id == again[0].arrival.external_id != again[1].arrival.external_id


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("2026-11-02T10:00:00+01:00", "2026-11-02T09:00:00+00:00"),
        ("2026-11-02 10:00:00 UTC", "2026-11-02T10:00:00+00:00"),
        ("2026-11-02", "2026-11-02T00:00:00+00:00"),
        ("Mon, 02 Nov 2026 10:00:00 +0100", "2026-11-02T09:00:00+00:00"),
        (1793613600, "2026-11-02T10:00:00+00:00"),
        ("1793613600000", "2026-11-02T10:00:00+00:00"),
    ],
)
def test_dates_as_systems_write_them(date: str | int, said: str) -> None:
    (one,) = taken(json.dumps({"text": "a", "created_at": date}))
    assert one.arrival.message.received_at is not None
    assert one.arrival.message.received_at.isoformat() == said


@pytest.mark.parametrize("date", ["02/11/2026", "yesterday", "2026-13-45", "99999999999999999", "Mon, 99 Foo"])
def test_a_date_that_cannot_be_read_costs_no_message(date: str) -> None:
    (one,) = taken(json.dumps({"text": "a", "date": date}))
    assert not one.dated
    assert one.arrival.message.received_at is None


def test_what_is_no_message_of_a_customer_is_left_out_with_a_reason() -> None:
    found = read('{"text": "", "id": 1}\n7\nnonsense\n{"text": "x", "author_type": "Agent"}\n{"text": {"a": 1}}')
    assert [(one.number, one.reason) for one in found if isinstance(one, Left)] == [
        (1, "no_text"), (2, "no_record"), (3, "no_record"), (4, "not_a_customer"), (5, "no_text"),
    ]  # fmt: skip


def test_no_more_than_the_limit_is_taken() -> None:
    found = read("text\n" + "a\n" * (MOST_RECORDS + 50))
    assert len(found) == MOST_RECORDS + 1
    assert found[-1] == Left(number=MOST_RECORDS + 1, reason="too_many")


@pytest.mark.parametrize("content", [b"", b"  \n", b"a,b\n1,2", b"[1, 2", b"\xff\xff\xff", b"x" * (MOST_BYTES + 1)])
def test_what_is_nothing_known_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableDelivery):
        read(content)


def test_reasons_never_hold_a_value() -> None:
    (one,) = read('{"text": "a", "id": "' + "CANARY" * 200 + '"}')
    assert isinstance(one, Left)
    assert "CANARY" not in one.reason


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_hostile_bytes_give_messages_or_reasons(content: bytes) -> None:
    try:
        found = read(b"text,email,date\n" + content)
    except UnreadableDelivery:
        return
    assert [one.number for one in found] == list(range(1, len(found) + 1))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["text", "id", "date", "email", "from", "sender", "name", "x"]), inner, max_size=5
            )
        ),
    )
)
def test_any_json_gives_messages_or_reasons(value: object) -> None:
    try:
        read(json.dumps([value, {"text": "a"}]))
    except UnreadableDelivery:
        return
