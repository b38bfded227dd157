"""Bodies of ``/v1/workspace/settings``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.v1.triage.schemas import Strict
from triage.conversations.sla_settings import SlaSettings
from triage.storage.workspaces import WorkspaceSettings

MOST_UNDO = 3600


Signature = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
LanguageTag = Annotated[str, Field(pattern=r"^([a-z]{2,3})?$")]


class VoiceBody(Strict):
    """How replies sound.

    Attributes:
        address: whether customers are addressed formally (Sie, vous, Pan) or informally (du, tu, ty), where the language
            makes a difference.
        signatures: what a reply is signed with, by language; under ``""`` for all others. The brand where nothing is set.
    """

    address: Literal["formal", "informal"] = "formal"
    signatures: dict[LanguageTag, Signature] = Field(default_factory=dict, max_length=60)


class SettingsBody(Strict):
    """What is left out stays as it is; null takes what it names back to the default, but for the brand.

    ``llm`` false keeps the installation's language model, where it has one, away from this workspace's drafts. ``precision``:
    per cent of the messages that the model does not abstain from whose intent should be right; the higher, the more often a
    person is asked.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "brand": "Tamaro",
                    "undo_seconds": 10,
                    "sla": {
                        "calendar": {
                            "time_zone": "Europe/Berlin",
                            "hours": {"monday": ["08:00-12:00", "13:00-17:00"], "tuesday": ["09:00-17:00"]},
                            "holidays": ["2026-12-25"],
                        },
                        "channels": {"email": {"hours": 8, "count": "working"}},
                        "urgency": {"critical": {"hours": 1, "count": "all"}},
                        "warn_minutes": 60,
                    },
                    "voice": {"address": "informal", "signatures": {"": "Your Tamaro team", "de": "Dein Tamaro-Team"}},
                }
            ]
        },
    )

    brand: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")] | None = None
    sla: SlaSettings | None = None
    voice: VoiceBody | None = None
    llm: bool | None = None
    precision: Literal["90", "95", "98"] | None = None
    undo_seconds: Annotated[int, Field(ge=0, le=MOST_UNDO)] | None = None


class SettingsOut(BaseModel):
    """``sla`` is null where every channel has the clock of its policy, ``voice`` where nothing is set."""

    brand: str
    sla: dict[str, Any] | None
    voice: dict[str, Any] | None
    llm: bool
    precision: str | None
    undo_seconds: int


def settings_json(settings: WorkspaceSettings) -> dict[str, Any]:
    return {
        "brand": settings.brand, "sla": settings.values.get("sla"),
        "voice": settings.values.get("voice"), "llm": settings.rewrites, "precision": settings.precision,
        "undo_seconds": settings.values.get("undo_seconds") or 0,
    }  # fmt: skip
