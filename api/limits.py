"""Limits that hold before anything is parsed: body size, media type, encoding, depth, and how many requests wait."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import RETRY_AFTER, Problem, response
from triage.channels.payload import MAX_DEPTH, depth

MAX_BODY = 1024 * 1024
IMPORTS = frozenset({"/v1/articles/import", "/v1/orders/import"})
"""What takes NDJSON, each line of which is read by itself."""
MAX_IMPORT = 64 * 1024 * 1024
CHANNELS = "/v1/channels/"
STREAM = "/live"
"""Stays open as long as a page does, which is no request that waits; it bounds itself."""
MAX_DELIVERY = 4 * 1024 * 1024
"""Providers sign the bytes, so these are handed on as they came, whatever their type."""


class Metrics:
    """Counts and durations; no label ever holds a message's text or a key."""

    def __init__(self, registry: Any) -> None:
        self.requests = Counter("triage_requests_total", "Requests", ["route", "status"], registry=registry)
        self.seconds = Histogram(
            "triage_request_seconds", "Duration of a request", ["route"], registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
        )  # fmt: skip
        self.messages = Counter(
            "triage_messages_total", "Messages triaged", ["language", "intent", "urgency"], registry=registry
        )
        self.waiting = Gauge("triage_requests_waiting", "Requests being worked on", registry=registry)


class Limits:
    """ASGI middleware around the whole application.

    Args:
        most_waiting: requests under work at once; one more is answered 503 with Retry-After.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, most_waiting: int) -> None:
        self._app, self._metrics, self._most_waiting = app, metrics, most_waiting
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == STREAM:
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        begun, status = time.perf_counter(), 500

        async def reply(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        self._waiting += 1
        self._metrics.waiting.set(self._waiting)
        try:
            await self._limited(scope, receive, reply)
        finally:
            self._waiting -= 1
            self._metrics.waiting.set(self._waiting)
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.requests.labels(route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - begun)

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            # Probes must get through when the API is busy, or a restart would make it worse.
            if self._waiting > self._most_waiting and scope["path"].startswith("/v1/"):
                raise Problem(503, "overloaded", "too many requests wait", headers={"Retry-After": RETRY_AFTER})
            if scope["method"] in ("POST", "PUT", "PATCH") and scope["path"].startswith("/v1/"):
                receive = _replay(await self._body(request, receive))
        except Problem as problem:
            await response(problem, request)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _body(self, request: Request, receive: Receive) -> bytes:
        importing = request.url.path in IMPORTS
        delivered = request.url.path.startswith(CHANNELS)
        limit = MAX_IMPORT if importing else MAX_DELIVERY if delivered else MAX_BODY
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if importing:
            if media not in ("application/x-ndjson", "application/jsonl", "application/ndjson"):
                raise Problem(415, "unsupported_media_type", "the body must be application/x-ndjson")
        elif (
            not media
            and request.headers.get("content-length", "0") == "0"
            and "transfer-encoding" not in request.headers
        ):
            return b""  # calls such as a replay say everything in their address
        elif not delivered and media != "application/json" and not media.endswith("+json"):
            raise Problem(415, "unsupported_media_type", "the body must be application/json")
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Problem(400, "disconnected", "the body ended early")
            body += message.get("body", b"")
            if len(body) > limit:
                raise _too_large(limit)
            if not message.get("more_body"):
                break
        return bytes(body) if importing or delivered else _checked(bytes(body))


def _too_large(limit: int) -> Problem:
    return Problem(413, "too_large", f"the body is larger than {limit} bytes")


def _checked(body: bytes) -> bytes:
    """The body, if it is UTF-8 JSON of bounded depth; lone surrogates, which no output could encode, are replaced."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(400, "not_json", f"the body is not UTF-8 at byte {error.start}") from None
    if depth(text) > MAX_DEPTH:
        raise Problem(400, "too_deep", f"the body is nested deeper than {MAX_DEPTH}")
    try:
        parsed = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Problem(400, "not_json", "the body is not valid JSON") from None
    if "\\u" not in text:
        return body
    return json.dumps(_without_surrogates(parsed), ensure_ascii=False).encode("utf-8")


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        # One code point for one, so that offsets stay what they were.
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


def _replay(body: bytes) -> Receive:
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
