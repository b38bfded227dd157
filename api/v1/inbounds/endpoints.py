"""``/v1/inbounds``: ways in, set up by admins."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.problems import Problem
from api.v1.inbounds.schemas import InboundBody, InboundOut, InboundSecretOut, InboundsOut, inbound_json
from api.v1.store import Administering, Store
from api.v1.triage.endpoints import PROBLEMS
from triage.channels.standard_webhooks import new_secret
from triage.errors import ConfigurationError, Unknown
from triage.storage import inbounds
from triage.storage.events import record
from triage.storage.inbounds import Inbound
from triage.storage.workspace import Workspace

router = APIRouter(prefix="/v1/inbounds", tags=["inbounds"], responses={**PROBLEMS, 404: PROBLEMS[422]})


@router.post("", response_model=InboundSecretOut, status_code=201, summary="Open a way in")
def create(body: InboundBody, request: Request, store: Administering) -> JSONResponse:
    """Without a secret of the provider's, a generic webhook gets a new one. It is in this answer alone."""
    made, secret = open_way_in(body, request.app.state, store)
    return JSONResponse({**inbound_json(made), "secret": secret}, status_code=201)


def open_way_in(body: InboundBody, state: Any, store: Store) -> tuple[Inbound, str | None]:
    """A new way in, and its secret in clear.

    Raises:
        Problem: 422 with the field's name.
    """
    if body.channel not in state.channels:
        raise Problem(422, "invalid_field", "channel: not among the configured channels", field="channel")
    adapter = state.adapters.get(body.adapter)
    if adapter is None:
        raise Problem(422, "invalid_field", "adapter: there is no such adapter", field="adapter")
    secret = body.secret
    if secret is None and body.adapter == "webhook":
        secret = new_secret()
    if body.adapter == "email":
        # What proves that a mail answers one of ours; nobody needs to know or choose it.
        body.settings.setdefault("token_secret", token_urlsafe(32))
    check = getattr(adapter, "check", None)
    if check is not None:
        try:
            check(body.settings, secret)
        except ConfigurationError as error:
            raise Problem(422, "invalid_field", f"settings: {error}", field="settings") from None

    def work(workspace: Workspace) -> Inbound:
        key = inbounds.create(
            workspace, channel=body.channel, adapter=body.adapter, secret=secret, settings=body.settings, now=store.now
        )
        record(workspace, "inbound.created", key, actor=store.actor, now=store.now)
        return find_inbound(workspace, key)

    return store.write(work), secret


@router.get("", response_model=InboundsOut, summary="All ways in")
def listed(store: Administering) -> JSONResponse:
    return JSONResponse({"inbounds": [inbound_json(inbound) for inbound in store.read(inbounds.every)]})


@router.get("/{inbound_id}", response_model=InboundOut, summary="One way in")
def read(inbound_id: str, store: Administering) -> JSONResponse:
    return JSONResponse(inbound_json(store.read(lambda w: find_inbound(w, inbound_id))))


@router.delete("/{inbound_id}", status_code=204, summary="Close a way in")
def delete(inbound_id: str, store: Administering) -> Response:
    """Nothing comes in there any more; what came stays."""

    def work(workspace: Workspace) -> None:
        if not find_inbound(workspace, inbound_id).disabled:
            inbounds.disable(workspace, inbound_id, now=store.now)
            record(workspace, "inbound.disabled", inbound_id, actor=store.actor, now=store.now)

    store.write(work)
    return Response(status_code=204)


def find_inbound(workspace: Workspace, inbound_id: str) -> Inbound:
    found = next((inbound for inbound in inbounds.every(workspace) if inbound.id == inbound_id), None)
    if found is None:
        raise Unknown("inbound", inbound_id)
    return found
