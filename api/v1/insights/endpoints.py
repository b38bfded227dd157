"""``/v1/insights``: figures as JSON, or as CSV where the caller wants that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from api.v1.insights.examples import EXAMPLES
from api.v1.insights.schemas import FigureOut, FilterQuery, figure_json
from api.v1.store import Reading
from api.v1.triage.endpoints import PROBLEMS
from triage.insights.tables import Figure, csv_text
from triage.insights.types import (
    Anomalies,
    Backlog,
    Drafts,
    Filters,
    Model,
    Repeats,
    Suppliers,
    Volume,
)
from triage.insights.types import (
    Response as ResponseFigure,
)
from triage.storage import insights
from triage.storage.workspace import Workspace

router = APIRouter(prefix="/v1/insights", tags=["insights"], responses=PROBLEMS)

Asked = Annotated[FilterQuery, Query()]


def _answers(name: str) -> dict[int | str, dict[str, Any]]:
    """What a call answers, with an example of each form."""
    return {
        200: {
            "content": {
                "application/json": {"example": EXAMPLES[name]},
                "text/csv": {"schema": {"type": "string"}, "example": "by,value,…\r\nall,,…\r\n"},
            }
        }
    }


@router.get(
    "/volume", response_model=FigureOut[Volume], responses=_answers("volume"), summary="How many contacts, about what"
)
def volume(query: Asked, request: Request, store: Reading) -> Response:
    return _answer("volume", insights.volume, query, request, store)


@router.get(
    "/response", response_model=FigureOut[ResponseFigure], responses=_answers("response"), summary="How soon answered"
)
def response(query: Asked, request: Request, store: Reading) -> Response:
    return _answer("response", insights.response, query, request, store)


@router.get(
    "/backlog", response_model=FigureOut[Backlog], responses=_answers("backlog"), summary="Who waited, over time"
)
def backlog(query: Asked, request: Request, store: Reading) -> Response:
    return _answer("backlog", insights.backlog, query, request, store)


@router.get(
    "/drafts", response_model=FigureOut[Drafts], responses=_answers("drafts"), summary="What people did with drafts"
)
def drafts(query: Asked, request: Request, store: Reading) -> Response:
    return _answer("drafts", insights.drafts, query, request, store)


@router.get("/model", response_model=FigureOut[Model], responses=_answers("model"), summary="Coverage and precision")
def model(query: Asked, request: Request, store: Reading) -> Response:
    return _answer("model", insights.model, query, request, store)


@router.get(
    "/repeats", response_model=FigureOut[Repeats], responses=_answers("repeats"), summary="Who had to write again"
)
def repeats(query: Asked, request: Request, store: Reading) -> Response:
    return _answer("repeats", insights.repeats, query, request, store)


@router.get(
    "/anomalies", response_model=FigureOut[Anomalies], responses=_answers("anomalies"), summary="What stood out"
)
def anomalies(query: Asked, request: Request, store: Reading) -> Response:
    """Looked for once an hour; each is told once as ``anomaly.detected``. Channel, language and urgency do not narrow it."""
    return _answer("anomalies", insights.anomalies, query, request, store)


@router.get(
    "/suppliers", response_model=FigureOut[Suppliers], responses=_answers("suppliers"), summary="Suppliers compared"
)
def suppliers(query: Asked, request: Request, store: Reading) -> Response:
    """The time is that in which orders were placed; channel, language, intent and urgency choose the contacts about them."""
    return _answer("suppliers", insights.suppliers, query, request, store)


def _answer(
    name: str, read: Callable[..., Figure], query: FilterQuery, request: Request, store: Reading
) -> Response:  # fmt: skip
    def work(workspace: Workspace) -> tuple[Filters, Figure]:
        filters = query.filters(insights.today(workspace, now=store.now), insights.first_day(workspace))
        return filters, read(workspace, filters, now=store.now)

    filters, figure = store.read(work)
    vary = {"Vary": "Accept", "Cache-Control": "no-store"}
    if _wants_csv(request.headers.get("accept", "")):
        named = {"Content-Disposition": f'attachment; filename="{name}-{filters.since}-{filters.until}.csv"'}
        return Response(csv_text(figure), media_type="text/csv; charset=utf-8", headers={**vary, **named})
    return JSONResponse(figure_json(name, filters, figure), headers=vary)


def _wants_csv(accept: str) -> bool:
    """Whether CSV is asked for by name, and no less than JSON (RFC 9110, section 12.5.1)."""
    wanted: dict[str, float] = {}
    for part in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            wanted[media] = float(quality)
        except ValueError:
            wanted[media] = 0.0
    csv = wanted.get("text/csv", 0.0)
    return csv > 0 and csv >= wanted.get("application/json", 0.0)
