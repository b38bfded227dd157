"""Reading a provider's JSON: bounded, and never an exception but UnreadableDelivery."""

from __future__ import annotations

import json
import re
from typing import Any

from triage.errors import UnreadableDelivery

MAX_DEPTH = 32

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def load_json(body: bytes) -> Any:
    """``body`` as UTF-8 JSON (RFC 8259); NUL and lone surrogates, which cannot be stored, become U+FFFD.

    Raises:
        UnreadableDelivery: it is none, or nested deeper than 32.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableDelivery(f"the body is not UTF-8 at byte {error.start}") from None
    if depth(text) > MAX_DEPTH:
        raise UnreadableDelivery(f"the body is nested deeper than {MAX_DEPTH}")
    try:
        parsed = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise UnreadableDelivery("the body is not valid JSON") from None
    return storable(parsed) if "\\u" in text else parsed


def depth(text: str) -> int:
    """The deepest nesting of brackets outside strings; counted before parsing, which would recurse."""
    level = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        if bracket in "[{":
            level += 1
            deepest = max(deepest, level)
        else:
            level -= 1
    return deepest


def storable(value: Any) -> Any:
    """``value`` with U+FFFD for NUL and lone surrogates, one character for one, in keys too."""
    if isinstance(value, str):
        return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value


def value_at(document: Any, path: str) -> Any:
    """What stands at ``path``: a JSON pointer (RFC 6901) where it begins with a slash, else keys joined by dots.

    None where it is missing.

    Raises:
        LookupError: the way there leads through something that holds nothing, such as a string.
    """
    if path.startswith("/"):
        parts = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    else:
        parts = path.split(".") if path else []
    found = document
    for part in parts:
        if found is None:
            return None
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list):
            index = int(part) if part.isascii() and part.isdigit() and len(part) < 9 else len(found)
            found = found[index] if index < len(found) else None
        else:
            raise LookupError(path)
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")
