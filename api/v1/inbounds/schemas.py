"""Bodies of ``/v1/inbounds``."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.v1.triage.schemas import Strict
from triage.storage.inbounds import Inbound

ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]

_SECRET = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)


class InboundBody(Strict):
    """A way in. ``adapter``: who speaks the provider's protocol; ``settings`` are the adapter's."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "channel": "chat",
                    "adapter": "webhook",
                    "settings": {
                        "mapping": {"text": "data.body", "external_id": "data.id", "sender.email": "data.from"},
                        "reply_url": "https://chat.example/replies",
                    },
                }
            ]
        },
    )

    channel: ChannelName
    adapter: ChannelName = "webhook"
    secret: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    settings: dict[str, Any] = Field(default_factory=dict)


class InboundOut(BaseModel):
    """``path``: where the provider posts to. Passwords among the settings are not shown."""

    id: str
    channel: str
    adapter: str
    path: str
    settings: dict[str, Any]
    disabled: bool


class InboundSecretOut(InboundOut):
    """``secret`` is shown this once."""

    secret: str | None


class InboundsOut(BaseModel):
    inbounds: list[InboundOut]


def inbound_json(inbound: Inbound) -> dict[str, Any]:
    return {
        "id": inbound.id, "channel": inbound.channel, "adapter": inbound.adapter, "settings": _shown(inbound.settings),
        "path": f"/v1/channels/{inbound.channel}/{inbound.id}", "disabled": inbound.disabled,
    }  # fmt: skip


def _shown(settings: Any) -> Any:
    if isinstance(settings, dict):
        return {name: None if _SECRET.search(name) else _shown(value) for name, value in settings.items()}
    return [_shown(value) for value in settings] if isinstance(settings, list) else settings
