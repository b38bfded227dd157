"""``/v1/orders``: order facts that drafts may state."""

from __future__ import annotations

import io
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.problems import Problem
from api.v1.orders.schemas import OrderImportOut, OrderOut, StoredOrderBody, order_json, parse_line
from api.v1.store import Reading, Writing
from api.v1.triage.endpoints import PROBLEMS
from api.v1.triage.schemas import ProblemOut
from triage.storage import orders
from triage.storage.order_import import OrderImport, import_orders
from triage.storage.workspace import Workspace

router = APIRouter(prefix="/v1/orders", tags=["orders"], responses=PROBLEMS)

UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": ProblemOut, "description": "No such order", "content": {"application/problem+json": {}}}
}
ERASED: dict[int | str, dict[str, Any]] = {
    409: {"model": ProblemOut, "description": "Erased with its customer", "content": {"application/problem+json": {}}}
}
Number = Annotated[str, Path(min_length=1, max_length=80, description="The order's number, however it is typed.")]


@router.get("/{order_id:path}", response_model=OrderOut, responses=UNKNOWN, summary="One order")
def read(order_id: Number, store: Reading) -> JSONResponse:
    return JSONResponse(order_json(store.read(lambda w: orders.get_order(w, order_id))))


@router.put(
    "/{order_id:path}", response_model=OrderOut, summary="Keep or replace an order",
    responses={201: {"model": OrderOut, "description": "New"}, **ERASED},
)  # fmt: skip
def write(order_id: Number, body: StoredOrderBody, store: Writing) -> JSONResponse:
    """Replaces the whole order. One that was erased with its customer does not come back."""
    order, buyer = body.stored(order_id)

    def work(workspace: Workspace) -> tuple[str, orders.StoredOrder | None]:
        outcome = orders.put_order(workspace, order, buyer=buyer, now=store.now)
        return outcome, None if outcome == "erased" else orders.get_order(workspace, order.id)

    outcome, stored = store.write(work)
    if stored is None:
        raise Problem(409, "erased", "the order was erased with its customer")
    return JSONResponse(order_json(stored), status_code=201 if outcome == "new" else 200)


@router.delete("/{order_id:path}", status_code=204, responses=UNKNOWN, summary="Delete an order")
def remove(order_id: Number, store: Writing) -> Response:
    store.write(lambda w: orders.delete_order(w, order_id))
    return Response(status_code=204)


@router.post(
    "/import", response_model=OrderImportOut, summary="Keep many orders",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/x-ndjson": {
                    "schema": {"type": "string"},
                    "example": '{"id": "TM-10428", "status": "shipped", "customer": {"email": "anna@shop.example"}}\n',
                }
            },
        }
    },
)  # fmt: skip
async def import_many(request: Request, store: Writing) -> JSONResponse:
    """NDJSON of orders. What cannot be read is listed and the rest goes in; a file that breaks off keeps what was whole."""
    body, database = await request.body(), request.app.state.database
    report = await run_in_threadpool(
        import_orders, database, store.workspace_id, io.BytesIO(body), parse_line, now=store.now
    )
    return JSONResponse(_report_json(report))


def _report_json(report: OrderImport) -> dict[str, Any]:
    skipped = [{"where": f"body:{line.number}", "reason": line.reason} for line in report.skipped]
    if report.further:
        skipped.append({"where": "body", "reason": f"{report.further} further lines were left out"})
    return {"new": report.new, "changed": report.changed, "complete": report.complete, "skipped": skipped}
