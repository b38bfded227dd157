"""The linter: every breach of a channel's rule in a text, with its span."""

from __future__ import annotations

import re

from triage.drafting.segments import sms_segments
from triage.types import ChannelPolicy, PolicyWarning

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"']+[^\s<>\"'.,;:!?)\]]", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE = re.compile(r"(?<![\w./-])\+?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,5}(?![\w/-])")


def lint(text: str, policy: ChannelPolicy, *, allowed: tuple[str, ...] = ()) -> tuple[PolicyWarning, ...]:
    """Breaches of ``policy`` in ``text``, in order of place.

    Args:
        allowed: exact strings that are no contact details although they look like them: order and tracking numbers.
    """
    warnings: list[PolicyWarning] = []
    if policy.limit is not None and len(text) > policy.limit:
        warnings.append(
            PolicyWarning(
                rule="too_long", detail=f"{len(text)} of {policy.limit} characters", start=policy.limit, end=len(text)
            )
        )
    if policy.segments is not None and (needed := sms_segments(text)) > policy.segments:
        warnings.append(PolicyWarning(rule="too_long", detail=f"{needed} of {policy.segments} SMS segments"))
    warnings += content_breaches(text, policy, allowed=allowed)
    return tuple(sorted(warnings, key=lambda warning: warning.start or 0))


def content_breaches(text: str, policy: ChannelPolicy, *, allowed: tuple[str, ...] = ()) -> list[PolicyWarning]:
    """Breaches by what the text says, whatever its length."""
    warnings = []
    if not policy.links:
        warnings += [_warning("link", f"{policy.channel} allows no links", match) for match in _LINK.finditer(text)]
    if not policy.contact_details:
        for pattern in (_EMAIL, _PHONE):
            warnings += [
                _warning("contact_details", f"{policy.channel} allows no contact details", match)
                for match in pattern.finditer(text)
                if not any(match.group() in known or known in match.group() for known in allowed)
            ]
    return warnings


def _warning(rule: str, detail: str, match: re.Match[str]) -> PolicyWarning:
    return PolicyWarning(rule=rule, detail=detail, start=match.start(), end=match.end())


def fits(text: str, policy: ChannelPolicy) -> bool:
    """Whether ``text`` is within the channel's length."""
    if policy.limit is not None and len(text) > policy.limit:
        return False
    return policy.segments is None or sms_segments(text) <= policy.segments
