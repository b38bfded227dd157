"""Bodies of ``/v1/workspace/settings``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.v1.triage.schemas import Strict
from triage.conversations.sla_settings import SlaSettings
from triage.storage.workspaces import WorkspaceSettings

MOST_UNDO = 3600


class SettingsBody(Strict):
    """What is left out stays as it is; null takes ``sla`` or ``undo_seconds`` back to the default."""

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
                }
            ]
        },
    )

    brand: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")] | None = None
    sla: SlaSettings | None = None
    undo_seconds: Annotated[int, Field(ge=0, le=MOST_UNDO)] | None = None


class SettingsOut(BaseModel):
    """``sla`` is null where every channel has the clock of its policy."""

    brand: str
    sla: dict[str, Any] | None
    undo_seconds: int


def settings_json(settings: WorkspaceSettings) -> dict[str, Any]:
    return {
        "brand": settings.brand, "sla": settings.values.get("sla"),
        "undo_seconds": settings.values.get("undo_seconds") or 0,
    }  # fmt: skip
