"""Which addresses may be called, and how long to wait; the rest needs sockets and stands with the integration tests."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.channels import outgoing
from triage.errors import ConfigurationError

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "::ffff:8.8.8.8"])
def test_the_internet_is_public(address: str) -> None:
    assert outgoing.public(ipaddress.ip_address(address))
    assert outgoing.local_too(ipaddress.ip_address(address))


PRIVATE = [
    "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::1",
]  # fmt: skip
NEVER = [
    "169.254.169.254", "0.0.0.0", "::", "fe80::1", "224.0.0.1", "ff02::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_leave(address: str) -> None:
    assert not outgoing.public(ipaddress.ip_address(address))
    assert outgoing.local_too(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_called(address: str) -> None:
    assert not outgoing.public(ipaddress.ip_address(address))
    assert not outgoing.local_too(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "::1"])
def test_every_spelling_of_this_machine_is_private(host: str) -> None:
    with pytest.raises((outgoing.AddressRefused, OSError)):
        outgoing.addresses_of(host, 443, outgoing.public)


def test_one_private_address_among_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    with pytest.raises(outgoing.AddressRefused):
        outgoing.addresses_of("both.example", 443, outgoing.public)
    assert len(outgoing.addresses_of("both.example", 443, outgoing.local_too)) == 2


@pytest.mark.parametrize(
    "url",
    ["", "x", "http://a.example", "file:///etc/passwd", "https://", "https://u:p@a.example", "https://a.example/#x",
     "https://a.example:0", "https://a.example:99999", "https://[::1", "https://a\x00.example", "https://" + "a" * 2000],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        outgoing.checked_url(url)


@given(st.text(st.characters(exclude_categories=())).map(lambda text: "https://" + text))
def test_any_address_is_right_or_wrong(url: str) -> None:
    try:
        outgoing.checked_url(url)
    except ConfigurationError:
        return


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120.0), ("0", 0.0), ("9" * 400, 86400.0), ("Mon, 04 May 2026 09:31:00 GMT", 60.0), ("", None), ("soon", None),
     ("Mon, 04 May 2020 09:31:00 GMT", 0.0), ("-5", None), ("١٢", None), ("Mon, 99 May 2026 09:31:00 GMT", None)],
)  # fmt: skip
def test_how_long_to_wait(value: str, seconds: float | None) -> None:
    answer = outgoing.Answer(status=429, headers={"retry-after": value})
    assert outgoing.retry_after(answer, NOW) == seconds


@given(st.text(st.characters(exclude_categories=())))
def test_any_wait_is_read_or_not(value: str) -> None:
    seconds = outgoing.retry_after(outgoing.Answer(status=429, headers={"retry-after": value}), NOW)
    assert seconds is None or 0 <= seconds <= outgoing.MOST_WAIT
