"""An example of each answer, as the API's description shows it."""

from __future__ import annotations

from typing import Any

from triage.insights.definitions import DEFINITIONS

_FILTERS: dict[str, Any] = {
    "from": "2026-11-01", "to": "2026-11-02", "bucket": "day", "channel": "email", "language": None, "region": None,
    "intent": None, "urgency": None, "product": None, "supplier": None,
}  # fmt: skip
_FIRST, _SECOND = "2026-11-01T00:00:00+01:00", "2026-11-02T00:00:00+01:00"


def _share(count: int, of: int, value: float, low: float, high: float) -> dict[str, Any]:
    return {"count": count, "of": of, "value": value, "low": low, "high": high}


def _series(first: float, second: float) -> list[dict[str, Any]]:
    return [{"at": _FIRST, "value": first}, {"at": _SECOND, "value": second}]


_NIGHT = [0] * 8
_DAY = [*_NIGHT, 3, 5, 7, 6, 4, 5, 6, 5, 3, 2, *([0] * 6)]
_SPAN = {
    "answered": 41,
    "unanswered": 3,
    "median": 2520.0,
    "p90": 19800.0,
    "working_median": 1980.0,
    "working_p90": 9000.0,
}
_ATTAINMENT = {
    "met": 44, "late": 2, "open_late": 1, "open": 2, "closed": 3, "share": _share(44, 47, 0.936, 0.828, 0.978),
}  # fmt: skip
_DRAFTS = {
    "drafts": 49, "accepted": 31, "edited": 9, "rejected": 3, "superseded": 2, "pending": 4,
    "accepted_share": _share(31, 43, 0.721, 0.573, 0.833), "distance": 0.06, "edited_distance": 0.21,
}  # fmt: skip
_MODEL = {
    "read": 60, "coverage": _share(54, 60, 0.9, 0.799, 0.953), "with_draft": _share(47, 50, 0.94, 0.838, 0.979),
    "with_article": _share(41, 50, 0.82, 0.692, 0.902), "precision": _share(38, 40, 0.95, 0.835, 0.986),
    "corrected": _share(1, 3, 0.333, 0.061, 0.792), "urgency": _share(40, 41, 0.976, 0.874, 0.996),
    "language": _share(41, 41, 1.0, 0.914, 1.0),
}  # fmt: skip
_REPEATS = {
    "asked_before": _share(4, 62, 0.065, 0.025, 0.154), "chasing": _share(7, 62, 0.113, 0.056, 0.215),
    "customers": _share(6, 51, 0.118, 0.055, 0.234),
}  # fmt: skip
_FIGURES: dict[str, dict[str, Any]] = {
    "volume": {
        "contacts": 62, "conversations": 44, "before": 57, "unread": 2, "series": _series(16, 46),
        "by": {
            "channel": [{"value": "email", "contacts": 62, "share": 1.0, "title": None}],
            "product": [{"value": "KT-210", "contacts": 14, "share": 0.226, "title": "Kettle, 1.7 l"}],
        },
        "others": {"channel": 0, "product": 0}, "week": [_DAY, *([[0] * 24] * 5), _DAY],
        "deflection": _share(10, 60, 0.167, 0.093, 0.28),
    },
    "response": {
        "span": _SPAN, "attainment": _ATTAINMENT, "series": _series(3000.0, 2400.0), "attained": _series(0.91, 0.95),
        "by": {"channel": [{"value": "email", "span": _SPAN, "attainment": _ATTAINMENT}]},
    },
    "backlog": {"series": _series(7, 3), "late": _series(1, 1), "waiting": 3, "overdue": 1, "oldest": 93600.0},
    "drafts": {
        "counts": _DRAFTS, "series": _series(0.7, 0.73), "by": {"language": [{"value": "pl", "counts": _DRAFTS}]},
    },
    "model": {
        "counts": _MODEL, "series": _series(0.92, 0.96), "by": {"intent": [{"value": "delivery_late", "counts": _MODEL}]},
    },
    "repeats": {
        "counts": _REPEATS, "series": _series(3, 8), "by": {"channel": [{"value": "email", "counts": _REPEATS}]},
    },
    "anomalies": {
        "anomalies": [
            {
                "id": "ano_01k9z3v5m2x8q4r7t6w1y0e9a3", "title": "Kettle, 1.7 l",
                "cell": {"product": "KT-210", "intent": "damaged_item", "region": None, "supplier": None},
                "first_day": "2026-11-02", "last_day": "2026-11-02", "observed": 19, "expected": 4.1, "high": 11,
                "p_value": 1.4e-07, "adjusted": 0.0003, "examples": ["msg_01k9z3c0d4f6h8j1m3p5r7t9v2"],
                "history": [["2026-11-01", 5], ["2026-11-02", 19]], "detected_at": "2026-11-02T14:03:11+00:00",
            }
        ],
        "ready": True, "history_days": 182, "needed_days": 28, "looked_at": "2026-11-02T15:03:12+00:00",
    },
    "suppliers": {
        "rows": [
            {
                "product": "KT-210", "supplier": "Huta Warta", "orders": 412, "contacted": 58, "contacts": 71, "per_100": 17.2,
                "low": 13.5, "high": 21.7, "share": _share(58, 412, 0.141, 0.11, 0.178),
                "others": _share(31, 390, 0.079, 0.057, 0.111), "p_value": 0.006, "adjusted": 0.012, "standing": "more",
                "title": "Kettle, 1.7 l",
            }
        ],
        "products": 1, "listed": 1, "compared": 2, "least_orders": 50,
    },
}  # fmt: skip

EXAMPLES: dict[str, dict[str, Any]] = {
    name: {"filters": _FILTERS, "definitions": DEFINITIONS[name], "figures": figures}
    for name, figures in _FIGURES.items()
}
