"""``/v1/keys``: further API keys of the workspace, each with scopes of its own. A key is shown once and kept as a hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.auth import Key, authenticate
from api.problems import Problem
from api.v1.rendering import moment
from api.v1.store import Store
from api.v1.triage.endpoints import PROBLEMS
from api.v1.triage.schemas import Strict
from triage.storage import keys

router = APIRouter(prefix="/v1/keys", tags=["keys"], responses=PROBLEMS)

Scope = Literal["triage", "read", "write", "approve", "articles", "webhooks", "admin"]


@dataclass(frozen=True)
class Caller:
    """Who asks, with the scope ``admin``."""

    key: Key
    store: Store


def _caller(request: Request) -> Caller:
    key = authenticate(request, "admin")
    return Caller(key, Store(request.app.state.database, key.workspace, actor=f"key:{key.id}"))


Admin = Annotated[Caller, Depends(_caller)]


class KeyBody(Strict):
    name: Annotated[str, Field(min_length=1, max_length=100, examples=["helpdesk"])]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=10, examples=[["triage", "read", "write"]])]


class KeyOut(BaseModel):
    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    """``key`` is in this answer alone."""

    key: str


class KeysOut(BaseModel):
    keys: list[KeyOut]


@router.post("", response_model=NewKeyOut, status_code=201, summary="Make a key")
def create(body: KeyBody, caller: Admin) -> JSONResponse:
    """A key can be given no scope that the caller's lacks."""
    if beyond := sorted(set(body.scopes) - caller.key.scopes):
        raise Problem(403, "forbidden", f"this key lacks the scope {beyond[0]!r} itself")
    clear = keys.new_key()
    made = caller.store.write(
        lambda w: keys.create(
            w,
            name=body.name,
            scopes=body.scopes,
            sha256=keys.hash_key(clear),
            actor=caller.store.actor,
            now=caller.store.now,
        )
    )
    content = {"id": made, "name": body.name, "scopes": sorted(set(body.scopes)), "key": clear}
    return JSONResponse({**content, "created_at": moment(caller.store.now), "revoked_at": None}, status_code=201)


@router.get("", response_model=KeysOut, summary="All keys but the first, which stands in the data folder")
def listed(caller: Admin) -> JSONResponse:
    return JSONResponse({"keys": [_shown(row) for row in caller.store.read(keys.every)]})


@router.delete("/{key_id}", status_code=204, summary="Revoke a key")
def revoke(key_id: str, request: Request, caller: Admin) -> Response:
    """It is refused from now on in this process, and within seconds in others."""
    caller.store.write(lambda w: keys.revoke(w, key_id, actor=caller.store.actor, now=caller.store.now))
    request.app.state.keys.forget()
    return Response(status_code=204)


def _shown(row: Any) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "name", "scopes")},
        "created_at": moment(row["created_at"]), "revoked_at": moment(row["revoked_at"]),
    }  # fmt: skip
