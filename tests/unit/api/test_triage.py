from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.unit.api.conftest import pipeline
from triage.errors import ModelError
from triage.pipeline import TriagePipeline
from triage.testing import FixedClassifier

TEXT = "Where is order 402-1234567-1234567? It is late."


def _problem(response: object, status: int) -> dict[str, object]:
    assert response.status_code == status, response.text  # type: ignore[attr-defined]
    assert response.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    body: dict[str, object] = response.json()  # type: ignore[attr-defined]
    assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= body.keys()
    assert body["status"] == status
    return body


def test_the_whole_response(client: TestClient) -> None:
    body = client.post(
        "/v1/triage", json={"text": TEXT, "channel": "amazon", "received_at": "2026-11-21T10:00:00Z"}
    ).json()
    assert body.keys() == {
        "language", "intent", "intents", "intent_ranking", "abstained", "needs_reply", "urgency", "entities", "sla",
        "articles", "draft", "tags", "truncated", "model_version", "index_version", "duration_ms",
    }  # fmt: skip
    assert body["language"] == {"code": "en", "confidence": 0.99, "band": "high", "alternatives": []}
    assert body["intent"] == {"name": "delivery_late", "confidence": 0.9, "band": "high"}
    assert body["intents"] == ["delivery_late", "refund_request"]
    assert body["entities"] == [{"type": "order_number", "value": "402-1234567-1234567", "start": 15, "end": 34}]
    assert body["sla"] == {"due_at": "2026-11-22T10:00:00Z", "policy": "amazon_24h"}
    assert body["articles"][0]["id"] == "delivery-late"
    assert body["draft"]["citations"][0]["article_id"] == "delivery-late"
    assert body["tags"] == ["intent__delivery_late", "intent__refund_request", "urgency__normal", "language__en"]


def test_walmart_has_48_hours_and_no_reply_has_no_clock(make_client: Callable[..., TestClient]) -> None:
    message = {"text": TEXT, "channel": "walmart", "received_at": "2026-11-21T10:00:00+01:00"}
    assert make_client().post("/v1/triage", json=message).json()["sla"] == {
        "due_at": "2026-11-23T09:00:00Z", "policy": "walmart_48h",
    }  # fmt: skip
    silent = make_client(lambda: pipeline(FixedClassifier("praise", needs_reply=False))).post(
        "/v1/triage", json=message
    )
    assert silent.json()["sla"]["due_at"] is None
    assert silent.json()["draft"] is None


def test_a_workspace_changes_a_clock(make_client: Callable[..., TestClient]) -> None:
    from triage.channels.policies import ChannelPolicies

    assert ChannelPolicies({"amazon": {"sla_hours": 12}})["amazon"].sla_hours == 12
    client = make_client(channel_policies={"fax": {"sla_hours": 72}})
    assert client.post("/v1/triage", json={"text": TEXT, "channel": "fax"}).status_code == 200


@pytest.mark.parametrize(
    "where",
    [
        {"subject": "Order TM-10428"},
        {"thread": [{"author": "customer", "text": "It is TM-10428"}]},
        {"order": {"id": "TM-10428"}},
    ],
)
def test_an_order_number_given_anywhere_is_not_asked_for(client: TestClient, where: dict[str, object]) -> None:
    assert client.post("/v1/triage", json={"text": "It is late."}).json()["draft"]["missing"] == ["order_number"]
    assert client.post("/v1/triage", json={"text": "It is late.", **where}).json()["draft"]["missing"] == []


