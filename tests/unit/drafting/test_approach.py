from __future__ import annotations

import pytest

from triage.drafting.approach import approach, plan
from triage.models.taxonomy import INTENTS
from triage.types import IntentScore, Prediction, Urgency, UrgencyScore


def _predicted(*, abstained: bool = False, urgency: Urgency = Urgency.NORMAL, **likely: float) -> Prediction:
    """A prediction with the given probabilities, the rest spread over all other intents."""
    rest = (1 - sum(likely.values())) / (len(INTENTS) - len(likely))
    ranking = sorted(((name, likely.get(name, rest)) for name in INTENTS), key=lambda pair: -pair[1])
    return Prediction(
        ranking=tuple(IntentScore(name=name, confidence=confidence) for name, confidence in ranking),
        intents=(ranking[0][0],),
        abstained=abstained,
        needs_reply=True,
        urgency=UrgencyScore(level=urgency, confidence=0.8),
        model_version="m",
    )


def test_what_all_likely_readings_need_is_asked_for_although_the_model_abstained() -> None:
    how = approach(_predicted(abstained=True, damaged_item=0.5, wrong_item=0.4))
    assert how.needs == ("order_number", "photo")
    assert how.acknowledge == "product_problem"
    assert how.tentative


def test_what_only_one_reading_needs_is_not() -> None:
    how = approach(_predicted(abstained=True, damaged_item=0.45, product_question=0.45))
    assert how.needs == ()
    assert how.acknowledge == "default"


def test_the_orders_facts_are_stated_where_most_readings_call_for_them() -> None:
    assert approach(_predicted(abstained=True, track_order=0.4, delivery_late=0.3)).facts_first
    assert not approach(_predicted(abstained=True, product_question=0.5, track_order=0.3)).facts


@pytest.mark.parametrize("intent", ["defective_item", "payment_problem"])
def test_an_emergency_asks_for_nothing(intent: str) -> None:
    how = approach(_predicted(urgency=Urgency.CRITICAL, **{intent: 0.95}))
    assert how.needs == ()
    assert how.emergency
    assert not how.tentative


def test_an_emergency_that_the_model_is_unsure_of_is_called_what_is_likelier() -> None:
    readings = {"track_order": 0.3, "account_access": 0.25, "payment_problem": 0.25, "defective_item": 0.1}
    assert approach(_predicted(abstained=True, urgency=Urgency.CRITICAL, **readings)).acknowledge == "security"


@pytest.mark.parametrize("intent", ["warranty_claim", "payment_problem", "return_item"])
def test_a_question_without_urgency_is_no_trouble_and_needs_no_order(intent: str) -> None:
    assert approach(_predicted(**{intent: 0.95})).needs
    how = approach(_predicted(urgency=Urgency.LOW, **{intent: 0.95}))
    assert how.acknowledge == "question"
    assert how.needs == ()


def test_a_complaint_is_looked_up_by_its_order_and_praise_needs_no_next_step() -> None:
    assert "order_number" in approach(_predicted(complaint=0.95)).needs
    assert not approach(_predicted(praise=0.95)).closing


def test_an_intent_of_a_users_own_taxonomy_gets_the_default() -> None:
    assert plan("crossword_clue") == plan("business_inquiry")
