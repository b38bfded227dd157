"""Signatures, against the project's own library both ways."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from triage.channels import standard_webhooks
from triage.errors import ConfigurationError, SignatureRefused

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = standard_webhooks.new_secret()
NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
BODY = '{"text": "Gdzie jest paczka? 📦"}'.encode()


def signed(
    secret: str = SECRET, *, id: str = "msg_1", now: datetime = NOW, body: bytes = BODY, also: tuple[str, ...] = ()
) -> dict[str, str]:
    keys = [standard_webhooks.key_of(one) for one in (secret, *also)]
    return standard_webhooks.sign(keys, id=id, now=now, body=body)


def test_the_example_of_the_specification_fits() -> None:
    headers = standard_webhooks.sign(
        [standard_webhooks.key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")], id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        now=datetime.fromtimestamp(1614265330, UTC), body=b'{"test": 2432232314}',
    )  # fmt: skip
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.text(alphabet="abcdefghij_0123456789", min_size=1, max_size=40), st.text(st.characters(codec="utf-8")))
def test_the_library_verifies_what_we_sign_and_we_what_it_signs(id: str, text: str) -> None:
    library, now = Webhook(SECRET), datetime.now(UTC)
    library.verify(text, signed(id=id, now=now, body=text.encode()), json_parse=False)
    theirs = {
        "webhook-id": id, "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": library.sign(id, now, text),
    }  # fmt: skip
    assert standard_webhooks.verify(theirs, text.encode(), secrets=[SECRET], now=now) == id


def test_the_library_takes_either_secret_while_one_is_replaced() -> None:
    headers = signed(now=datetime.now(UTC), also=(OTHER,))
    for secret in (SECRET, OTHER):
        Webhook(secret).verify(BODY, headers)


@pytest.mark.parametrize("secrets", [[SECRET], [OTHER, SECRET], [SECRET, OTHER], ["broken", SECRET], ["", SECRET]])
def test_any_current_secret_verifies(secrets: list[str]) -> None:
    assert standard_webhooks.verify(signed(), BODY, secrets=secrets, now=NOW) == "msg_1"


def test_one_of_several_signatures_is_enough() -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1a,xyz v2,{'A' * 44} v1, {headers['webhook-signature']}"
    standard_webhooks.verify(headers, BODY, secrets=[SECRET], now=NOW)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_within_five_minutes_is_fresh(seconds: int) -> None:
    standard_webhooks.verify(signed(), BODY, secrets=[SECRET], now=NOW + timedelta(seconds=seconds))


REFUSED = {
    "no headers": {},
    "no id": {"webhook-id": None},
    "no time": {"webhook-timestamp": None},
    "no signature": {"webhook-signature": None},
    "empty signature": {"webhook-signature": ""},
    "another secret": signed(OTHER),
    "another id": {"webhook-id": "msg_2"},
    "another time": {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
    "another body": signed(body=BODY + b" "),
    "a week old": signed(now=NOW - timedelta(days=7)),
    "just stale": signed(now=NOW - timedelta(seconds=301)),
    "from the future": signed(now=NOW + timedelta(seconds=301)),
    "another version": {"webhook-signature": signed()["webhook-signature"].replace("v1,", "v2,")},
    "no version": {"webhook-signature": signed()["webhook-signature"].removeprefix("v1,")},
    "upper case version": {"webhook-signature": signed()["webhook-signature"].replace("v1,", "V1,")},
    "cut": {"webhook-signature": signed()["webhook-signature"][:-1]},
    "not ASCII": {"webhook-signature": "v1,ł\u0661ÿ"},
    "surrogate": {"webhook-signature": "v1,\ud800"},
    "id not ASCII": {"webhook-id": "wiadomość"},
    "time not ASCII": {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
    "time not a number": {"webhook-timestamp": "nan"},
    "time negative": {"webhook-timestamp": "-1"},
    "time endless": {"webhook-timestamp": "9" * 5000},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case: str) -> None:
    change = REFUSED[case]
    headers = {} if case == "no headers" else {k: v for k, v in {**signed(), **change}.items() if v is not None}
    with pytest.raises(SignatureRefused):
        standard_webhooks.verify(headers, BODY, secrets=[SECRET], now=NOW)


@pytest.mark.parametrize("secrets", [[], [""], ["whsec_"], ["no base64!"], ["whsec_====="], ["ł"], [SECRET[6:]]])
def test_without_a_usable_secret_nothing_is_accepted(secrets: list[str]) -> None:
    empty = standard_webhooks.sign([b""], id="msg_1", now=NOW, body=BODY)
    for headers in (signed(), empty):
        with pytest.raises(SignatureRefused):
            standard_webhooks.verify(headers, BODY, secrets=secrets, now=NOW)


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(place: int, change: int) -> None:
    body = bytearray(BODY)
    body[place] ^= change
    with pytest.raises(SignatureRefused):
        standard_webhooks.verify(signed(), bytes(body), secrets=[SECRET], now=NOW)


ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(
    st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), ANY_TEXT),
    st.binary(), st.lists(ANY_TEXT),
)  # fmt: skip
def test_nothing_but_a_refusal_is_ever_raised(headers: dict[str, str], body: bytes, secrets: list[str]) -> None:
    with pytest.raises(SignatureRefused):
        standard_webhooks.verify({**signed(OTHER), **headers}, body, secrets=secrets, now=NOW)


def test_new_secrets_differ_and_have_32_bytes() -> None:
    first, second = standard_webhooks.new_secret(), standard_webhooks.new_secret()
    assert first != second
    assert len(standard_webhooks.key_of(first)) == 32


def test_a_key_is_read_without_its_padding() -> None:
    secret = "whsec_" + base64.b64encode(bytes(range(25))).decode()
    assert standard_webhooks.key_of(secret.rstrip("=")) == standard_webhooks.key_of(secret) == bytes(range(25))
    with pytest.raises(ConfigurationError):
        standard_webhooks.key_of("whsec_MfKQ9r8GKYqr TwjUPD8ILPZIo2LaLaSw")
