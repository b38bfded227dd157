"""``/v1/workspace/settings``: what a shop sets for itself."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.problems import Problem
from api.v1.store import Administering, Reading, Store
from api.v1.triage.endpoints import PROBLEMS
from api.v1.workspace.schemas import SettingsBody, SettingsOut, settings_json
from triage.errors import ConfigurationError
from triage.storage.events import record
from triage.storage.workspace import Workspace
from triage.storage.workspaces import WorkspaceSettings, change_settings, read_settings

router = APIRouter(prefix="/v1/workspace", tags=["workspace"], responses=PROBLEMS)


@router.get("/settings", response_model=SettingsOut, summary="The workspace's settings")
def read(store: Reading) -> JSONResponse:
    return JSONResponse(settings_json(store.read(read_settings)))


@router.put("/settings", response_model=SettingsOut, summary="Change the workspace's settings")
def change(body: SettingsBody, request: Request, store: Administering) -> JSONResponse:
    """New clocks hold for messages that are triaged from now on, within a minute; running ones stay."""
    return JSONResponse(settings_json(apply(body, request.app.state.channels, store)))


def apply(body: SettingsBody, channels: tuple[str, ...], store: Store) -> WorkspaceSettings:
    """Checks and keeps what ``body`` names; the settings as they are then.

    Raises:
        Problem: 422 with the field's name.
    """
    _check(body, channels)
    given = body.model_dump(mode="json", include=body.model_fields_set)
    brand = given.pop("brand", None)

    def work(workspace: Workspace) -> WorkspaceSettings:
        changed = change_settings(workspace, brand=brand, changes=given)
        details: dict[str, Any] = {"fields": sorted(body.model_fields_set)}
        record(workspace, "workspace.changed", workspace.id, actor=store.actor, now=store.now, details=details)
        return changed

    return store.write(work)


def _check(body: SettingsBody, channels: tuple[str, ...]) -> None:
    """What the fields alone do not say.

    Raises:
        Problem: 422 with the field's name.
    """
    if body.sla is None:
        return
    try:
        body.sla.terms()
    except ConfigurationError as error:
        place, _, detail = str(error).partition(": ")
        raise Problem(422, "invalid_field", f"sla.{place}: {detail}", field=f"sla.{place}") from None
    for name in body.sla.channels:
        if name not in channels:
            place = f"sla.channels.{name}"
            raise Problem(422, "invalid_field", f"{place}: not among the configured channels", field=place)
