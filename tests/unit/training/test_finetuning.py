"""The order of the further tasks in fine-tuning."""

from __future__ import annotations

import pytest

from training.finetuning import turn_order


def test_distillation_has_every_second_turn_and_retrieval_half_of_the_others() -> None:
    turns = turn_order(["distillation", "retrieval", "massive", "banking"])
    assert turns[::2] == ["distillation"] * 4
    assert turns[1::2] == ["retrieval", "massive", "retrieval", "banking"]


@pytest.mark.parametrize("names", [[], ["a"], ["a", "b"], ["a", "b", "c"]])
def test_every_further_task_has_a_turn(names: list[str]) -> None:
    assert set(turn_order(names)) == set(names)