def test_options_leave_out_what_is_not_wanted(client: TestClient) -> None:
    body = client.post("/v1/triage", json={"text": TEXT, "options": {"draft": False, "articles": 0}}).json()
    assert body["draft"] is None
    assert body["articles"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n\t "}, "text"),
        ({"text": "\u200b\u202e\ufeff"}, "text"),
        ({"text": None}, "text"),
        ({"text": 5}, "text"),
        ({"colour": "red"}, "colour"),
        ({"channel": "carrier_pigeon"}, "channel"),
        ({"channel": 7}, "channel"),
        ({"received_at": "yesterday"}, "received_at"),
        ({"received_at": 5}, "received_at"),
        ({"customer": {"nam": "x"}}, "customer.nam"),
        ({"options": {"articles": 51}}, "options.articles"),
        ({"thread": [{"author": "robot", "text": "x"}]}, "thread.0.author"),
        ({"order": {"id": "1", "total": "twelve"}}, "order.total"),
        ({"language_hint": "english please"}, "language_hint"),
    ],
)
def test_an_invalid_field_is_named(client: TestClient, change: dict[str, object], field: str) -> None:
    assert _problem(client.post("/v1/triage", json={"text": TEXT, **change}), 422)["field"] == field


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "not_json"),
        (b"", 400, "not_json"),
        (b'{"text": "\xff\xfe"}', 400, "not_json"),
        (b'{"text": NaN}', 400, "not_json"),
        (b'{"text": "x", "order": ' + b"[" * 40 + b"]" * 40 + b"}", 400, "too_deep"),
        (b"[" * 100_000, 400, "too_deep"),
        (b'{"text": "' + b"x" * 2_000_000 + b'"}', 413, "too_large"),
        (b"[]", 422, "invalid_field"),
        (b'"text"', 422, "invalid_field"),
        (b"null", 422, "invalid_field"),
    ],
)
def test_a_bad_body_has_its_status(client: TestClient, content: bytes, status: int, code: str) -> None:
    response = client.post("/v1/triage", content=content, headers={"Content-Type": "application/json"})
    assert _problem(response, status)["code"] == code


def test_a_chunked_body_that_is_too_large_is_refused(client: TestClient) -> None:
    chunks = (b" " * 100_000 for _ in range(20))
    _problem(client.post("/v1/triage", content=chunks, headers={"Content-Type": "application/json"}), 413)


def test_another_media_type_is_refused(client: TestClient) -> None:
    _problem(client.post("/v1/triage", content=b"text=x", headers={"Content-Type": "text/plain"}), 415)


@pytest.mark.parametrize(
    "text", ["a\ud800b late", "a\x00b late", "\u202eparcel\u202c late", "late \U000e0041", "🎉 late"]
)
def test_odd_characters_are_answered(client: TestClient, text: str) -> None:
    response = client.post("/v1/triage", content=json.dumps({"text": text, "customer": {"name": "\udfff"}}),
                           headers={"Content-Type": "application/json"})  # fmt: skip
    assert response.status_code == 200
    response.content.decode("utf-8")


def test_offsets_are_into_the_text_as_it_came_in(client: TestClient) -> None:
    text = "<p>Hi\u200b &amp; order</p> <b>402-1234567-1234567</b>"
    (entity,) = client.post("/v1/triage", json={"text": text}).json()["entities"]
    assert text[entity["start"] : entity["end"]] == entity["value"] == "402-1234567-1234567"


def test_a_long_text_is_read_in_part_and_says_so(client: TestClient) -> None:
    assert client.post("/v1/triage", json={"text": "late parcel " * 20_000}).json()["truncated"] is True
    assert client.post("/v1/triage", json={"text": TEXT}).json()["truncated"] is False


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=300), subject=st.none() | st.text(max_size=30))
def test_any_text_gives_a_result_or_a_named_field(client: TestClient, text: str, subject: str | None) -> None:
    response = client.post("/v1/triage", json={"text": text, "subject": subject})
    assert response.status_code in (200, 422)
    for entity in response.json().get("entities", []):
        assert text[entity["start"] : entity["end"]] == entity["value"]


class TestBatch:
    def test_one_bad_message_costs_the_others_nothing(self, client: TestClient) -> None:
        messages: list[object] = [{"text": f"parcel {n} is late"} for n in range(10)]
        messages[3] = {"text": "x", "colour": "red"}
        results = client.post("/v1/triage/batch", json={"messages": messages}).json()["results"]
        assert [r.get("status", 200) for r in results] == [200, 200, 200, 422, 200, 200, 200, 200, 200, 200]
        assert results[3]["field"] == "colour"

    def test_order_is_kept_and_each_result_is_its_own(self, client: TestClient) -> None:
        texts = [f"order TM-{10400 + n} is late " + "x " * (n * 7 % 50) for n in range(60)]
        results = client.post("/v1/triage/batch", json={"messages": [{"text": t} for t in texts]}).json()["results"]
        assert [r["entities"][0]["value"] for r in results] == [f"TM-{10400 + n}" for n in range(60)]

    def test_blank_and_odd_entries_get_problems_in_their_place(self, client: TestClient) -> None:
        rows = [{"text": "  "}, 5, None, {"text": "late"}, {"text": "late", "channel": "pigeon"}]
        results = client.post("/v1/triage/batch", json={"messages": rows}).json()["results"]
        assert [r.get("status", 200) for r in results] == [422, 422, 422, 200, 422]

    @pytest.mark.parametrize("count", [0, 257, 300])
    def test_a_batch_of_the_wrong_size_is_refused(self, client: TestClient, count: int) -> None:
        response = client.post("/v1/triage/batch", json={"messages": [{"text": "x"}] * count})
        assert _problem(response, 422)["field"] == "messages"


