"""One POST to an address that somebody gave us: a webhook, a reply's receiver.

No redirects, no proxies, no cookies; every address that the name has is checked, and the one that was checked is the one that
is connected to, so that a name cannot change its address in between. The whole exchange has one deadline, because a receiver
that sends a byte every few seconds would never run into the timeout of a single read.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpcore2
import httpx2

from triage.errors import ConfigurationError, SendFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Rule = Callable[[Address], bool]

STEP_SECONDS = 10.0
TOTAL_SECONDS = 25.0
MOST_WAIT = 24 * 3600.0
MOST_ADDRESSES = 8

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(SendFailed):
    """The name leads to an address that may not be called."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``body``: its beginning, as much as was asked for; empty where the connection was lost after the status came."""

    status: int
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


def public(address: Address) -> bool:
    """Whether ``address`` is on the internet: not of this machine, its network, a cloud's metadata service."""
    inner = _embedded(address)
    return inner.is_global and not (inner.is_multicast or inner.is_reserved)


def local_too(address: Address) -> bool:
    """The internet, this machine and private networks; never link-local, where clouds keep their metadata service."""
    inner = _embedded(address)
    return not (inner.is_link_local or inner.is_multicast or inner.is_unspecified) and (
        public(inner) or inner.is_private or inner.is_loopback
    )


def loopback(address: Address) -> bool:
    """This machine alone."""
    return _embedded(address).is_loopback


def checked_url(url: str, *, plain: bool = False) -> httpx2.URL:
    """``url``, if a POST may go there as far as its writing tells.

    Args:
        plain: whether ``http`` will do.

    Raises:
        ConfigurationError: not https, without host, or with a password, which would end up in logs.
    """
    try:
        parsed = httpx2.URL(url)
        port = 443 if parsed.port is None else parsed.port
    except (httpx2.InvalidURL, ValueError, TypeError):
        raise ConfigurationError("this is no address") from None
    if parsed.scheme not in (("http", "https") if plain else ("https",)):
        raise ConfigurationError("the address must begin with https://" + (" or http://" if plain else ""))
    if not parsed.host or parsed.userinfo or parsed.fragment or not 0 < port < 65536 or len(url) > 2000:
        raise ConfigurationError("the address needs a host, no user, no fragment, and 2,000 characters at most")
    return parsed


def addresses_of(host: str, port: int, rule: Rule) -> list[Address]:
    """All addresses of ``host``.

    Raises:
        AddressRefused: one of them breaks ``rule``.
        OSError: it has none.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is too long
        raise OSError("no such host") from error
    addresses = list(dict.fromkeys(ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found))
    if not addresses:
        raise OSError("no such host")
    if not all(rule(address) for address in addresses):
        raise AddressRefused("the address is private, or of this machine")
    return addresses[:MOST_ADDRESSES]


def post(
    url: httpx2.URL, body: bytes, headers: Mapping[str, str], *, rule: Rule, read: int = 0, step: float = STEP_SECONDS,
    total: float = TOTAL_SECONDS,
) -> Answer:  # fmt: skip
    """Sends ``body``; whatever status comes back is an answer.

    Args:
        read: bytes of the answer's body to read.
        step, total: seconds for one wait, and for everything.

    Raises:
        AddressRefused: nothing was sent.
        SendFailed: ``retryable`` where nothing was sent, ``uncertain`` where the other side may have taken it.
    """
    backend = _CheckedBackend(rule, time.monotonic() + total)
    target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    fields = {
        "host": url.netloc.decode("ascii"), "user-agent": "triage-assistant", "accept": "application/json",
        "accept-encoding": "identity", "connection": "close", "content-length": str(len(body)), **headers,
    }  # fmt: skip
    try:
        with httpcore2.ConnectionPool(ssl_context=_tls(), network_backend=backend) as pool:
            timeout = {"connect": step, "read": step, "write": step, "pool": step}
            lines = [(name.encode("ascii"), value.encode("utf-8", "replace")) for name, value in fields.items()]
            with pool.stream("POST", target, headers=lines, content=body, extensions={"timeout": timeout}) as response:
                return Answer(
                    status=response.status,
                    headers={
                        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
                    },
                    body=_beginning(response, read),
                )
    except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
        raise SendFailed("no connection", retryable=True) from error
    except (httpcore2.UnsupportedProtocol, httpcore2.LocalProtocolError) as error:
        raise SendFailed("the request could not be made") from error
    except httpcore2.TimeoutException as error:
        raise SendFailed("no answer in time", uncertain=True) from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise SendFailed("the connection broke before an answer", uncertain=True) from error


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds that the other side asked to wait (RFC 9110, 10.2.3), a day at most; None where it did not ask."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), MOST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
        seconds = (moment - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(seconds, 0.0), MOST_WAIT)


@cache
def _tls() -> ssl.SSLContext:
    # The library tells addresses and headers at DEBUG, and a webhook's address may hold its owner's token.
    logging.getLogger("httpcore2").setLevel(logging.INFO)
    return httpcore2.default_ssl_context()


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _beginning(response: httpcore2.Response, size: int) -> bytes:
    if not size:
        return b""
    body = bytearray()
    try:
        for part in response.iter_stream():
            body += part
            if len(body) >= size:
                break
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError):
        return b""  # the status came whole, and it is what counts
    return bytes(body[:size])


class _CheckedBackend(httpcore2.NetworkBackend):
    """Connects to addresses that were checked, until a deadline (``time.monotonic``)."""

    def __init__(self, rule: Rule, deadline: float) -> None:
        self._rule, self._deadline, self._plain = rule, deadline, httpcore2.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:  # fmt: skip
        try:
            addresses = addresses_of(host, port, self._rule)
        except OSError as error:
            raise httpcore2.ConnectError("no such host") from error
        failure: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            try:
                left = _left(self._deadline, timeout, httpcore2.ConnectTimeout)
                stream = self._plain.connect_tcp(str(address), port, left, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _Timed(stream, self._deadline)
        raise failure


class _Timed(httpcore2.NetworkStream):
    """A stream of which no wait outlasts the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(self._deadline, timeout, httpcore2.ConnectTimeout)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, timeout: float | None, error: type[Exception]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise error("the time is up")
    return left if timeout is None else min(left, timeout)
