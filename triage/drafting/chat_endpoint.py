"""A small client for OpenAI-compatible chat endpoints (``POST {base_url}/chat/completions``), with a hard time limit.

Certificates are verified, redirects and proxies are not followed, and no error repeats what was sent or received.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from pydantic import SecretStr

from triage.errors import ConfigurationError

MOST_BYTES = 256 * 1024
"""A longer response is refused; a reply of a few sentences needs a hundredth of it."""

_CHUNK = 16 * 1024


class LlmError(Exception):
    """The endpoint gave no usable answer. ``reason`` is stable, ``detail`` is for people, neither holds any text sent."""

    def __init__(self, reason: str, detail: str, *, retryable: bool = False) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.retryable = reason, detail, retryable


class ChatEndpoint:
    """One model behind one endpoint. Stateless and safe to share between threads.

    Args:
        base_url: such as ``https://llm.example/v1``; ``http`` is accepted for servers in the same network.
        timeout: seconds for everything together: name look-up, connection, both attempts, the last byte.

    Raises:
        ConfigurationError: an address or a key that cannot be sent.
    """

    def __init__(self, base_url: str, *, model: str, api_key: SecretStr | None = None, timeout: float = 30.0) -> None:
        parts = urlsplit(base_url)
        try:
            port = parts.port
        except ValueError:
            raise ConfigurationError("TRIAGE_LLM_BASE_URL: the port is no number") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ConfigurationError("TRIAGE_LLM_BASE_URL must look like https://host/v1")
        if parts.username is not None or parts.password is not None:
            raise ConfigurationError("TRIAGE_LLM_BASE_URL must hold no user and password; use TRIAGE_LLM_API_KEY")
        key = api_key.get_secret_value() if api_key else ""
        path = f"{parts.path.rstrip('/')}/chat/completions"
        # http.client would repeat a key that it cannot send in its own error.
        if not all("!" <= character <= "~" for character in key + path):
            raise ConfigurationError("TRIAGE_LLM_API_KEY and TRIAGE_LLM_BASE_URL must be plain ASCII without spaces")
        if not 0 < timeout <= 30:
            raise ConfigurationError("TRIAGE_LLM_TIMEOUT must be above 0 and at most 30 seconds")
        self._host, self._port, self._path = parts.hostname, port, path
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._model, self._key, self._timeout = model, api_key if key else None, timeout

    def complete(self, messages: Sequence[Mapping[str, str]]) -> str:
        """What the model answers to ``messages`` (``role`` and ``content`` each).

        Raises:
            LlmError: ``llm_timeout``, ``llm_unavailable``, ``llm_too_large`` or ``llm_malformed``.
        """
        body = json.dumps({"model": self._model, "messages": list(messages)}).encode("utf-8", "replace")
        deadline = time.monotonic() + self._timeout
        try:
            return self._ask(body, deadline)
        except LlmError as error:
            if not error.retryable:
                raise
        return self._ask(body, deadline)

    def _ask(self, body: bytes, deadline: float) -> str:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise _late()
        status, answer = _Exchange(self._connection(seconds)).run(self._path, body, self._headers(), seconds)
        if status != 200:
            detail = f"the language model's endpoint answered {status}"
            raise LlmError("llm_unavailable", detail, retryable=status >= 500)
        return _content(answer)

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=seconds)
        return http.client.HTTPSConnection(self._host, self._port, timeout=seconds, context=self._tls)

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        return headers


class _Exchange:
    """One request in a thread of its own: socket time limits start anew with every byte, and a name look-up has none."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._given_up = False
        self._done = threading.Event()
        self._result: tuple[int, bytes] | None = None
        self._error: LlmError | None = None

    def run(self, path: str, body: bytes, headers: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
        """Status and body of the response, at most ``seconds`` from now."""
        threading.Thread(target=self._work, args=(path, body, headers), daemon=True, name="llm").start()
        if not self._done.wait(seconds):
            self._give_up()
            raise _late()
        if self._error is not None:
            raise self._error
        assert self._result is not None  # the worker leaves one or the other
        return self._result

    def _work(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            self._connection.connect()
            with self._lock:
                self._socket = self._connection.sock
                if self._given_up:
                    return
            self._connection.request("POST", path, body, dict(headers))
            response = self._connection.getresponse()
            with response:
                self._result = response.status, _read(response)
        except Exception as error:  # whatever happens here is an answer for the waiting thread
            self._error = _as_llm_error(error)
        finally:
            self._connection.close()
            self._done.set()

    def _give_up(self) -> None:
        with self._lock:
            self._given_up = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)  # wakes a worker that waits for bytes


def _read(response: http.client.HTTPResponse) -> bytes:
    content = bytearray()
    while chunk := response.read(_CHUNK):
        content += chunk
        if len(content) > MOST_BYTES:
            raise LlmError("llm_too_large", f"the language model's response is longer than {MOST_BYTES} bytes")
    if response.length:
        raise http.client.IncompleteRead(b"")
    return bytes(content)


def _as_llm_error(error: Exception) -> LlmError:
    if isinstance(error, LlmError):
        return error
    if isinstance(error, TimeoutError):
        return _late()
    if isinstance(error, ssl.SSLCertVerificationError):
        return LlmError("llm_unavailable", "the certificate of the language model's endpoint is not valid")
    return LlmError("llm_unavailable", "the language model's endpoint cannot be reached", retryable=True)


def _late() -> LlmError:
    return LlmError("llm_timeout", "the language model took too long")


def _content(answer: bytes) -> str:
    """The text of the first choice of a chat completion (OpenAI API reference, "The chat completion object")."""
    malformed = LlmError("llm_malformed", "the language model's response is no finished chat completion")
    try:
        choice = json.loads(answer)["choices"][0]
        content = choice["message"]["content"]
        finished = choice.get("finish_reason") in {None, "stop"}
        if not isinstance(content, str) or not content.strip() or not finished:
            raise malformed
        content.encode("utf-8")  # a lone surrogate passes json.loads
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise malformed from None
    return content.strip()