class TestKeys:
    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic good", "good", "Bearer g\u00f6od"]
    )
    def test_a_missing_or_wrong_key_is_refused(self, client: TestClient, header: str) -> None:
        headers = {"Authorization": header.encode("utf-8")}
        response = client.post("/v1/triage", json={"text": TEXT}, headers=headers)  # type: ignore[arg-type]
        assert _problem(response, 401)["code"] == "unauthorized"

    def test_a_key_without_the_scope_is_forbidden(self, client: TestClient) -> None:
        _problem(client.post("/v1/triage", json={"text": TEXT}, headers={"Authorization": "Bearer weak"}), 403)

    def test_a_key_beyond_its_rate_waits(self, make_client: Callable[..., TestClient]) -> None:
        client = make_client(requests_per_minute=2)
        statuses = [client.post("/v1/triage", json={"text": TEXT}).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert int(client.post("/v1/triage", json={"text": TEXT}).headers["retry-after"]) >= 1


class TestOperations:
    def test_probes_and_metrics(self, client: TestClient) -> None:
        client.post("/v1/triage", json={"text": TEXT})
        assert client.get("/healthz").json()["status"] == "ok"
        assert client.get("/readyz").json() == {"status": "ready", "missing": []}
        metrics = client.get("/metrics").text
        assert 'triage_requests_total{route="/v1/triage",status="200"} 1.0' in metrics
        assert 'intent="delivery_late"' in metrics

    def test_openapi_names_every_operation_and_its_problems(self, client: TestClient) -> None:
        paths = client.get("/openapi.json").json()["paths"]
        assert {"/v1/triage", "/v1/triage/batch", "/healthz", "/readyz", "/metrics"} <= paths.keys()
        assert {"400", "401", "413", "422", "429", "503"} <= paths["/v1/triage"]["post"]["responses"].keys()

    def test_without_a_model_nothing_is_ready_and_the_reason_is_said(
        self, make_client: Callable[..., TestClient]
    ) -> None:
        def load() -> TriagePipeline:
            raise ModelError("weights/manifest.json: missing")

        client = make_client(load)
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["missing"] == ["weights/manifest.json: missing"]
        response = client.post("/v1/triage", json={"text": TEXT})
        _problem(response, 503)
        assert "retry-after" in response.headers

    def test_an_unknown_path_is_a_problem(self, client: TestClient) -> None:
        _problem(client.get("/v1/nothing"), 404)
        _problem(client.get("/v1/triage"), 405)

    def test_a_defect_is_a_problem_that_tells_nothing(
        self, make_client: Callable[..., TestClient], caplog: pytest.LogCaptureFixture
    ) -> None:
        class Broken(FixedClassifier):
            def predict(self, features: object, **_: object) -> object:  # type: ignore[override]
                raise RuntimeError("canary-7f3a in the text")

        client = make_client(lambda: pipeline(Broken()))
        with caplog.at_level(logging.DEBUG):
            body = _problem(client.post("/v1/triage", json={"text": "canary-7f3a"}), 500)
        assert "canary" not in json.dumps(body)
        assert "canary" not in "".join(
            r.getMessage() + str(r.exc_text) for r in caplog.records if r.name.startswith(("api", "triage"))
        )

    def test_too_many_waiting_requests_are_told_to_come_back(self, make_client: Callable[..., TestClient]) -> None:
        from api.limits import Limits

        client = make_client()
        stack = client.app.middleware_stack  # type: ignore[attr-defined]
        while not isinstance(stack, Limits):
            stack = stack.app
        stack._waiting = stack._most_waiting
        response = client.post("/v1/triage", json={"text": TEXT})
        _problem(response, 503)
        assert response.headers["retry-after"] == "1"
        assert client.get("/healthz").status_code == 200
