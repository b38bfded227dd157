"""The default taxonomy. The labels of a model are data: a model's manifest names its own, these are the shipped ones."""

from __future__ import annotations

INTENTS = (
    "track_order", "delivery_late", "delivery_not_received", "change_delivery", "shipping_options",
    "damaged_item", "defective_item", "wrong_item", "missing_item", "product_question", "product_usage",
    "stock_availability", "warranty_claim",
    "return_item", "exchange_item", "refund_request", "refund_status",
    "place_order", "change_order", "cancel_order", "payment_problem", "invoice_request", "price_promotion",
    "account_access", "account_change", "privacy_request",
    "complaint", "praise", "human_agent", "business_inquiry", "out_of_scope",
)  # fmt: skip

REASONS = {
    "safety_risk": "possible danger to people or property",
    "money_at_risk": "money taken or an account used without consent",
    "legal_step": "legal action, authority or chargeback announced",
    "too_late_soon": "cannot be undone after a few hours",
    "needed_soon": "needed by a near date",
    "promise_broken": "a promise or date was not kept",
    "repeated_contact": "wrote before without a solution",
    "essential_blocked": "cannot do without it",
    "strong_anger": "very angry",
    "may_leave": "threatens to leave or to report",
}
"""Why a message is urgent: label and what people read."""
