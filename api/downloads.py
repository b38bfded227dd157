"""Files of customers on their way to an agent's disk: never shown or run in our pages' name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi.responses import Response

LONGEST_NAME = 120
_UNSAFE = re.compile(r'[/\\:*?"<>|]')


def download(row: Mapping[Any, Any]) -> Response:
    """The attachment ``row`` as a download."""
    return Response(
        row["content"],
        # Not the sender's media type: a browser that is told "text/html" may one day open it here.
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": disposition(row["name"]),
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        },
    )


def disposition(name: str) -> str:
    """Content-Disposition for a name that a stranger chose (RFC 6266): ASCII for old programs, UTF-8 for the others."""
    name = safe_name(name)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip(" .") or "attachment"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def safe_name(name: str) -> str:
    """``name`` without folders, control and direction characters (U+202E makes ``exe.pdf`` of ``fdp.exe``), not too long."""
    shown = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    # NFKD may bring signs back that mean something to a file system (U+FF0F is a slash).
    shown = _UNSAFE.sub("_", unicodedata.normalize("NFC", shown))
    shown = "".join("_" if _UNSAFE.search(unicodedata.normalize("NFKD", c)) else c for c in shown).strip(" .")
    stem, dot, ending = shown.rpartition(".")
    if not dot or len(ending) > 16:
        stem, ending = shown, ""
    most = LONGEST_NAME - len(ending) - 1
    return (stem[:most] + (f".{ending}" if ending else "")) or "attachment"
