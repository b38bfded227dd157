"""Channel policies as data: the packaged table, overridden key by key for a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triage.errors import ConfigurationError
from triage.types import ChannelPolicy

OWN_SETTING = "set by the workspace"
"""Source of a rule that a workspace changed without saying where it read it."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int | None = Field(default=None, ge=1)
    unit: Literal["characters", "bytes", "weighted characters"] = "characters"
    segments: int | None = Field(default=None, ge=1)
    links: bool = True
    contact_details: bool = True
    marketing: bool = True
    greeting: bool = True
    signoff: bool = True
    plain: bool = False
    public: bool = False
    language: str | None = Field(default=None, pattern="^[a-z]{2,3}$")
    sla_hours: float = Field(default=24.0, gt=0, le=24 * 365)
    policy: str | None = None
    source: str = ""
    sources: Mapping[str, str] = Field(default_factory=dict)


_RULES = frozenset(_Entry.model_fields) - {"policy", "source", "sources"}


class ChannelPolicies:
    """Looks a channel's policy up; a channel that nobody configured gets the entry ``default``.

    Args:
        overrides: a workspace's own values, ``{"amazon": {"sla_hours": 12}}``.

    Raises:
        ConfigurationError: an unknown key or a value out of range, named with its channel.
    """

    def __init__(self, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        table = yaml.safe_load((files("triage.channels") / "policies.yaml").read_text(encoding="utf-8"))
        changed = overrides or {}
        self._policies = {
            channel: _policy(channel, {**table.get(channel, table["default"]), **changed.get(channel, {})})
            for channel in {*table, *changed}
        }
        self._sources = {
            channel: _sources(table.get(channel, table["default"]), changed.get(channel, {}))
            for channel in self._policies
        }

    def __getitem__(self, channel: str) -> ChannelPolicy:
        return self._policies.get(channel, self._policies["default"])

    def sources(self, channel: str) -> Mapping[str, str]:
        """Where each rule of the channel's policy was read, by the rule's name; a workspace's own values say so."""
        return self._sources.get(channel, self._sources["default"])

    @property
    def channels(self) -> tuple[str, ...]:
        """Configured channels, sorted, without ``default``."""
        return tuple(sorted(self._policies.keys() - {"default"}))


def _policy(channel: str, values: Mapping[str, Any]) -> ChannelPolicy:
    try:
        entry = _Entry.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"channel policy {channel}.{field}: {first['msg']}") from error
    fields = entry.model_dump(exclude={"policy", "source", "sources"})
    source = entry.source or "; ".join(dict.fromkeys(entry.sources.values()))
    return ChannelPolicy(
        channel=channel, name=entry.policy or f"{channel}_{entry.sla_hours:g}h", source=source, **fields
    )


def _sources(packaged: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, str]:
    named: Mapping[str, str] = own.get("sources", {})
    read = {rule: where for rule, where in packaged["sources"].items() if rule not in own}
    chosen = {rule: named.get(rule) or own.get("source") or OWN_SETTING for rule in own if rule in _RULES}
    return {**read, **chosen}
