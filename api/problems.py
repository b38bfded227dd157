"""Errors as application/problem+json (RFC 9457). A problem never repeats the text of a message."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from triage.errors import (
    Conflict,
    IndexUnavailable,
    InvalidMessage,
    Overloaded,
    StorageUnavailable,
    TriageError,
    Unknown,
)

logger = logging.getLogger(__name__)

RETRY_AFTER = "1"


class Problem(Exception):
    """Raised anywhere below an endpoint; becomes the response.

    Args:
        code: stable, for programs; ``detail`` is for people.
        extra: further members, such as ``field``.
    """

    def __init__(self, status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **extra: Any):
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.headers, self.extra = headers or {}, extra

    def body(self, *, instance: str, request_id: str) -> dict[str, Any]:
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "request_id": request_id,
            **self.extra,
        }


def from_error(error: TriageError) -> Problem:
    """The problem that a domain error is."""
    if isinstance(error, InvalidMessage):
        return Problem(422, error.code, str(error), field=error.field)
    if isinstance(error, Conflict):
        # A key that comes with other content is a wrong request; the rest are lost races.
        return Problem(422 if error.reason == "key_reused" else 409, error.reason, str(error))
    if isinstance(error, Unknown):
        return Problem(404, f"unknown_{error.kind.replace(' ', '_')}", str(error))
    if isinstance(error, Overloaded | IndexUnavailable | StorageUnavailable):
        return Problem(503, error.code, str(error), headers={"Retry-After": RETRY_AFTER})
    return Problem(500, error.code, "the server could not do this; its log says why")


def from_validation(errors: Any) -> Problem:
    """One problem for the first invalid field; the others are listed by name. Values are left out on purpose."""
    found = [{"field": field_name(error["loc"]), "detail": str(error["msg"])} for error in errors]
    first = found[0]
    return Problem(
        422, "invalid_field", f"{first['field']}: {first['detail']}", field=first["field"], errors=found[:20]
    )


def field_name(location: tuple[str | int, ...]) -> str:
    parts = [str(part) for part in location if part not in ("body", "query", "path")]
    return ".".join(parts) or "body"


def response(problem: Problem, request: Request) -> JSONResponse:
    request_id = getattr(request.state, "request_id", "")
    return JSONResponse(
        problem.body(instance=request.url.path, request_id=request_id),
        status_code=problem.status,
        headers=problem.headers,
        media_type="application/problem+json",
    )


_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 415: "unsupported_media_type"}


def install(app: FastAPI) -> None:
    """Turns every kind of exception into a problem."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> JSONResponse:
        return response(problem, request)

    @app.exception_handler(TriageError)
    async def on_domain_error(request: Request, error: TriageError) -> JSONResponse:
        if not isinstance(error, InvalidMessage | Conflict | Unknown):
            logger.error("%s %s: %s", request.method, request.url.path, error.code)
        return response(from_error(error), request)

    @app.exception_handler(RequestValidationError)
    async def on_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        if any(item["type"] == "json_invalid" for item in error.errors()):
            return response(Problem(400, "not_json", "the body is not valid JSON"), request)
        return response(from_validation(error.errors()), request)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        code = _HTTP_CODES.get(error.status_code, "http_error")
        return response(Problem(error.status_code, code, str(error.detail), headers=dict(error.headers or {})), request)

    @app.exception_handler(Exception)
    async def on_defect(request: Request, error: Exception) -> JSONResponse:
        # The exception's own text may hold a message's text, so only its type and place are logged.
        trace, place = error.__traceback__, ""
        while trace is not None:
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
            trace = trace.tb_next
        logger.error("%s %s failed: %s at %s", request.method, request.url.path, type(error).__name__, place)
        return response(Problem(500, "internal", "an unexpected error; the server's log says where"), request)
